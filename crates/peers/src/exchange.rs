//! One question to one peer through one connection, bounded in time and in octets.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use raida_client::{Address, Deadline, KeyCoin};
use raida_wire::{Challenge, Command, LONG, Pending, Recipient, Request, Sender, Status, TAILROOM};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::patience::Patience;

/// What to ask.
pub(crate) struct Question<'q> {
    pub(crate) recipient: Recipient,
    pub(crate) command: Command,
    pub(crate) payload: &'q [u8],
    /// Type 4 under this coin's number; without one in clear.
    pub(crate) key: Option<&'q KeyCoin>,
    /// The largest payload that an honest peer answers with. Not one octet more is taken from any other.
    pub(crate) answer_max: usize,
}

/// The payload of an answer that succeeded, and who gave it.
pub(crate) struct Answer {
    pub(crate) peer: SocketAddr,
    /// It may hold authenticity numbers.
    pub(crate) payload: Zeroizing<Vec<u8>>,
}

/// The socket addresses of a host, at least one. The system's look-up knows no time-out.
pub(crate) fn resolve(address: &Address) -> Result<Vec<SocketAddr>, Failure> {
    let found: Vec<_> = (address.host(), address.port()).to_socket_addrs().map_err(Failure::Name)?.collect();
    if found.is_empty() { Err(Failure::Name(ErrorKind::NotFound.into())) } else { Ok(found) }
}

/// Asks at the first of these addresses that takes a connection.
pub(crate) fn ask(places: &[SocketAddr], question: &Question<'_>, patience: Patience) -> Result<Answer, Failure> {
    let deadline = Deadline::after(patience.total());
    let (request, pending) = question.write()?;
    let (mut stream, peer) = connect(places, deadline.within(patience.connect()))?;
    let sent = send(&mut stream, &request, deadline);
    // A peer that refuses early may stop listening before it has everything: its answer says more than a broken pipe.
    let mut octets =
        receive(&mut stream, &pending, question.answer_max, deadline).or_else(|error| sent.and(Err(error)))?;
    let response = pending.read(&mut octets)?;
    match response.status {
        Status::SUCCESS => Ok(Answer { peer, payload: Zeroizing::new(response.payload.to_vec()) }),
        other => Err(Failure::Refused(other)),
    }
}

impl Question<'_> {
    /// Exactly the octets of the request, and what its answer is recognised by.
    fn write(&self) -> Result<(Zeroizing<Vec<u8>>, Pending), Failure> {
        let request = Request::new(self.recipient, self.command, sender(self.key)?);
        let mut octets = Zeroizing::new(vec![0; request.built_len(self.payload.len())]);
        let (_, pending) = request.build(&mut octets, self.payload)?;
        Ok((octets, pending))
    }
}

/// In clear the nonce and the challenge are those that servers send each other: they protect nothing there, and one
/// connection carries one question.
///
/// Source: protocol §5.4
fn sender(key: Option<&KeyCoin>) -> Result<Sender<'_>, getrandom::Error> {
    const CHALLENGE: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    let Some(KeyCoin { coin, number }) = key else {
        return Ok(Sender::Nobody { echo: [0; 2], challenge: Challenge::new(CHALLENGE) });
    };
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce)?;
    Ok(Sender::Coin256 { coin: *coin, number, nonce })
}

/// What is left of the time is shared by the addresses.
fn connect(places: &[SocketAddr], deadline: Deadline) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut last = Failure::Late;
    for (sharers, place) in (1..=u32::try_from(places.len()).unwrap_or(u32::MAX)).rev().zip(places) {
        let Some(left) = deadline.left() else { break };
        match TcpStream::connect_timeout(place, (left / sharers).max(SHORTEST)) {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(Failure::Broken)?;
                return Ok((stream, *place));
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => last = Failure::Late,
            Err(error) => last = Failure::Connect(error),
        }
    }
    Err(last)
}

/// A connect with no time at all is an error of its own.
const SHORTEST: Duration = Duration::from_micros(1);

fn send(stream: &mut TcpStream, mut octets: &[u8], deadline: Deadline) -> Result<(), Failure> {
    while !octets.is_empty() {
        stream.set_write_timeout(Some(deadline.left().ok_or(Failure::Late)?)).map_err(Failure::Broken)?;
        match stream.write(octets) {
            Ok(written) => octets = octets.get(written..).unwrap_or_default(),
            Err(error) if Deadline::judges(&error) => {}
            Err(error) => return Err(Failure::Broken(error)),
        }
    }
    Ok(())
}

/// As many octets as the answer announces, and not one more; none of an answer that announces too many.
fn receive(
    stream: &mut TcpStream,
    pending: &Pending,
    payload_max: usize,
    deadline: Deadline,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let most = LONG + payload_max + TAILROOM;
    // Filled in place: no copy of a secret stays behind where the vector has grown.
    let mut octets = Zeroizing::new(vec![0; most]);
    let mut received = 0;
    loop {
        let needed = pending.response_len(octets.get(..received).unwrap_or_default());
        if needed > most {
            return Err(Failure::TooLong { announced: needed, most });
        }
        if needed <= received {
            octets.truncate(received);
            return Ok(octets);
        }
        stream.set_read_timeout(Some(deadline.left().ok_or(Failure::Late)?)).map_err(Failure::Broken)?;
        match stream.read(octets.get_mut(received..needed).unwrap_or_default()) {
            Ok(0) => return Err(Failure::Cut { received, needed }),
            Ok(read) => received += read,
            Err(error) if Deadline::judges(&error) => {}
            Err(error) => return Err(Failure::Broken(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_of_a_ticket_has_the_octets_of_the_protocol_and_nothing_behind() {
        let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
        let payload = [7, 0xAA, 0xBB, 0xCC, 0xDD];
        let question =
            Question { recipient, command: Command::VALIDATE_TICKET, payload: &payload, key: None, answer_max: 0 };
        let (octets, _) = question.write().unwrap();
        let mut expected = vec![0x01, 0x00, 14, 0x00, 0x02, 0x32, 0x00, 0x06, 0x01, 0, 0, 0, 0, 0, 0, 0x01];
        expected.extend([0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x92, 0x70, 0xC9, 0x65]);
        expected.extend([7, 0xAA, 0xBB, 0xCC, 0xDD, 0x3E, 0x3E]);
        assert_eq!(*octets, expected);
    }
}
