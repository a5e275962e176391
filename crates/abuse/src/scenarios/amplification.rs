//! What a datagram with a forged source brings down on somebody else.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use raida_behaviour::request::{bodyless, plain};
use raida_wire::registry;

use crate::finding::Finding;
use crate::stage::Stage;

/// The attacker sends every command and every mistake in every shape, none with a secret, as if it came from a victim.
/// Nothing may be answered with more octets than it had.
pub(crate) fn play(stage: &Stage) -> Result<Finding> {
    let node = stage.node().start();
    measure(node.address())
}

fn measure(node: SocketAddr) -> Result<Finding> {
    let mut worst = BTreeMap::<String, (Trip, Trip)>::new();
    let trips = commands().chain(mistakes()).collect::<Vec<_>>();
    let count = trips.len();
    // A socket for each datagram, so that every answer has its question; so few at a time that they fit into any buffer.
    let mut rest = trips.into_iter().peekable();
    while rest.peek().is_some() {
        for (name, trip) in ask(node, rest.by_ref().take(60).collect())? {
            let (steepest, longest) = worst.entry(name).or_insert((trip, trip));
            *steepest = if trip.ratio() > steepest.ratio() { trip } else { *steepest };
            *longest = if trip.answered > longest.answered { trip } else { *longest };
        }
    }
    let most = worst.values().map(|(trip, _)| trip.ratio()).fold(0.0, f64::max);
    let over: Vec<_> =
        worst.iter().filter(|(_, (trip, _))| trip.ratio() > 1.0).map(|(name, _)| name.as_str()).collect();
    let mut table = format!("{:<30} {:>24} {:>30}", "octets in, out, ratio", "steepest answer", "longest answer");
    for (name, trips) in &worst {
        table.push_str(&format!("\n{name:<30} {:>24} {:>30}", trips.0.to_string(), trips.1.to_string()));
    }
    Ok(Finding::default()
        .remark(table)
        .remark(format!("{count} datagrams, {most:.2} times at most"))
        .expect(over.is_empty(), || format!("answered with more than was asked: {}", over.join(", "))))
}

/// One datagram and all that came back.
#[derive(Clone, Copy, Debug, Default)]
struct Trip {
    asked: usize,
    answered: usize,
}

impl Trip {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand octets")]
    fn ratio(self) -> f64 {
        if self.answered == 0 { 0.0 } else { self.answered as f64 / self.asked as f64 }
    }
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5} {:>5} {:>6.2}", self.asked, self.answered, self.ratio())
    }
}

