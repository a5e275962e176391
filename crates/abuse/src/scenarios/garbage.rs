//! Other protocols on the port, as scanners speak them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::finding::Finding;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;

/// What scanners say. A TLS hello is long enough to fill a header, a banner is not.
const WORDS: [&[u8]; 7] = [
    b"GET / HTTP/1.1\r\nHost: example.com\r\nUser-Agent: scanner\r\nAccept: */*\r\n\r\n",
    b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03a hello that begins like any other, with nothing behind it",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x00\x00\x00\x2f\xffSMBr\x00\x00\x00\x00\x18\x01\x28\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    b"*1\r\n$4\r\nPING\r\n",
    b"\x01",
];

/// The attacker speaks what is spoken elsewhere, over TCP and UDP, and noise of every length. The node says at most one
/// short answer and closes.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let attacker = Scanner { node: node.address(), spoken: 0, answered: 0, longest: 0 };
    Siege::of(&node).play(stage, &node, attacker)
}

struct Scanner {
    node: SocketAddr,
    spoken: u64,
    answered: u64,
    longest: usize,
}

impl Attacker for Scanner {
    fn go_on(&mut self) -> Result<()> {
        let mut noise = [0; 1024];
        getrandom::fill(&mut noise)?;
        let length = usize::from(noise[0]) * 4;
        for words in WORDS.into_iter().chain([&noise[..length]]) {
            UdpSocket::bind("127.0.0.1:0")?.send_to(words, self.node)?;
            let mut stream = TcpStream::connect(self.node)?;
            stream.set_read_timeout(Some(Duration::from_millis(20)))?;
            // A node that has closed already has said what it had to say.
            let _ = stream.write_all(words);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            self.spoken += 1;
            self.answered += u64::from(!answer.is_empty());
            self.longest = self.longest.max(answer.len());
        }
        thread::sleep(Duration::from_millis(1));
        Ok(())
    }

    fn tally(&self) -> String {
        let Self { spoken, answered, longest, .. } = self;
        format!("{spoken} strangers, {answered} of them answered, with {longest} octets at most")
    }
}
