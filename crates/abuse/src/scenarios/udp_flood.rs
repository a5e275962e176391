//! Datagrams as fast as they can be sent.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::{bodyless, echo_request, plain};
use raida_behaviour::{Node, process};

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
    let finding = Siege { honest, ..Siege::of(&node) }.play(stage, &node, Flood::of(&node)?)?;
    let dropped = process::datagrams_dropped(node.address().port()) - before;
    Ok(finding.remark(format!("{dropped} datagrams were dropped by the kernel")))
}

struct Flood {
    node: SocketAddr,
    socket: UdpSocket,
    kinds: Vec<Vec<u8>>,
    sent: u64,
    answered: u64,
}

impl Flood {
    fn of(node: &Node) -> Result<Self> {
        let mut vote = vec![0; 497];
        vote[0] = 7;
        let kinds =
            vec![echo_request(9), vec![1; 100], vote, plain(1, 10, &[0; 21], 9), bodyless(0, 1, 9), vec![1; 16]];
        let socket = UdpSocket::bind("127.7.7.7:0")?;
        socket.set_nonblocking(true)?;
        Ok(Self { node: node.address(), socket, kinds, sent: 0, answered: 0 })
    }
}

impl Attacker for Flood {
    fn go_on(&mut self) -> Result<()> {
        for kind in self.kinds.iter().cycle().take(1000) {
            // A full queue on the way is what a flood meets.
            self.sent += u64::from(self.socket.send_to(kind, self.node).is_ok());
        }
        thread::sleep(Duration::from_millis(10));
        while self.socket.recv(&mut [0; 2048]).is_ok() {
            self.answered += 1;
        }
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} datagrams, {} answers", self.sent, self.answered)
    }
}
