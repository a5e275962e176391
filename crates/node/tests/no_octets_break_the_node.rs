//! Whatever a peer sends, a worker answers it and nothing panics.

#![expect(clippy::expect_used, reason = "a step that fails is a test that fails")]

use std::sync::LazyLock;

use proptest::prelude::*;
use raida_node::Node;
use raida_node::testing::{Coins, ask_at, node_of};
use raida_reactor::service::{Place, Transport};
use raida_wire::{AuthenticityNumber, CoinId, Command, Encryption, Head, Rules, registry};

/// Octets that often get far: the fields in front are mostly right, everything else is anything.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let command = prop_oneof![
        prop::sample::select(registry::all()).prop_map(|entry| entry.command),
        (0u8..4).prop_map(|code| Command::new(0, code)),
        any::<(u8, u8)>().prop_map(|(group, code)| Command::new(group, code)),
    ];
    let encryption = prop_oneof![prop::sample::select(&Encryption::ALL[..]).prop_map(Encryption::code), any::<u8>()];
    let body = prop_oneof![prop::collection::vec(any::<u8>(), 0..200), Just(Vec::new())];
    (command, encryption, any::<[u8; 48]>(), body, any::<bool>()).prop_map(|(command, code, noise, body, ends_well)| {
        let (mut header, mut body) = (noise, body);
        if ends_well && let Some(trailer) = body.last_chunk_mut() {
            *trailer = raida_wire::TRAILER;
        }
        let has_key = noise[9] % 2 == 0;
        let [high, low] = u16::try_from(body.len()).unwrap_or(0).to_be_bytes();
        let fields = [1, 0, 14, noise[3] % 4, command.group, command.code, 0, 6];
        header.first_chunk_mut().into_iter().for_each(|front| *front = fields);
        header[16] = code;
        let (len_at, coin_at, header_len) = if code > 2 { (17, 19, 48) } else { (22, 17, 32) };
        for (at, octet) in (len_at..).zip([high, low]).chain((coin_at..).zip(KEY_COIN).filter(|_| has_key)) {
            header.get_mut(at).into_iter().for_each(|place| *place = octet);
        }
        header.into_iter().take(header_len).chain(body).collect()
    })
}

/// The name of the one coin, and also the prefix of the one locker.
const KEY_COIN: [u8; 5] = [0, 0, 0, 0, 5];

/// What strangers can do to it does not matter to the next case.
static NODE: LazyLock<Node> = LazyLock::new(|| {
    let coin = CoinId::new(0, 5).expect("in range");
    let coins = Coins::new().with_coin(coin, AuthenticityNumber::new([7; 16]));
    node_of(14, &coins.with_locker([0, 0, 0, 0, 5, 1, 1, 1, 1, 1, 1, 1, 255, 255, 255, 255]))
});

proptest! {
    #[test]
    fn a_worker_answers_every_request_that_is_whole(octets in octets(), udp in any::<bool>()) {
        let node = &*NODE;
        let rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };
        let transport = if udp { Transport::Udp { datagram: octets.len(), limit: 1440 } } else { Transport::Tcp };
        let answer = ask_at(node, &octets, transport, Place::Worker);
        if matches!(Head::judge(&octets, &rules), Ok(Some(_))) {
            let answer = answer.expect("a worker answers");
            prop_assert!(answer.len() >= 32);
            let proved = octets[16] != 0 || octets[4..6] == [0, 2];
            prop_assert!(!udp || proved || answer.len() <= octets.len(), "{} for {}", answer.len(), octets.len());
        }
    }

    #[test]
    fn anything_at_all_is_survived(octets in prop::collection::vec(any::<u8>(), 0..600), udp in any::<bool>()) {
        let node = &*NODE;
        let transport = if udp { Transport::Udp { datagram: octets.len(), limit: 1440 } } else { Transport::Tcp };
        let _ = ask_at(node, &octets, transport, Place::Worker);
    }
}
