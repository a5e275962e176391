//! What a slow peer takes.

use crate::sys::Stream;

/// How much of what was sent to a peer it has not taken, at the last look.
#[derive(Debug, Default)]
pub struct Uptake {
    untaken: usize,
}

impl Uptake {
    /// Whether the peer has taken octets since the last look. The kernel tells of room only when there is a lot of it.
    pub fn look(&mut self, stream: &Stream) -> bool {
        // Where the system cannot tell, nothing has changed.
        let before = self.untaken;
        self.untaken = stream.untaken().unwrap_or(before);
        self.untaken < before
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn octets_that_were_taken_are_noticed_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = listener.accept().unwrap().0;
        accepted.set_nonblocking(true).unwrap();
        let stream = Stream::from(OwnedFd::from(accepted));
        let mut uptake = Uptake::default();
        while stream.send(&[7; 1 << 16]).is_ok() {}
        assert!(!uptake.look(&stream) && !uptake.look(&stream), "nobody has read");

        let mut taken = vec![0; stream.untaken().unwrap()];
        peer.read_exact(&mut taken).unwrap();
        let start = Instant::now();
        while !uptake.look(&stream) {
            assert!(start.elapsed() < Duration::from_secs(30), "not noticed");
            std::thread::yield_now();
        }
    }
}
