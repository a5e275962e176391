//! Long changes: who knows no number never takes the time of the one thread that all changes go through.

use raida_node::Node;
use raida_node::testing::{Coins, ask_at, exchange, in_clear, node_of};
use raida_reactor::service::{Place, Transport};
use raida_wire::{Command, Status};

use crate::payload::{self, Number, coin, id, raw, xor};

const A: Number = [0xA1; 16];
const B: Number = [0xB2; 16];
const WRONG: Number = [0xC3; 16];
const KEY: Number = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 255, 255, 255, 255];

fn coins() -> Coins {
    (0..200).fold(Coins::new(), |coins, n| coins.with_coin(coin(0, n), A.into()))
}

/// What a worker answers; `None` where it sends the request on to the batch.
fn by_worker(node: &Node, command: Command, payload: &[u8]) -> Option<u8> {
    let (octets, _) = in_clear(node, command, payload);
    assert_eq!(ask_at(node, &octets, Transport::Tcp, Place::Reactor), None, "{command}: not by the I/O thread");
    Some(ask_at(node, &octets, Transport::Tcp, Place::Worker)?[2])
}

#[test]
fn what_proves_nothing_is_answered_by_a_worker_as_the_batch_would() {
    let node = node_of(14, &coins());
    let listed: Vec<_> = (0..150).map(|n| raw(0, n)).collect();
    let pown = |an: Number| payload::exchanges(&listed.iter().map(|coin| (*coin, an, B)).collect::<Vec<_>>());
    assert_eq!(by_worker(&node, Command::POWN, &pown(WRONG)), Some(242));
    assert_eq!(by_worker(&node, Command::POWN_SUM, &payload::sum(&listed, WRONG, Some(B))), Some(242));
    assert_eq!(by_worker(&node, Command::STORE, &payload::sum(&listed, WRONG, Some(KEY))), Some(242));

    // Refused for what they are, as short ones.
    let twice = [&listed[..], &listed[..1]].concat();
    assert_eq!(by_worker(&node, Command::POWN_SUM, &payload::sum(&twice, WRONG, Some(B))), Some(40));
    assert_eq!(by_worker(&node, Command::STORE, &payload::sum(&twice, WRONG, Some(KEY))), Some(40));
    assert_eq!(node.store().read(coin(0, 1)).unwrap().unwrap().an, A.into());
}

#[test]
fn what_proves_something_goes_on_to_the_batch_and_is_done_there() {
    let node = node_of(14, &coins());
    let listed: Vec<_> = (0..150).map(|n| raw(0, n)).collect();
    let mut exchanges: Vec<_> = listed.iter().map(|coin| (*coin, WRONG, B)).collect();
    exchanges[7].1 = A;
    let pown = payload::exchanges(&exchanges);
    assert_eq!(by_worker(&node, Command::POWN, &pown), None);
    let (status, bits) = exchange(&node, Command::POWN, &pown);
    assert_eq!((status, bits[0], bits[1..].iter().all(|bits| *bits == 0)), (Status::MIXED, 1 << 7, true));
    assert_eq!(node.store().read(coin(0, 7)).unwrap().unwrap().an, B.into());

    let others: Vec<_> = (8..150).map(|n| id(coin(0, n))).collect();
    let sum = xor(&vec![A; others.len()]);
    let shift = payload::sum(&others, sum, Some(xor(&[A, B])));
    assert_eq!(by_worker(&node, Command::POWN_SUM, &shift), None);
    assert_eq!(exchange(&node, Command::POWN_SUM, &shift), (Status::ALL_PASS, vec![]));
    assert_eq!(node.store().read(coin(0, 8)).unwrap().unwrap().an, B.into());

    let put = payload::sum(&others, xor(&vec![B; others.len()]), Some(KEY));
    assert_eq!(by_worker(&node, Command::STORE, &put), None);
    assert_eq!(exchange(&node, Command::STORE, &put), (Status::ALL_PASS, vec![]));
    assert_eq!(node.store().read(coin(0, 149)).unwrap().unwrap().an, KEY.into());
    // A right sum with a wrong key is for the batch to refuse.
    let open = payload::sum(&others, xor(&vec![KEY; others.len()]), Some(A));
    assert_eq!(exchange(&node, Command::STORE, &open), (Status::INVALID_PAN, vec![]));
}
