//! Fix, with other nodes that say what the tests want.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use raida_node::testing::{Coins, HandClock, MONTH, ask_from, exchange, in_clear, node_of, settings, surroundings};
use raida_node::{Answers, Hear, Node, PeerError, Peers, Settings, Surroundings};
use raida_reactor::service::Transport;
use raida_store::Record;
use raida_store::testing::Disk;
use raida_wire::{AuthenticityNumber, CoinId, Command, Status};

use crate::payload::{self, Number, coin, id, raw};

const PG: Number = [0x96; 16];
const OLD: Number = [0x11; 16];

/// Every node answers as it was told, or not at all.
#[derive(Default)]
struct Scripted {
    answers: HashMap<u8, Vec<CoinId>>,
    /// Said besides, whoever was asked.
    unasked: Vec<(u8, Vec<CoinId>)>,
    calls: AtomicUsize,
    /// Whose words were wanted.
    heard: AtomicUsize,
    /// Whoever is asked waits here twice.
    doors: Option<Arc<Barrier>>,
}

impl Peers for Scripted {
    fn validate(&self, claims: &[(u8, u32)], hear: &mut Hear<'_>) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        for door in self.doors.iter().chain(&self.doors) {
            door.wait();
        }
        let asked = claims.iter().map(|(raida_id, ticket)| {
            assert_eq!(*ticket, 1000 + u32::from(*raida_id), "each ticket goes to the node that issued it");
            (*raida_id, self.answers.get(raida_id).cloned().ok_or(PeerError::Unreachable))
        });
        let unasked = self.unasked.iter().map(|(raida_id, coins)| (*raida_id, Ok(coins.clone())));
        let _ = unasked.chain(asked).try_for_each(|(raida_id, answer)| {
            self.heard.fetch_add(1, Ordering::SeqCst);
            hear(raida_id, answer)
        });
    }

    fn may_claim(&self, _: u8, _: IpAddr) -> bool {
        true
    }
}

fn node(peers: Scripted) -> (Node, Arc<Scripted>) {
    let peers = Arc::new(peers);
    let coins = Coins::new().with_coin(coin(0, 1), OLD.into());
    let surroundings = Surroundings { peers: Arc::<Scripted>::clone(&peers), ..surroundings(&coins) };
    (Node::new(settings(14), surroundings), peers)
}

/// Tickets of so many nodes, from 0 on; the one of node 14 itself among them where it is reached.
fn tickets(nodes: usize) -> [u32; 25] {
    std::array::from_fn(|i| if i < nodes { 1000 + u32::try_from(i).unwrap() } else { 0 })
}

fn fix(node: &Node, coins: &[[u8; 5]], tickets: [u32; 25]) -> (Status, Vec<u8>) {
    exchange(node, Command::FIX, &payload::fix(coins, PG, tickets))
}

fn say(nodes: impl IntoIterator<Item = u8>, coins: &[CoinId]) -> HashMap<u8, Vec<CoinId>> {
    nodes.into_iter().map(|raida_id| (raida_id, coins.to_vec())).collect()
}

#[test]
fn thirteen_other_nodes_fix_a_coin_issued_here_or_not() {
    let (node, _) = node(Scripted { answers: say(0..13, &[coin(0, 1), coin(3, 999)]), ..Scripted::default() });
    let listed = [raw(0, 1), raw(0, 2), raw(3, 999)];
    assert_eq!(fix(&node, &listed, tickets(25)), (Status::MIXED, vec![0b101]));
    for fixed in [coin(0, 1), coin(3, 999)] {
        let an = AuthenticityNumber::fixed(14, fixed, &PG);
        assert_eq!(node.store().read(fixed).unwrap(), Some(Record { an, month: MONTH }));
    }
    assert_eq!(node.store().read(coin(0, 2)).unwrap(), None);
    assert_eq!(fix(&node, &listed[..1], tickets(13)), (Status::ALL_PASS, vec![]));
    assert_eq!(fix(&node, &listed[1..2], tickets(13)), (Status::ALL_FAIL, vec![]));

    let figures = node.observer().figures();
    let counted = (figures.fixes, figures.fixes_running, figures.fix_ballots, figures.fix_ballots_missing);
    assert_eq!(counted, (3, 0, 13 + 13 + 1, 0), "one node of thirteen that does not know a coin is enough");
    let answers = node.observer().answers().find(|(command, _)| *command == Some(Command::FIX)).unwrap().1;
    let expected = Answers { pass: 1, fail: 1, mixed: 1, refused: 0, coins_passed: 3, coins_failed: 2 };
    assert_eq!(answers, expected);
}