/// Sends each from a socket of its own, and waits until nothing more comes.
fn ask(node: SocketAddr, datagrams: Vec<(String, Vec<u8>)>) -> Result<Vec<(String, Trip)>> {
    let mut open = Vec::new();
    for (name, datagram) in datagrams {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(node)?;
        socket.set_nonblocking(true)?;
        socket.send(&datagram)?;
        open.push((name, Trip { asked: datagram.len(), answered: 0 }, socket));
    }
    wait_until_read(node)?;
    let (mut last, mut room) = (Instant::now(), vec![0; 65_536]);
    while last.elapsed() < Duration::from_millis(100) {
        for (_, trip, socket) in &mut open {
            match socket.recv(&mut room) {
                Ok(length) => {
                    trip.answered += length;
                    last = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(open.into_iter().map(|(name, trip, _)| (name, trip)).collect())
}

/// An echo that comes back tells that all before it has been read, however busy the machine is.
fn wait_until_read(node: SocketAddr) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(node)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    for _ in 0..50 {
        socket.send(&plain(0, 0, &[], 7))?;
        match socket.recv(&mut [0; 2048]) {
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("{node} has answered no echo for 10 s")
}

/// Every command, in clear and under keys that nobody has, with payloads of every fitting length.
fn commands() -> impl Iterator<Item = (String, Vec<u8>)> {
    registry::all().iter().flat_map(|entry| {
        let (group, code) = (entry.command.group, entry.command.code);
        let name = format!("{group}/{code} {}", entry.name);
        let lengths = [0, 1, 4, 5, 6, 9, 16, 20, 21, 22, 26, 37, 42, 74, 185, 480, 1300];
        let clear = lengths.into_iter().map(move |length| plain(group, code, &vec![0; length], 7));
        let padded = [32, 600].into_iter().flat_map({
            let clear = clear.clone();
            move |padding| {
                clear.clone().map(move |mut request| {
                    request.resize(request.len() + padding, 0);
                    request
                })
            }
        });
        let keyed = [1, 2, 4, 5].into_iter().flat_map(move |kind| keyed(kind, group, code));
        let all = clear.chain(padded).chain([bodyless(group, code, 7)]).chain(keyed);
        all.filter(|request| request.len() <= 1440).map(move |request| (name.clone(), request))
    })
}

/// Under an envelope whose key nobody has, and without a body.
fn keyed(kind: u8, group: u8, code: u8) -> [Vec<u8>; 2] {
    let mut bare = bodyless(group, code, 7);
    bare[16] = kind;
    if kind >= 4 {
        bare[22..24].fill(0);
        bare.resize(48, 0);
    }
    let mut sealed = bare.clone();
    sealed.extend([0x55; 60]);
    sealed.extend([0x3E, 0x3E]);
    let length_at = if kind >= 4 { 18 } else { 23 };
    sealed[length_at] = 62;
    [bare, sealed]
}

/// Every error of header and envelope, votes, answers gone astray, and what is cut or too long.
fn mistakes() -> impl Iterator<Item = (String, Vec<u8>)> {
    let right = plain(0, 0, &[], 7);
    let changed = |at: usize, to: u8| {
        let mut request = right.clone();
        request[at] = to;
        request
    };
    let mut vote = vec![0; 497];
    vote[0] = 7;
    let mut astray = right[..32].to_vec();
    astray[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    astray[2] = 9;
    let mut long = changed(16, 3);
    long.resize(80, 0);
    let named = [
        ("error 255: version", changed(0, 9)),
        ("error 2: split", changed(1, 1)),
        ("error 3: node", changed(2, 9)),
        ("error 4: shard", changed(3, 4)),
        ("error 5: group", changed(4, 16)),
        ("error 6: command", changed(5, 99)),
        ("error 7: coin", changed(7, 9)),
        ("error 27: encryption", long),
        ("error 16: length", changed(22, 9)),
        ("error 33: trailer", changed(49, 0)),
        ("error 37: checksum", changed(40, 0)),
        ("error 36: empty", bodyless(1, 10, 7)),
        ("error 16: over the limit", plain(1, 10, &[0; 3000], 7)),
        ("vote: roots of zeros", vote.clone()),
        ("vote: other roots", vote.iter().map(|octet| octet.max(&3)).copied().collect()),
        ("answer gone astray", astray),
    ];
    let cut = (0..right.len())
        .map(|length| {
            (format!("cut ({} octets)", if length < 32 { "0 to 31" } else { "32 to 49" }), right[..length].to_vec())
        })
        .collect::<Vec<_>>();
    named.into_iter().map(|(name, octets)| (name.to_owned(), octets)).chain(cut)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::finding::Verdict;

    #[test]
    fn a_server_that_says_more_than_it_is_asked_is_found_out() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        thread::spawn(move || {
            let mut room = [0; 2048];
            while let Ok((length, from)) = server.recv_from(&mut room) {
                let longer = if room[..length].starts_with(&[7]) { 498 } else { 1 };
                if server.send_to(&vec![0; longer], from).is_err() {
                    break;
                }
            }
        });
        let finding = measure(address).unwrap();
        assert_eq!(finding.verdict(), Verdict::Broken);
        assert!(finding.to_string().contains("vote: other roots, vote: roots of zeros"), "{finding}");
    }
}
