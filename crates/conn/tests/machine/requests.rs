//! Requests as peers send them: good ones of every type, and bad ones.

use proptest::collection::vec;
use proptest::prelude::*;
use raida_conn::Policy;
use raida_wire::{AuthenticityNumber, Challenge, CoinId, Command, LONG, Recipient, Request, Rules, Sender};

pub(crate) const RULES: Rules = Rules { raida_id: 14, coin_id: 6, body_max: 3000 };

/// The limits of the protocol, for a node that takes bodies of up to 3000 octets.
pub(crate) fn policy() -> Policy {
    Policy::new(RULES)
}

/// One request of each encryption type, in ascending order of the type's code, with `payload` octets of payload.
pub(crate) fn one_of_each(command: Command, payload: usize) -> [Vec<u8>; 5] {
    let coin = CoinId::new(1, 77).unwrap();
    let number = AuthenticityNumber::new([3; 16]);
    let challenge = Challenge::new([9; 12]);
    [
        Sender::Nobody { echo: [0x01, 0xBB], challenge },
        Sender::Coin { coin, number: &number, nonce: [5; 8], challenge },
        Sender::Locker { key: &number, nonce: [6; 8], challenge },
        Sender::Coin256 { coin, number: &number, nonce: [7; 24] },
        Sender::TwoCoins { first: (coin, &number), second: (coin, &number), nonce: [8; 19] },
    ]
    .map(|sender| {
        let request = Request::new(Recipient { raida_id: 14, coin_id: 6, shard: 0 }, command, sender);
        let mut octets = vec![0; request.built_len(payload)];
        request.build(&mut octets, &vec![0x5A; payload]).unwrap();
        octets
    })
}

/// A type 0 request for the echo: 32 octets of header, 18 of body.
pub(crate) fn echo() -> Vec<u8> {
    one_of_each(Command::ECHO, 0)[0].clone()
}

/// The same without a body.
pub(crate) fn bodyless(command: Command) -> Vec<u8> {
    let sender = Sender::Nobody { echo: [0x02, 0xBB], challenge: Challenge::new([0; 12]) };
    let mut octets = [0; LONG];
    let request = Request::new(Recipient { raida_id: 14, coin_id: 6, shard: 0 }, command, sender);
    let (len, _) = request.build_bodyless(&mut octets);
    octets[..len].to_vec()
}

/// A request that is accepted.
pub(crate) fn good() -> impl Strategy<Value = Vec<u8>> {
    let with_body =
        (0..5usize, prop_oneof![4 => 0..100usize, 1 => 0..2900usize], any::<u8>()).prop_map(|(kind, payload, echo)| {
            let mut octets = one_of_each(Command::ECHO, payload)[kind].clone();
            // The host of these tests looks at the first octet of the echo.
            let at = if kind < 3 { 30 } else { 46 };
            octets[at] = echo & 0x7F;
            octets
        });
    prop_oneof![9 => with_body, 1 => Just(bodyless(Command::VERSION))]
}

/// A request that is probably refused: a header octet changed, a key that the host does not know, or noise.
pub(crate) fn bad() -> impl Strategy<Value = Vec<u8>> {
    let damaged = (good(), 0..LONG, any::<u8>()).prop_map(|(mut octets, at, value)| {
        if let Some(octet) = octets.get_mut(at) {
            *octet = value;
        }
        octets
    });
    let unknown_key = (0..5usize).prop_map(|kind| {
        let mut octets = one_of_each(Command::ECHO, 0)[kind].clone();
        octets[if kind < 3 { 30 } else { 46 }] = 0xFF;
        octets
    });
    let no_body = Just(bodyless(Command::new(1, 10)));
    prop_oneof![4 => damaged, 1 => unknown_key, 1 => no_body, 1 => vec(any::<u8>(), 1..100)]
}

/// Everything that one peer sends: requests, good and bad, and perhaps the beginning of another.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let request = prop_oneof![4 => good(), 1 => bad()];
    (vec(request, 0..5), good(), any::<prop::sample::Index>()).prop_map(|(whole, last, cut)| {
        let mut octets = whole.concat();
        octets.extend(&last[..cut.index(last.len() + 1)]);
        octets
    })
}