#[test]
fn who_can_change_nothing_any_more_is_not_waited_for() {
    let both = [raw(0, 1), raw(0, 2)];
    // In the order of their ids. The second coin has the votes of 1 to 13.
    let mut answers = say(0..1, &[coin(0, 1)]);
    answers.extend(say(1..13, &[coin(0, 1), coin(0, 2)]));
    answers.extend(say([13], &[coin(0, 2)]));
    let (known, peers) = node(Scripted { answers, ..Scripted::default() });
    assert_eq!(fix(&known, &both, tickets(25)), (Status::ALL_PASS, vec![]));
    assert_eq!(peers.heard.load(Ordering::SeqCst), 14);

    let (unknown, peers) = node(Scripted::default());
    assert_eq!(fix(&unknown, &both, tickets(25)), (Status::ALL_FAIL, vec![]));
    assert_eq!(peers.heard.load(Ordering::SeqCst), 12, "the twelve others are too few");
    let figures = unknown.observer().figures();
    assert_eq!((figures.fix_ballots, figures.fix_ballots_missing), (0, 12));
}

#[test]
fn twelve_votes_do_not_fix_whatever_a_node_says_twice_or_unasked() {
    let loud = vec![coin(0, 1); 3];
    let mut answers = say(0..12, &loud);
    answers.insert(20, vec![coin(0, 2)]);
    let unasked = vec![(3, loud.clone()), (24, loud.clone()), (14, loud.clone()), (25, loud), (0, vec![coin(0, 1)])];
    let (node, peers) = node(Scripted { answers, unasked, ..Scripted::default() });
    // Nodes 0 to 23 have a ticket each; 14 is the node itself, and 24 was not asked.
    assert_eq!(fix(&node, &[raw(0, 1)], tickets(24)), (Status::ALL_FAIL, vec![]));
    assert_eq!(peers.calls.load(Ordering::SeqCst), 1);
    assert_eq!(node.store().read(coin(0, 1)).unwrap().unwrap().an, OLD.into());
}

#[test]
fn defect_33_fewer_than_thirteen_usable_tickets_cause_no_traffic() {
    let (node, peers) = node(Scripted { answers: say(0..25, &[coin(0, 1)]), ..Scripted::default() });
    let mut with_own = tickets(12);
    with_own[14] = 1014;
    for tickets in [tickets(0), tickets(12), with_own] {
        assert_eq!(fix(&node, &[raw(0, 1)], tickets), (Status::ALL_FAIL, vec![]));
    }
    assert_eq!(peers.calls.load(Ordering::SeqCst), 0);
    assert_eq!(fix(&node, &[raw(0, 1)], tickets(13)).0, Status::ALL_PASS);
}

#[test]
fn defect_33_no_more_fixes_run_at_once_than_allowed_and_the_next_is_told_to_come_later() {
    let door = Arc::new(Barrier::new(2));
    let scripted =
        Scripted { answers: say(0..13, &[coin(0, 1)]), doors: Some(Arc::clone(&door)), ..Scripted::default() };
    let surroundings = Surroundings { peers: Arc::new(scripted), ..surroundings(&Coins::new()) };
    let node = Node::new(Settings { fixes_max: 1, ..settings(14) }, surroundings);
    let fix = || fix(&node, &[raw(0, 1)], tickets(13)).0;
    thread::scope(|scope| {
        for _ in 0..2 {
            let first = scope.spawn(fix);
            door.wait();
            assert_eq!(fix(), Status::REQUEST_RATE);
            assert_eq!(node.observer().figures().fixes_running, 1);
            door.wait();
            assert_eq!(first.join().unwrap(), Status::ALL_PASS);
        }
    });
}

