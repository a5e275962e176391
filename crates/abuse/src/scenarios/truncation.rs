//! Datagrams that end too early, or too late.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::request::plain;
use raida_behaviour::vectors;

use crate::finding::Finding;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;

/// Every request of the protocol's vectors, cut at every octet, and stretched over the limit: what a path that breaks
/// datagrams does, and what a fuzzer on the network tries. Each once more as packet 255 of 255, which the node has to ignore,
/// and noise of every length.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let mut requests: Vec<_> = vectors::of_kind("request").into_iter().map(|case| case.octets).collect();
    requests.push(plain(1, 10, &[0; 1400], 1));
    let in_packets = requests.clone().into_iter().map(|mut request| {
        request.iter_mut().take(16).skip(8).for_each(|octet| *octet = 0xFF);
        request
    });
    requests.extend(in_packets.collect::<Vec<_>>());
    let mut noise = vec![0; 1500];
    getrandom::fill(&mut noise)?;
    requests.push(noise);
    let attacker = Cutter { node: node.address(), socket: UdpSocket::bind("127.0.0.1:0")?, requests, next: 0, sent: 0 };
    Siege::of(&node).play(stage, &node, attacker)
}

struct Cutter {
    node: SocketAddr,
    socket: UdpSocket,
    requests: Vec<Vec<u8>>,
    next: usize,
    sent: u64,
}

impl Attacker for Cutter {
    fn go_on(&mut self) -> Result<()> {
        let request = &self.requests[self.next % self.requests.len()];
        self.next += 1;
        for length in 0..=request.len().min(2000) {
            self.socket.send_to(&request[..length], self.node)?;
            self.sent += 1;
        }
        let mut stretched = request.clone();
        stretched.resize(9000, 0);
        self.socket.send_to(&stretched, self.node)?;
        thread::sleep(Duration::from_millis(5));
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} datagrams, {} requests cut at every octet", self.sent, self.next)
    }
}
