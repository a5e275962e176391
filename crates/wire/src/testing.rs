//! Strategies for property tests, defined once for this crate and for its users, and the target of its fuzzing.
//!
//! Behind feature `testing`: the one module that needs std.

extern crate std;

use core::ops::RangeInclusive;
use std::vec;
use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::head::KeyName;
use crate::header::{Header, Keying, LONG, View};
use crate::{
    AuthenticityNumber, Challenge, CoinId, Command, Datagram, Encryption, HEADROOM, Head, Key, Pending, RawCoinId,
    Recipient, Request, Rules, Sender, Status, TAILROOM, audit, header_len, judge_datagram, open, registry, response,
    stats, vote,
};

/// One request with all that is needed to build it, to open it, and to read its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The type of the envelope.
    pub encryption: Encryption,
    /// Whom it is for.
    pub recipient: Recipient,
    /// What it asks.
    pub command: Command,
    /// The key coins; types 1 and 4 use the first.
    pub coins: [CoinId; 2],
    /// Their secrets. Type 2 has two lockers with one prefix; the second is the right one.
    pub numbers: [AuthenticityNumber; 2],
    /// As many octets of it are used as the type has.
    pub nonce: [u8; 24],
    /// The chosen part of the challenge.
    pub chosen: [u8; 12],
    /// What the command gets.
    pub payload: Vec<u8>,
}

impl Exchange {
    /// The rules of the node that it is for.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        Rules { raida_id: self.recipient.raida_id, coin_id: self.recipient.coin_id, body_max: u16::MAX }
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> Request {
        let [first, second] = self.coins;
        let [first_number, second_number] = &self.numbers;
        let [.., a, b] = self.nonce;
        let [n0, n1, n2, n3, n4, n5, n6, n7, ..] = self.nonce;
        let nonce = [n0, n1, n2, n3, n4, n5, n6, n7];
        let [_, _, _, _, _, behind @ ..] = self.nonce;
        let challenge = Challenge::new(self.chosen);
        let sender = match self.encryption {
            Encryption::None => Sender::Nobody { echo: [a, b], challenge },
            Encryption::Coin => Sender::Coin { coin: first, number: first_number, nonce, challenge },
            Encryption::Locker => Sender::Locker { key: second_number, nonce, challenge },
            Encryption::Coin256 => Sender::Coin256 { coin: first, number: first_number, nonce: self.nonce },
            Encryption::TwoCoins => {
                Sender::TwoCoins { first: (first, first_number), second: (second, second_number), nonce: behind }
            }
        };
        Request::new(self.recipient, self.command, sender)
    }

    /// The request's octets, and what reading the answer takes. `None` if the payload is too long.
    #[must_use]
    pub fn build(&self) -> Option<(Vec<u8>, Pending)> {
        let request = self.request();
        let mut octets = vec![0; request.built_len(self.payload.len())];
        let (_, pending) = request.build(&mut octets, &self.payload).ok()?;
        Some((octets, pending))
    }

    /// The keys that a node which knows both secrets finds.
    #[must_use]
    pub const fn key(&self) -> Key<'_> {
        let [first, second] = &self.numbers;
        match self.encryption {
            Encryption::None => Key::None,
            Encryption::Coin | Encryption::Coin256 => Key::Coin(first),
            Encryption::Locker => Key::Lockers(&self.numbers),
            Encryption::TwoCoins => Key::TwoCoins(first, second),
        }
    }
}

/// Requests of every type with payloads of up to `payload_max` octets.
pub fn exchange(payload_max: usize) -> impl Strategy<Value = Exchange> {
    exchange_of(&Encryption::ALL, 0..=payload_max)
}

/// Requests of these types with payloads of these lengths.
pub fn exchange_of(types: &'static [Encryption], lengths: RangeInclusive<usize>) -> impl Strategy<Value = Exchange> {
    let parts = (select(types), recipient(), command(), [coin(), coin()], any::<[[u8; 16]; 2]>());
    let random = (any::<[u8; 24]>(), any::<[u8; 12]>(), vec(any::<u8>(), lengths));
    (parts, random).prop_map(
        |((encryption, recipient, command, coins, [mut first, second]), (nonce, chosen, payload))| {
            if encryption == Encryption::Locker {
                for (to, from) in first.iter_mut().zip(second).take(5) {
                    *to = from;
                }
            }
            let numbers = [first.into(), second.into()];
            Exchange { encryption, recipient, command, coins, numbers, nonce, chosen, payload }
        },
    )
}

/// Every command of the registry.
pub fn command() -> impl Strategy<Value = Command> {
    select(registry::all()).prop_map(|entry| entry.command)
}

/// Every coin that can exist.
pub fn coin() -> impl Strategy<Value = CoinId> {
    (-8_i8..=6, 0_u32..1_024_000)
        .prop_filter_map("in range", |(denomination, number)| CoinId::new(denomination, number))
}

/// Any node of any network, and any shard.
pub fn recipient() -> impl Strategy<Value = Recipient> {
    (any::<u8>(), any::<u16>(), 0..=3_u8).prop_map(|(raida_id, coin_id, shard)| Recipient { raida_id, coin_id, shard })
}