#[test]
fn forged_datagrams_keep_nobody_from_fixing_not_even_whose_address_they_bear() {
    /// Only whoever is asked first takes time over it.
    struct Slow(Barrier, AtomicUsize);

    impl Peers for Slow {
        fn validate(&self, _: &[(u8, u32)], _: &mut Hear<'_>) {
            if self.1.fetch_add(1, Ordering::SeqCst) == 0 {
                self.0.wait();
                self.0.wait();
            }
        }

        fn may_claim(&self, _: u8, _: IpAddr) -> bool {
            true
        }
    }

    let slow = Arc::new(Slow(Barrier::new(2), AtomicUsize::new(0)));
    let surroundings = Surroundings { peers: Arc::<Slow>::clone(&slow), ..surroundings(&Coins::new()) };
    let node = Node::new(Settings { fixes_max: 2, ..settings(14) }, surroundings);
    let (octets, _) = in_clear(&node, Command::FIX, &payload::fix(&[raw(0, 1)], PG, tickets(13)));
    let udp = Transport::Udp { datagram: octets.len(), limit: 1440 };
    let fix = |from: [u8; 4], transport| Status(ask_from(&node, &octets, transport, (from, 7).into()).unwrap()[2]);
    let (forged, others) = thread::scope(|scope| {
        scope.spawn(|| fix([192, 0, 2, 1], udp));
        slow.0.wait();
        let told =
            (fix([198, 51, 100, 1], udp), [fix([192, 0, 2, 1], Transport::Tcp), fix([203, 0, 113, 1], Transport::Tcp)]);
        slow.0.wait();
        told
    });
    assert_eq!(forged, Status::REQUEST_RATE, "datagrams in clear have one of two places");
    assert_eq!(others, [Status::ALL_FAIL; 2], "one after the other they had the other place");
}

#[test]
fn a_fix_that_can_not_be_written_is_194() {
    let disk = Disk::new();
    let store = Arc::new(Coins::new().store_on(&disk).unwrap());
    let peers = Arc::new(Scripted { answers: say(0..13, &[coin(0, 1)]), ..Scripted::default() });
    let node = Node::new(settings(14), Surroundings { store, peers, ..surroundings(&Coins::new()) });
    disk.fail_after(0);
    assert_eq!(fix(&node, &[raw(0, 1)], tickets(13)), (Status::FILESYSTEM, vec![]));
    disk.work_again();
    node.store().recover().unwrap();
    assert_eq!(node.store().read(coin(0, 1)).unwrap(), None);
}

#[test]
fn a_coin_that_one_node_lost_is_healed_by_the_tickets_of_the_others() {
    /// Redeems tickets at nodes in this process.
    struct Network(Vec<Node>);

    impl Peers for Network {
        fn validate(&self, claims: &[(u8, u32)], hear: &mut Hear<'_>) {
            let redeem = |(raida_id, ticket): &(u8, u32)| {
                let node = self.0.iter().find(|node| node.settings().raida_id == *raida_id).unwrap();
                match exchange(node, Command::VALIDATE_TICKET, &payload::ticket(14, *ticket)) {
                    (Status::SUCCESS, listed) => {
                        let name = |octets: &[u8]| coin(octets[0].cast_signed(), payload::u32_at(octets, 1));
                        (*raida_id, Ok(listed.chunks(5).map(name).collect()))
                    }
                    (status, _) => (*raida_id, Err(PeerError::Refused(status))),
                }
            };
            let _ = claims.iter().map(redeem).try_for_each(|(raida_id, answer)| hear(raida_id, answer));
        }

        fn may_claim(&self, _: u8, _: IpAddr) -> bool {
            true
        }
    }

    let (healthy, clock) = (Coins::new().with_coin(coin(2, 5), OLD.into()), HandClock::default());
    let others: Vec<_> = (0..14).map(|raida_id| node_of(raida_id, &healthy)).collect();
    let mut tickets = [0; 25];
    for (ticket, other) in tickets.iter_mut().zip(&others) {
        let (status, answer) = exchange(other, Command::GET_TICKET, &payload::claims(&[(raw(2, 5), OLD)]));
        assert_eq!(status, Status::ALL_PASS);
        *ticket = payload::u32_at(&answer, 0);
    }
    let peers = Arc::new(Network(others));
    let here = Surroundings { peers, clock: Arc::new(clock), ..surroundings(&Coins::new()) };
    let node = Node::new(settings(14), here);
    assert_eq!(fix(&node, &[raw(2, 5)], tickets), (Status::ALL_PASS, vec![]));
    let an = *AuthenticityNumber::fixed(14, coin(2, 5), &PG).octets();
    let claim = payload::claims(&[(id(coin(2, 5)), an)]);
    assert_eq!(exchange(&node, Command::DETECT, &claim), (Status::ALL_PASS, vec![]));
    assert_eq!(fix(&node, &[raw(2, 5)], tickets), (Status::ALL_FAIL, vec![]), "each ticket is redeemed once");
}
