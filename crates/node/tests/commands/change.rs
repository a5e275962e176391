//! Change among strangers: what forged datagrams can not take from honest clients.

use std::sync::Arc;

use raida_node::testing::{Coins, HandClock, ask_from, in_clear, settings, surroundings};
use raida_node::{BreakLimit, Node, ReservationLimit, Settings, Surroundings};
use raida_reactor::service::Transport;
use raida_wire::{Command, Status};

use crate::payload::{self, Number, coin, raw, u32_at};

const A: Number = [0xA1; 16];
const B: Number = [0xB2; 16];
const CLIENT: [u8; 4] = [192, 0, 2, 1];
const TCP: Transport = Transport::Tcp;
const UDP: Transport = Transport::Udp { datagram: 1440, limit: 1440 };

/// A node with ten coins of denomination 1 and ten of denomination 0, all with number A.
fn node(change: impl FnOnce(&mut Settings)) -> Node {
    let issued = (0..10).flat_map(|number| [coin(1, number), coin(0, number)]);
    let coins = issued.fold(Coins::new(), |coins, coin| coins.with_coin(coin, A.into()));
    let mut settings = settings(14);
    change(&mut settings);
    Node::new(settings, Surroundings { clock: Arc::new(HandClock::default()), ..surroundings(&coins) })
}

fn exchange(node: &Node, from: [u8; 4], transport: Transport, command: Command, payload: &[u8]) -> (Status, Vec<u8>) {
    let (octets, pending) = in_clear(node, command, payload);
    let mut answer = ask_from(node, &octets, transport, (from, 40_000).into()).unwrap();
    let response = pending.read(&mut answer).unwrap();
    (response.status, response.payload.to_vec())
}

/// Serial numbers to break (1) or join (2) a coin of this denomination into.
fn offered(
    node: &Node,
    from: [u8; 4],
    transport: Transport,
    session: u32,
    operation: u8,
    denomination: i8,
) -> Vec<u32> {
    let payload = payload::change(session, operation, denomination);
    let (status, answer) = exchange(node, from, transport, Command::GET_AVAILABLE_CHANGE_SNS, &payload);
    assert_eq!(status, Status::SUCCESS);
    answer[1..].chunks(4).map(|number| u32_at(number, 0)).collect()
}

/// Breaks coin 1:`number`, whose number is said to be `an`.
fn break_coin(node: &Node, from: [u8; 4], transport: Transport, number: u32, an: Number, targets: &[u32]) -> Status {
    let parts: Vec<_> = (0..10).map(|part| (raw(0, targets.get(part).copied().unwrap_or(900)), B)).collect();
    exchange(node, from, transport, Command::BREAK, &payload::whole(7, raw(1, number), an, &parts)).0
}

#[test]
fn forged_datagrams_without_end_leave_everybody_numbers_to_break_and_join() {
    let node = node(|settings| settings.reservations = ReservationLimit { numbers_max: 1024, per_address_max: 256 });
    let flood = |times: u32| {
        for forged in 0..times {
            let from = [198, 51, 100, u8::try_from(forged % 200).unwrap()];
            offered(&node, from, UDP, 1000 + forged, 1, 1);
        }
    };
    let mine = offered(&node, CLIENT, TCP, 7, 1, 1);
    flood(300);
    assert_eq!(node.observer().figures().reserved_numbers, 1024);
    assert_eq!(offered(&node, [192, 0, 2, 2], UDP, 8, 1, 1).len(), 64, "a datagram has a turn like others");
    let target = offered(&node, CLIENT, TCP, 9, 2, 0)[0];
    flood(300);
    assert_eq!(offered(&node, CLIENT, TCP, 7, 1, 1), mine, "what he keeps stays his");
    assert_eq!(break_coin(&node, CLIENT, TCP, 1, A, &mine[..10]), Status::SUCCESS);
    let parts: Vec<_> = (0..10).map(|number| (raw(0, number), A)).collect();
    let join = payload::whole(9, raw(1, target), B, &parts);
    assert_eq!(exchange(&node, CLIENT, TCP, Command::JOIN, &join).0, Status::SUCCESS);
}

#[test]
fn who_has_his_share_of_numbers_renews_them_and_gets_others_for_those_he_has_used() {
    let node = node(|settings| settings.reservations = ReservationLimit { numbers_max: 1024, per_address_max: 128 });
    let mine = offered(&node, CLIENT, UDP, 7, 1, 1);
    assert_eq!(offered(&node, CLIENT, UDP, 8, 1, 1).len(), 64);
    assert_eq!(offered(&node, CLIENT, UDP, 9, 1, 1), [0; 0]);
    assert_eq!(offered(&node, CLIENT, UDP, 7, 1, 1), mine, "renewing takes no room");
    assert_eq!(node.statistics().refusals().reservations.get(), 1);
    assert_eq!(break_coin(&node, CLIENT, UDP, 1, A, &mine[..10]), Status::SUCCESS);
    assert_eq!(offered(&node, CLIENT, UDP, 9, 1, 1).len(), 10, "what is a coin now is kept for nobody");
    assert_eq!(offered(&node, CLIENT, UDP, 7, 1, 1), mine[10..]);
}

#[test]
fn datagrams_in_the_name_of_another_do_not_use_up_his_breaks() {
    let node = node(|settings| settings.breaks = BreakLimit { calls: 2, ..BreakLimit::default() });
    for forged in 0..5 {
        assert_eq!(break_coin(&node, CLIENT, UDP, 1, [forged; 16], &[]), Status::ALL_FAIL);
        assert_eq!(break_coin(&node, CLIENT, UDP, forged.into(), A, &[]), Status::INVALID_SN_OR_DENOMINATION);
    }
    let targets = offered(&node, CLIENT, UDP, 7, 1, 1);
    assert_eq!(break_coin(&node, CLIENT, UDP, 1, A, &targets[..10]), Status::SUCCESS, "this one counts");
    assert_eq!(break_coin(&node, CLIENT, TCP, 2, B, &[]), Status::ALL_FAIL, "and so does every one over a connection");
    for transport in [UDP, TCP] {
        assert_eq!(break_coin(&node, CLIENT, transport, 2, A, &targets[10..20]), Status::REQUEST_RATE);
    }
}
