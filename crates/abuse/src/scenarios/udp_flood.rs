//! Datagrams as fast as they can be sent.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::process;
use raida_behaviour::request::{bodyless, echo_request, plain};

use crate::finding::Finding;
use crate::honest::Honest;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;

/// The attacker sends bursts of a thousand from one address: echoes, noise, votes, requests that take a worker. The kernel
/// drops what does not fit into the receive buffer, and the node leaves unanswered what is over the limit of one source.
/// Honest clients come from elsewhere; they may have to ask again, as every client over UDP does.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().config("limits.loopback_exempt = false").start();
    let before = process::datagrams_dropped(node.address().port());
    let honest = Honest { source: Ipv4Addr::new(127, 8, 8, 8), ..Honest::at(node.address()) };
    let mut vote = vec![0; 497];
    vote[0] = 7;
    let kinds = vec![echo_request(9), vec![1; 100], vote, plain(1, 10, &[0; 21], 9), bodyless(0, 1, 9), vec![1; 16]];
    let flood = Flood::from_sources(node.address(), [Ipv4Addr::new(127, 7, 7, 7)], kinds)?;
    let finding = Siege { honest, ..Siege::of(&node) }.play(stage, &node, flood)?;
    let dropped = process::datagrams_dropped(node.address().port()) - before;
    Ok(finding.remark(format!("{dropped} datagrams were dropped by the kernel")))
}

/// Sends bursts of a thousand datagrams, from each source in its turn.
pub(crate) struct Flood {
    node: SocketAddr,
    sockets: Vec<UdpSocket>,
    kinds: Vec<Vec<u8>>,
    sent: u64,
    answered: u64,
}

impl Flood {
    pub(crate) fn from_sources(
        node: SocketAddr,
        sources: impl IntoIterator<Item = Ipv4Addr>,
        kinds: Vec<Vec<u8>>,
    ) -> Result<Self> {
        let sockets = sources.into_iter().map(|source| {
            let socket = UdpSocket::bind((source, 0))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        Ok(Self { node, sockets: sockets.collect::<Result<_>>()?, kinds, sent: 0, answered: 0 })
    }
}

impl Attacker for Flood {
    fn go_on(&mut self) -> Result<()> {
        let sockets = self.sockets.iter().cycle();
        // Every kind from every source, whatever their numbers have in common.
        let kinds = self.kinds.iter().flat_map(|kind| std::iter::repeat_n(kind, self.sockets.len())).cycle();
        for (socket, kind) in sockets.zip(kinds).take(1000) {
            // A full queue on the way is what a flood meets.
            self.sent += u64::from(socket.send_to(kind, self.node).is_ok());
        }
        thread::sleep(Duration::from_millis(10));
        for socket in &self.sockets {
            while socket.recv(&mut [0; 2048]).is_ok() {
                self.answered += 1;
            }
        }
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} datagrams, {} answers", self.sent, self.answered)
    }
}
