//! What a backend over real sockets offers beside the reactor's seam.

use std::net::SocketAddr;

use raida_reactor::backend::Backend;

use crate::door::Door;
use crate::setup::{self, Setup};
use crate::setup_error::SetupError;
use crate::sys::Stream;

/// How many reactors may share a port.
const REACTORS_MAX: usize = 1024;

/// A backend that listens on addresses of this machine, TCP and UDP on the same port.
pub trait SocketBackend: Backend<Socket = Stream> + Sized {
    /// Serves behind `doors`, which [`bind`](Self::bind) and [`bind_group`](Self::bind_group) have opened.
    ///
    /// # Errors
    /// The step that failed, and what the system said.
    fn behind(setup: &Setup, doors: Vec<Door>) -> Result<Self, SetupError>;

    /// Where it listens, in the order of [`Setup::addresses`], with the ports that the system picked; TCP and UDP alike.
    fn local_addrs(&self) -> &[SocketAddr];

    /// What the system granted of [`Setup::datagram_receive_buffer`], in octets, one figure per datagram socket. Less
    /// than asked for: `net.core.rmem_max` is lower, and the process may not go beyond.
    fn datagram_receive_buffers(&self) -> &[usize];

    /// Binds every address of `setup`, TCP and UDP on the same port, and listens.
    ///
    /// # Errors
    /// The step that failed, the address, and what the system said.
    fn bind(setup: &Setup) -> Result<Self, SetupError> {
        setup.check()?;
        let doors = setup.addresses.iter().map(|&address| Door::open(setup, address)).collect::<Result<_, _>>()?;
        Self::behind(setup, doors)
    }

    /// Binds as [`bind`](Self::bind) does, for `reactors` backends that share the ports (`SO_REUSEPORT`): the kernel
    /// spreads connections and datagrams over them. A port that another process holds is refused even where that one
    /// would share it: each is bound for one alone and shared only then. 1 to 1 024 reactors.
    ///
    /// # Errors
    /// The step that failed, the address, and what the system said.
    fn bind_group(setup: &Setup, reactors: usize) -> Result<Vec<Self>, SetupError> {
        setup.check()?;
        setup::within("reactors", reactors, REACTORS_MAX)?;
        let mut groups: Vec<Vec<Door>> = (0..reactors).map(|_| Vec::new()).collect();
        for &address in &setup.addresses {
            let Some((first, others)) = groups.split_first_mut() else { break };
            let door = Door::claim(setup, address)?;
            for other in others {
                other.push(door.beside(setup)?);
            }
            first.push(door);
        }
        groups.into_iter().map(|doors| Self::behind(setup, doors)).collect()
    }
}
