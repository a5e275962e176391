//! One question through a connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::answer::Trip;
use crate::deadline::Deadline;
use crate::error::{Stage, Trouble};
use crate::letter::Letter;
use crate::options::Options;

/// The octets of the answer, not verified yet: as many as they announce, at most what the format's 24-bit size allows.
pub(crate) fn exchange(
    letter: &Letter,
    addresses: &[SocketAddr],
    options: &Options,
    deadline: Deadline,
    attempts: &mut u32,
) -> Result<(Vec<u8>, Trip), Trouble> {
    let begun = Deadline::after(deadline.span());
    let mut last = timeout(Stage::Connect);
    for span in options.spans() {
        if *attempts > 0 && deadline.left().is_none() {
            break;
        }
        *attempts += 1;
        // What is not sent twice has the time of all attempts: giving up early would only leave its fate unknown.
        let patience = if letter.is_repeatable { deadline.within(span) } else { deadline };
        match ask_once(letter, addresses, deadline.within(span), patience) {
            Ok((octets, peer)) => {
                return Ok((octets, Trip { peer, latency: begun.elapsed(), execution: None, attempts: *attempts }));
            }
            Err(failure) if failure.may_repeat(letter) => last = failure.trouble,
            Err(failure) => return Err(failure.trouble),
        }
    }
    Err(last)
}

/// An attempt that failed.
struct Failure {
    trouble: Trouble,
    /// Whether the node may have got the question.
    is_sent: bool,
}

impl Failure {
    fn may_repeat(&self, letter: &Letter) -> bool {
        self.trouble.is_transient() && (letter.is_repeatable || !self.is_sent)
    }
}

fn ask_once(
    letter: &Letter,
    addresses: &[SocketAddr],
    connected_by: Deadline,
    deadline: Deadline,
) -> Result<(Vec<u8>, SocketAddr), Failure> {
    let (mut stream, peer) = connect(addresses, connected_by).map_err(|trouble| Failure { trouble, is_sent: false })?;
    let sent = send(&mut stream, letter.request(), deadline);
    // A node that refuses early may stop listening before it has everything. Its answer says more than our broken pipe.
    match (receive(&mut stream, letter, deadline), sent) {
        (Ok(octets), _) => Ok((octets, peer)),
        (Err(_), Err(trouble)) | (Err(trouble), Ok(())) => Err(Failure { trouble, is_sent: true }),
    }
}

/// A connection to the first address that takes one. What is left of the time is shared by the addresses.
fn connect(addresses: &[SocketAddr], deadline: Deadline) -> Result<(TcpStream, SocketAddr), Trouble> {
    let mut last = timeout(Stage::Connect);
    for (sharers, address) in (1..=u32::try_from(addresses.len()).unwrap_or(u32::MAX)).rev().zip(addresses) {
        let Some(left) = deadline.left() else { break };
        match TcpStream::connect_timeout(address, (left / sharers).max(SHORTEST)) {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(Trouble::Connect)?;
                return Ok((stream, *address));
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => last = timeout(Stage::Connect),
            Err(error) => last = Trouble::Connect(error),
        }
    }
    Err(last)
}

/// Writes everything before the deadline.
fn send(stream: &mut TcpStream, mut octets: &[u8], deadline: Deadline) -> Result<(), Trouble> {
    while !octets.is_empty() {
        let left = deadline.left().ok_or_else(|| timeout(Stage::Send))?;
        stream.set_write_timeout(Some(left)).map_err(Trouble::Send)?;
        match stream.write(octets) {
            Ok(written) => octets = octets.get(written..).unwrap_or_default(),
            Err(error) if Deadline::judges(&error) => {}
            Err(error) => return Err(Trouble::Send(error)),
        }
    }
    Ok(())
}

/// Reads as many octets as the answer announces, and not one more.
fn receive(stream: &mut TcpStream, letter: &Letter, deadline: Deadline) -> Result<Vec<u8>, Trouble> {
    let mut octets = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let needed = letter.answer_len(&octets);
        let missing = needed.saturating_sub(octets.len()).min(chunk.len());
        let room = chunk.get_mut(..missing).unwrap_or_default();
        if room.is_empty() {
            return Ok(octets);
        }
        let left = deadline.left().ok_or_else(|| timeout(Stage::Answer))?;
        stream.set_read_timeout(Some(left)).map_err(Trouble::Receive)?;
        match stream.read(room) {
            Ok(0) => return Err(Trouble::Cut { received: octets.len(), needed }),
            Ok(read) => octets.extend_from_slice(room.get(..read).unwrap_or_default()),
            Err(error) if Deadline::judges(&error) => {}
            Err(error) => return Err(Trouble::Receive(error)),
        }
    }
}

const fn timeout(stage: Stage) -> Trouble {
    Trouble::Timeout { stage, strays: 0 }
}

/// A connect with no time at all is an error of its own.
const SHORTEST: Duration = Duration::from_micros(1);
