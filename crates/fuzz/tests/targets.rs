//! The targets. A name here is what `cargo xtask fuzz` takes.

#![expect(clippy::indexing_slicing, reason = "a target that panics is a finding")]

use std::sync::LazyLock;

use raida_config::{Config, ConfigFile, Sources};
use raida_conn::{Connection, Host, Instant, Octets, Policy, Step};
use raida_node::Node;
use raida_node::testing::{Coins, ask, node_of};
use raida_reactor::service::Transport;
use raida_wire::{AuthenticityNumber, Command, Head, RawCoinId, Refusal, Rules, Status, registry};

const RULES: Rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };

/// No octets make the wire format panic, on either end.
#[test]
fn wire() {
    bolero::check!().for_each(|octets| raida_wire::testing::read_everything(&plausible(octets), &RULES));
}

/// However a stream is cut into pieces, the connection comes to the same decision.
#[test]
fn connection() {
    bolero::check!().for_each(|octets| {
        let Some((cut, stream)) = octets.split_first() else { return };
        let stream = &plausible(stream);
        let pieces: Vec<_> = stream.chunks(usize::from(*cut % 64) + 1).collect();
        let (whole, in_pieces) = (decision(&[stream]), decision(&pieces));
        assert_ne!(whole, Decision::OutOfTurn);
        assert_eq!(whole, in_pieces, "cut every {} octets", cut % 64 + 1);
    });
}

/// Whatever is asked, under whatever key, it is answered, and within the bounds of a datagram.
#[test]
fn node() {
    static NODE: LazyLock<Node> = LazyLock::new(|| {
        let coin = RawCoinId([0, 0, 0, 0, 7]).judge().expect("a coin in range");
        node_of(14, &Coins::new().with_coin(coin, AuthenticityNumber::new([5; 16])))
    });
    bolero::check!().for_each(|octets| {
        let octets = plausible(octets);
        let Some(request) = whole_request(&octets) else { return };
        let transport = Transport::Udp { datagram: request.len(), limit: 1440 };
        let answer = ask(&NODE, request, transport).expect("an answer");
        assert!((32..=1440).contains(&answer.len()), "{} octets", answer.len());
        ask(&NODE, request, Transport::Tcp).expect("an answer");
    });
}

/// A configuration file is accepted or refused in words.
#[test]
fn configuration() {
    bolero::check!().for_each(|octets| {
        let text = String::from_utf8_lossy(octets).into_owned();
        let file = Some(ConfigFile::from_text("fuzzed.toml", text));
        match Config::load(&Sources { file, ..Sources::default() }) {
            Ok(loaded) => assert!(!loaded.print().is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

/// Half of the inputs as they are, the others with a header that passes most checks: chance alone hardly ever writes one.
fn plausible(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    if octets.first().is_some_and(|first| first % 2 == 1) && octets.len() > 48 {
        let commands = registry::all();
        let Command { group, code } = commands[usize::from(octets[4]) % commands.len()].command;
        let shard = octets[3] % 4;
        octets[..8].copy_from_slice(&[1, 0, 14, shard, group, code, 0, 6]);
        octets[16] = [0, 1, 2, 4, 5, octets[16]][usize::from(octets[16]) % 6];
        let (header, length_at) = if octets[16] < 3 { (32, 22) } else { (48, 17) };
        let length = u16::try_from(octets.len() - header).unwrap_or(u16::MAX).to_be_bytes();
        octets[length_at..length_at + 2].copy_from_slice(&length);
        octets[17..17 + if header == 32 { 5 } else { 0 }].fill(0);
        let end = octets.len();
        octets[end - 2..].copy_from_slice(&[0x3E, 0x3E]);
    }
    octets
}

/// The request at the front of `octets`, if its header and lengths are right.
fn whole_request(octets: &[u8]) -> Option<&[u8]> {
    let head = Head::judge(octets, &RULES).ok().flatten()?;
    head.check_length(&RULES).ok()?;
    octets.get(..head.request_len())
}

/// What a connection decided about the first request of a stream.
#[derive(Debug, PartialEq)]
enum Decision {
    Serve(Vec<u8>),
    Refuse(Refusal),
    WaitForMore,
    OutOfTurn,
}

fn decision(pieces: &[&[u8]]) -> Decision {
    let policy = Policy::new(RULES);
    let mut connection = Connection::new(Instant::from_micros(0), &policy);
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut input = piece.to_vec();
        match connection.received(Instant::from_micros(1), &input, &policy, &mut Memory) {
            Step::Receive => {}
            Step::Process { mut request, .. } => return Decision::Serve(served(&mut request, &mut input)),
            Step::Refuse(refusal) => return Decision::Refuse(refusal),
            Step::Send(_) | Step::Linger | Step::Close(_) | Step::Wait => return Decision::OutOfTurn,
        }
    }
    Decision::WaitForMore
}

fn served(request: &mut Octets<Vec<u8>>, input: &mut [u8]) -> Vec<u8> {
    request.get_mut(input).to_vec()
}

struct Memory;

impl Host for Memory {
    type Buffer = Vec<u8>;

    fn admit(&mut self, _: &Head) -> Result<(), Status> {
        Ok(())
    }

    fn take_buffer(&mut self, len: usize) -> Option<Vec<u8>> {
        Some(vec![0; len])
    }

    fn put_buffer(&mut self, _: Vec<u8>) {}
}
