//! Datagrams as fast as they can be sent.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::{bodyless, echo_request, plain};
use raida_behaviour::{Node, process};

use crate::finding::Finding;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;

/// The attacker sends bursts of a thousand: echoes, noise, votes, requests that take a worker. The kernel drops what does
/// not fit into the receive buffer, so an honest client may have to ask again, as every client over UDP does.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let before = process::datagrams_dropped(node.address().port());
    let finding = Siege::of(&node).play(stage, &node, Flood::of(&node)?)?;
    let dropped = process::datagrams_dropped(node.address().port()) - before;
    Ok(finding.remark(format!("{dropped} datagrams were dropped by the kernel")))
}

struct Flood {
    node: SocketAddr,
    socket: UdpSocket,
    kinds: Vec<Vec<u8>>,
    sent: u64,
}

impl Flood {
    fn of(node: &Node) -> Result<Self> {
        let mut vote = vec![0; 497];
        vote[0] = 7;
        let kinds =
            vec![echo_request(9), vec![1; 100], vote, plain(1, 10, &[0; 21], 9), bodyless(0, 1, 9), vec![1; 16]];
        Ok(Self { node: node.address(), socket: UdpSocket::bind("127.0.0.1:0")?, kinds, sent: 0 })
    }
}

impl Attacker for Flood {
    fn go_on(&mut self) -> Result<()> {
        for kind in self.kinds.iter().cycle().take(1000) {
            // A full queue on the way is what a flood meets.
            self.sent += u64::from(self.socket.send_to(kind, self.node).is_ok());
        }
        thread::sleep(Duration::from_millis(10));
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} datagrams", self.sent)
    }
}
