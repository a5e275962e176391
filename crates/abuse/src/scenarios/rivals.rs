//! Many who want the same coin at once.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};
use raida_behaviour::request::plain;

use crate::finding::Finding;
use crate::owner::Owner;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;

/// One coin has been sold to a hundred people, who all know its number. They change it at the same moment, each to a number
/// of his own: exactly one succeeds, and the coin is his.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let mut coin = Owner::of(&node, 0, 1)?.proof();
    let number = coin.split_off(5).try_into().unwrap_or_default();
    let attacker = Rivals { node: node.address(), coin, number, rounds: 0 };
    Siege::of(&node).play(stage, &node, attacker)
}

struct Rivals {
    node: SocketAddr,
    coin: Vec<u8>,
    /// The coin's number as it is now.
    number: [u8; 16],
    rounds: u64,
}

impl Attacker for Rivals {
    fn go_on(&mut self) -> Result<()> {
        let mut open = Vec::new();
        for rival in 1_u8..=100 {
            let mut proposed = [0; 16];
            getrandom::fill(&mut proposed)?;
            proposed[15] = rival;
            let mut stream = TcpStream::connect(self.node)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(&plain(1, 20, &[&self.coin[..], &self.number, &proposed].concat(), rival.into()))?;
            open.push((stream, proposed));
        }
        let mut winners = Vec::new();
        for (mut stream, proposed) in open {
            let mut answer = [0; 32];
            stream.read_exact(&mut answer)?;
            ensure!(matches!(answer[2], 241 | 242), "a rival was answered with status {}", answer[2]);
            winners.extend((answer[2] == 241).then_some(proposed));
        }
        ensure!(winners.len() == 1, "{} of 100 rivals were told that the coin is theirs", winners.len());
        self.number = winners[0];
        self.rounds += 1;
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} times 100 rivals, and one winner each time", self.rounds)
    }
}
