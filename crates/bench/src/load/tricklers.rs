//! Peers that send one octet now and then and never come to an end.

use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::io::Errno;
use rustix::net::{self, SendFlags};

use crate::load::stream::Streams;

/// How often each of them sends an octet. Whoever is slower than a node's patience is closed, and comes again.
const PERIOD: Duration = Duration::from_secs(1);

/// Octets of a request that are sent before the connection is given up: it is never whole.
const OCTETS: usize = 20;

/// Some of them, one after the other, evenly spread over the period.
pub(crate) struct Tricklers {
    streams: Streams,
    sockets: Vec<(OwnedFd, usize)>,
    next: usize,
    began: Instant,
    sent: u32,
}

impl Tricklers {
    pub(crate) fn connect(server: SocketAddrV4, count: usize) -> Result<Self> {
        let mut streams = Streams::new(server);
        let sockets = (0..count).map(|number| Ok((streams.connect()?, number % OCTETS))).collect::<Result<_>>()?;
        Ok(Self { streams, sockets, next: 0, began: Instant::now(), sent: 0 })
    }

    /// Lets one of them send its octet if it is time.
    pub(crate) fn turn(&mut self) -> Result<()> {
        let gap = PERIOD / u32::try_from(self.sockets.len()).unwrap_or(u32::MAX);
        if self.began + gap * self.sent > Instant::now() {
            return Ok(());
        }
        self.sent += 1;
        self.next = (self.next + 1) % self.sockets.len();
        let Some((socket, octets)) = self.sockets.get_mut(self.next) else { return Ok(()) };
        *octets += 1;
        // A version octet, and zeros behind it: the beginning of a request.
        let octet = [u8::from(*octets == 1)];
        let sent = net::send(&*socket, &octet, SendFlags::NOSIGNAL);
        if *octets >= OCTETS || matches!(sent, Err(Errno::PIPE | Errno::CONNRESET)) {
            (*socket, *octets) = (self.streams.connect()?, 0);
        }
        Ok(())
    }
}
