//! The operator's own window.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::slow_header::Dripping;
use crate::finding::Finding;
use crate::siege::{Attacker, Siege};
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// How long a question to the monitor may take beside the others. Whoever watches a node asks every few seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Somebody on the same host opens fifty connections to the monitor's port and says one octet a second on each, and asks
/// questions that never end. The node's own clients notice nothing, and the operator still learns how it fares.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).context("a free port")?;
    let node = stage.node().config(&format!("[monitor]\nlisten = [\"{free}\"]")).start();
    let habit = |opening: Vec<u8>| Habit {
        opening,
        drip: b"x".to_vec(),
        pause: Duration::from_secs(1),
        reads: true,
        room: None,
    };
    let slow = habit(b"GET /healthz HTTP/1.1\r\nX: ".to_vec());
    let endless = habit([b"GET /".as_slice(), &[b'a'; 20_000]].concat());
    let swarm = |habit| Dripping(Swarm::new(free, vec![Ipv4Addr::LOCALHOST], 25, habit));
    let attacker = Beside { monitor: free, swarms: [swarm(slow), swarm(endless)], slowest: Duration::ZERO };
    Siege::of(&node).play(stage, &node, attacker)
}

struct Beside {
    monitor: SocketAddr,
    swarms: [Dripping; 2],
    slowest: Duration,
}

impl Attacker for Beside {
    fn go_on(&mut self) -> Result<()> {
        for swarm in &mut self.swarms {
            swarm.go_on()?;
        }
        let start = Instant::now();
        is_healthy(self.monitor).context("the monitor, beside those who hold it up")?;
        self.slowest = self.slowest.max(start.elapsed());
        Ok(())
    }

    fn tally(&self) -> String {
        let [slow, endless] = self.swarms.each_ref().map(Attacker::tally);
        format!("slow: {slow}\nendless: {endless}\nthe slowest answer took {:.0} ms", self.slowest.as_secs_f64() * 1e3)
    }
}

fn is_healthy(monitor: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&monitor, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}