/// Any header that passes checks 2 to 9 by the rules that go with it.
pub fn header() -> impl Strategy<Value = (Header, Rules)> {
    let keying = prop_oneof![
        any::<[u8; 2]>().prop_map(|echo| Keying::None { echo }),
        (raw_coin(), any::<[u8; 8]>()).prop_map(|(coin, nonce)| Keying::Coin { coin, nonce }),
        any::<([u8; 5], [u8; 8])>().prop_map(|(prefix, nonce)| Keying::Locker { prefix, nonce }),
        (raw_coin(), any::<[u8; 24]>()).prop_map(|(coin, nonce)| Keying::Coin256 { coin, nonce }),
        (raw_coin(), raw_coin(), any::<[u8; 19]>()).prop_map(|(first, second, nonce)| Keying::TwoCoins {
            first,
            second,
            nonce
        }),
    ];
    (recipient(), command(), any::<[u8; 8]>(), any::<u16>(), keying).prop_map(
        |(recipient, command, presentation, body_len, keying)| {
            let Recipient { raida_id, coin_id, shard } = recipient;
            let header = Header { raida_id, shard, command, coin_id, presentation, body_len, keying };
            (header, Rules { raida_id, coin_id, body_max: u16::MAX })
        },
    )
}

/// Any response header.
pub fn response_header() -> impl Strategy<Value = response::Header> {
    let form =
        prop_oneof![
            any::<([u8; 2], [u8; 16])>().prop_map(|(echo, signature)| response::Form::Short { echo, signature }),
            (any::<u8>(), raw_coin(), any::<[u8; 24]>())
                .prop_map(|(encryption_code, key, nonce)| response::Form::Long { encryption_code, key, nonce }),
        ];
    let numbers = (any::<[u8; 3]>(), any::<u32>(), 0..=response::BODY_SIZE_MAX);
    (numbers, form).prop_map(|(([raida_id, status, group], elapsed_us, body_size), form)| response::Header {
        raida_id,
        status: Status(status),
        group,
        elapsed_us,
        body_size,
        form,
    })
}

/// Five octets that may or may not name a coin.
pub fn raw_coin() -> impl Strategy<Value = RawCoinId> {
    any::<[u8; 5]>().prop_map(RawCoinId)
}

/// What a node may receive: junk, and requests that are right, cut, or have a few octets changed; with the rules of a
/// node that most of the requests are for.
pub fn received() -> impl Strategy<Value = (Vec<u8>, Rules)> {
    let rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };
    let junk = vec(any::<u8>(), 0..600).prop_map(move |octets| (octets, rules));
    let changes = vec((any::<Index>(), any::<u8>()), 0..4);
    let changed =
        (exchange(100), changes, any::<Index>(), any::<bool>()).prop_map(|(exchange, changes, cut, is_cut)| {
            let mut octets = exchange.build().map_or_else(Vec::new, |(octets, _)| octets);
            let length = octets.len().max(1);
            for (place, value) in changes {
                if let Some(octet) = octets.get_mut(place.index(length)) {
                    *octet = value;
                }
            }
            if is_cut {
                octets.truncate(cut.index(octets.len() + 1));
            }
            (octets, exchange.rules())
        });
    prop_oneof![1 => junk, 3 => changed]
}

/// Hands `octets` to everything that reads octets from strangers, on both ends. It must not panic.
pub fn read_everything(octets: &[u8], rules: &Rules) {
    let number = AuthenticityNumber::new([5; 16]);
    let (signed, hashed) = ([1; 16], [2; 32]);
    let _ = (header_len(octets), View::split(octets));
    let _ = octets.first_chunk().map(|octets| Challenge::parse(*octets));
    let _ = octets.first_chunk().map(|octets| RawCoinId(*octets).judge());
    let _ = (audit::Counts::parse(octets), stats::Stats::parse(octets), vote::read(octets, &signed));
    let _ = octets.first().map(|code| (Status(*code).name(), Encryption::from_code(*code)));
    match judge_datagram(octets, rules) {
        Datagram::Vote(request) => drop(vote::answer(&request, &[0; vote::ROOTS_LEN])),
        Datagram::Request(head) => serve(&head, octets, rules, &number),
        Datagram::Refuse(refusal) => drop(refusal.write(&mut [0; LONG], 14, 0, &[3; 24])),
        Datagram::Drop(_) => {}
    }
    for pending in [
        Pending::short(rules.raida_id, None, &[0; 8], signed),
        Pending::short(rules.raida_id, Some(&signed), &[0; 8], signed),
        Pending::long(rules.raida_id, &hashed, &[0; 24]),
    ] {
        let _ = pending.response_len(octets);
        let _ = pending.read(&mut octets.to_vec());
    }
}

/// Opens a body with every kind of key and answers it.
fn serve(head: &Head, octets: &[u8], rules: &Rules, number: &AuthenticityNumber) {
    let _: (KeyName, _) = (head.key(), head.check_datagram(octets.len(), rules));
    let _ = head.refuse(head.unknown_key()).write(&mut [0; LONG], 14, 0, &[3; 24]);
    let mut request = octets.to_vec();
    let body = request.get_mut(head.header_len()..).unwrap_or_default();
    let body = body.get_mut(..head.body_len()).unwrap_or_default();
    let lockers = [number.clone(), number.clone()];
    for key in [Key::None, Key::Coin(number), Key::Lockers(&lockers), Key::Lockers(&[]), Key::TwoCoins(number, number)]
    {
        if let Ok((payload, session)) = open(head, body, &key) {
            let length = payload.len();
            let mut buffer = vec![0; HEADROOM + length + TAILROOM];
            let _ = session.seal(&mut buffer, length, Status::SUCCESS, 14, 0, &[4; 24]);
        }
    }
}
