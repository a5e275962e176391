//! Requests to a whole node, in memory.

use std::sync::LazyLock;

use raida_node::Node;
use raida_node::testing::{ADMIN_KEY, Coins, ask, node_of};
use raida_reactor::service::Transport;
use raida_wire::{AuthenticityNumber, Head, RawCoinId};

use crate::RULES;
use crate::plausible::plausible;

/// The number of the only coin.
const NUMBER: [u8; 16] = [5; 16];

/// Whatever is asked, under whatever key, it is answered within the bounds of a datagram, and nobody who proves no
/// secret is answered with more than he sent.
pub fn node(octets: &[u8]) {
    static NODE: LazyLock<Node> = LazyLock::new(|| {
        let coin = RawCoinId([0, 0, 0, 0, 7]).judge().expect("a coin in range");
        node_of(RULES.raida_id, &Coins::new().with_coin(coin, AuthenticityNumber::new(NUMBER)))
    });
    let octets = plausible(octets);
    let Some(request) = whole_request(&octets) else { return };
    let transport = Transport::Udp { datagram: request.len(), limit: 1440 };
    let answer = ask(&NODE, request, transport).expect("an answer");
    assert!((32..=1440).contains(&answer.len()), "{} octets", answer.len());
    let may_know = request[16] != 0 || [NUMBER, ADMIN_KEY].iter().any(|secret| contains(request, secret));
    assert!(may_know || answer.len() <= request.len(), "{} octets for {}", answer.len(), request.len());
    ask(&NODE, request, Transport::Tcp).expect("an answer");
}

fn contains(request: &[u8], secret: &[u8]) -> bool {
    request.windows(secret.len()).any(|octets| octets == secret)
}

/// The request at the front of `octets`, if its header and lengths are right.
fn whole_request(octets: &[u8]) -> Option<&[u8]> {
    let head = Head::judge(octets, &RULES).ok().flatten()?;
    head.check_length(&RULES).ok()?;
    octets.get(..head.request_len()).filter(|request| request.len() <= 1440)
}
