//! Mirrors that lie about nodes and pages: nothing of theirs gets in.

use std::sync::Arc;

use raida_peers::{End, Healed, Outcome};
use raida_store::{PageId, Store};
use raida_wire::vote::ROOTS_LEN;
use raida_wire::{Command, Denomination, Status};

use crate::fake_peer::{Asked, Deed, FakePeer, Script};
use crate::mirror::{Mirror, change, coin, contents, cycle, liars, loners, mirrors, record, run, store};

/// The truth of others, and a store that differs from it on one page.
fn truth_and_own() -> (Arc<Store>, Arc<Store>) {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    (truth, own)
}

/// The honest answer, spoilt.
fn spoilt(
    truth: &Arc<Store>,
    command: Command,
    spoil: fn(Vec<u8>) -> Deed,
) -> impl Fn(&Asked<'_>) -> Option<Deed> + Clone + use<> {
    let mirror = Mirror::of(truth);
    move |asked| {
        let Deed::Answer(Status::SUCCESS, payload) = mirror.answer(asked) else { return None };
        (asked.command == command).then(|| spoil(payload))
    }
}

fn flipped(mut octets: Vec<u8>) -> Deed {
    octets[3] ^= 1;
    Deed::Answer(Status::SUCCESS, octets)
}

fn cut(mut octets: Vec<u8>) -> Deed {
    octets.pop();
    Deed::Answer(Status::SUCCESS, octets)
}

fn longer(mut octets: Vec<u8>) -> Deed {
    octets.push(0);
    Deed::Answer(Status::SUCCESS, octets)
}

const LIES: [fn(Vec<u8>) -> Deed; 7] = [
    flipped,
    cut,
    longer,
    |octets| Deed::AnswerAs(3, octets),
    |_| Deed::Answer(Status::ADMIN_AUTH, Vec::new()),
    |_| Deed::Raw(vec![7; 100_000]),
    |_| Deed::Flood(0x00FF_FFFF),
];

#[test]
fn one_honest_mirror_of_thirteen_is_enough_against_lies_on_the_way() {
    for command in [Command::GET_MERKLE_BRANCH, Command::GET_PAGE_DATA] {
        let (truth, own) = truth_and_own();
        let lie = |number: usize| liars(&truth, 1, spoilt(&truth, command, LIES[number % LIES.len()]));
        let mut peers: Vec<FakePeer> = (0..12).flat_map(lie).collect();
        peers.extend(mirrors(&truth, 1));
        let Outcome::Outvoted { healed: Some(healed), .. } = run(&cycle(&peers), &own).outcome else {
            panic!("13 have the same ballot")
        };
        let page = PageId::of(coin(0, 5 * 1024));
        assert_eq!(healed, Healed { differing: vec![], replaced: vec![page], coins: 1, end: End::Complete });
        assert_eq!(contents(&own), contents(&truth));
    }
}

#[test]
fn where_all_lie_on_the_way_nothing_is_touched() {
    for command in [Command::GET_MERKLE_BRANCH, Command::GET_PAGE_DATA] {
        let (truth, own) = truth_and_own();
        let before = contents(&own);
        let lie = |number: usize| liars(&truth, 1, spoilt(&truth, command, LIES[number % LIES.len()]));
        let peers: Vec<FakePeer> = (0..14).flat_map(lie).collect();
        let Outcome::Outvoted { healed: Some(healed), .. } = run(&cycle(&peers), &own).outcome else {
            panic!("14 have the same ballot")
        };
        assert_eq!(healed, Healed { differing: vec![], replaced: vec![], coins: 0, end: End::NoMirrorLeft });
        assert_eq!(contents(&own), before);
    }
}

#[test]
fn with_a_majority_of_liars_nothing_is_touched() {
    // Twelve honest mirrors agree; twelve liars have each another story.
    let (truth, own) = truth_and_own();
    let before = contents(&own);
    let mut peers = loners(&truth, 12);
    peers.extend(mirrors(&truth, 12));
    assert_eq!(run(&cycle(&peers), &own).outcome, Outcome::Divided { most: 12 });
    assert_eq!(contents(&own), before);
}

#[test]
fn liars_who_agree_on_roots_without_trees_touch_nothing() {
    let (truth, own) = truth_and_own();
    let before = contents(&own);
    for root in [0_u8, 0x66] {
        let lie = move |asked: &Asked<'_>| {
            let size = match asked.command {
                Command::GET_ALL_ROOTS => ROOTS_LEN,
                _ => 32,
            };
            Some(Deed::Answer(Status::SUCCESS, vec![root; size]))
        };
        let peers = liars(&truth, 24, lie);
        let Outcome::Outvoted { denominations, healed: Some(healed) } = run(&cycle(&peers), &own).outcome else {
            panic!("24 have the same ballot")
        };
        assert_eq!(denominations, Denomination::all().collect::<Vec<_>>());
        // Roots of zero stand for "no tree" and are not walked at all.
        let end = if root == 0 { End::Complete } else { End::NoMirrorLeft };
        assert_eq!(healed, Healed { differing: vec![], replaced: vec![], coins: 0, end });
        assert_eq!(contents(&own), before);
    }
}

#[test]
fn a_coin_with_a_number_of_zeros_can_not_be_made_out_of_nothing() {
    // It hashes as if it were not issued, so its page has the agreed leaf.
    let (truth, own) = truth_and_own();
    let before = contents(&own);
    let lie = spoilt(&truth, Command::GET_PAGE_DATA, |mut octets| {
        octets[17 * 500..17 * 501].fill(0);
        octets[17 * 500 + 16] = 45;
        Deed::Answer(Status::SUCCESS, octets)
    });
    let peers = liars(&truth, 13, lie);
    let Outcome::Outvoted { healed: Some(healed), .. } = run(&cycle(&peers), &own).outcome else {
        panic!("13 have the same ballot")
    };
    let page = PageId::of(coin(0, 5 * 1024));
    assert_eq!(healed, Healed { differing: vec![page], replaced: vec![], coins: 0, end: End::Complete });
    assert_eq!(contents(&own), before);
}
