//! Reset storms.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use raida_behaviour::ask;
use raida_behaviour::request::{echo_request, plain};

use crate::finding::Finding;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;

/// The attacker connects, sends a request that takes a worker or one that does not, whole or half, and resets at once: while
/// the node reads a header or a body, computes, writes, waits for the disk, or says farewell. The C server dies of it after
/// a handful.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    let attacker = Storm { node: node.address(), resets: 0, failed: 0 };
    Siege::of(&node).play(stage, &node, attacker)
}

struct Storm {
    node: SocketAddr,
    resets: u64,
    failed: u64,
}

impl Attacker for Storm {
    fn go_on(&mut self) -> Result<()> {
        // A hundred in a row, then a short rest: some 10 000 a second.
        for turn in 0..100 {
            let Ok(mut stream) = TcpStream::connect_timeout(&self.node, Duration::from_secs(1)) else {
                self.failed += 1;
                continue;
            };
            let request = match turn % 7 {
                0 => echo_request(1),
                1 => plain(1, 10, &[0; 21], 1),
                2 => plain(1, 20, &[0; 37 * 20], 1),
                3 => plain(1, 11, &[0; 5 * 10_000 + 16], 1).into_iter().take(turn * 500).collect(),
                // A refusal, and a body that nobody wants.
                4 => vec![9; 2000],
                _ => echo_request(1).into_iter().take(turn % 51).collect(),
            };
            // The node may have gone first: then there is nothing to reset.
            let _ = stream.write_all(&request);
            if turn % 5 == 0 {
                let _ = stream.shutdown(Shutdown::Write);
            }
            if turn % 3 == 0 {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(1))).and_then(|()| stream.read(&mut [0; 7]));
            }
            ask::reset(stream);
            self.resets += 1;
        }
        thread::sleep(Duration::from_millis(5));
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} resets, {} connections that were not accepted in time", self.resets, self.failed)
    }
}
