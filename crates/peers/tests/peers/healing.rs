//! One page changed on one mirror is located and healed.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use raida_peers::{Circle, Cycle, End, Healed, Healing, Keeper, Outcome};
use raida_store::PageId;
use raida_wire::{Denomination, Month};

use crate::fake_peer::{Deed, FakePeer};
use crate::mirror::{
    RAIDA_ID, change, coin, contents, cycle, cycle_with, empty_store, free, keys, liars, loners, mirrors, record, run,
    store,
};

/// The page that is changed in most of these tests.
fn page() -> PageId {
    PageId::of(coin(0, 5 * 1024))
}

fn outvoted(healed: Healed) -> Outcome {
    Outcome::Outvoted { denominations: vec![Denomination::new(0).unwrap()], healed: Some(healed) }
}

#[test]
fn one_changed_page_is_found_and_healed_by_thirteen_among_liars() {
    let (truth, own) = (store(), store());
    // A number that is another, a coin too many, a coin too few.
    change(&own, [(coin(0, 5 * 1024), record(99)), (coin(0, 5 * 1024 + 500), record(98))]);
    free(&own, coin(0, 5 * 1024 + 7));
    let mut peers = loners(&truth, 11);
    peers.extend(mirrors(&truth, 13));
    let report = run(&cycle(&peers), &own);
    let healed = Healed { differing: vec![], replaced: vec![page()], coins: 3, end: End::Complete };
    assert_eq!((report.outcome, report.ballots), (outvoted(healed), 24));
    assert_eq!(contents(&own), contents(&truth));

    // What was healed is in the trees as well: the next cycle has thirteen matches.
    assert_eq!(run(&cycle(&peers), &own).outcome, Outcome::Agreed);
}

#[test]
fn without_the_switch_the_page_is_found_and_left_alone() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    let before = contents(&own);
    let report = run(&cycle_with(&mirrors(&truth, 13), None), &own);
    let found = Healed { differing: vec![page()], replaced: vec![], coins: 0, end: End::Complete };
    assert_eq!(report.outcome, outvoted(found));
    assert_eq!(contents(&own), before);
}

#[test]
fn an_empty_mirror_is_filled_over_several_cycles() {
    let truth = store();
    // All of the new mirror is missing but the key coin.
    let own = empty_store(8);
    change(&own, [(keys()[1], record(0xC4))]);
    let peers = mirrors(&truth, 13);
    let cycle = Cycle { pages_max: NonZeroUsize::new(3).unwrap(), ..cycle(&peers) };
    let Outcome::Outvoted { healed: Some(first), .. } = run(&cycle, &own).outcome else { panic!("it is outvoted") };
    assert_eq!((first.replaced.len(), first.end), (3, End::PagesMax));
    let Outcome::Outvoted { healed: Some(second), .. } = run(&cycle, &own).outcome else { panic!("it is outvoted") };
    assert_eq!((second.replaced.len(), second.end), (1, End::Complete));
    assert_eq!(contents(&own), contents(&truth));
    assert_eq!(run(&cycle, &own).outcome, Outcome::Agreed);
}

#[test]
fn a_second_key_coin_heals_the_page_of_the_first() {
    let (truth, own) = (store(), store());
    change(&own, [(keys()[0], record(1))]);
    let report = run(&cycle(&mirrors(&truth, 13)), &own);
    let healed = Healed { differing: vec![], replaced: vec![PageId::of(keys()[0])], coins: 1, end: End::Complete };
    let denominations = vec![Denomination::MIN];
    assert_eq!(report.outcome, Outcome::Outvoted { denominations, healed: Some(healed) });
    assert_eq!(contents(&own), contents(&truth));
}

#[test]
fn without_a_key_coin_no_mirror_is_asked_for_a_page() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    let before = contents(&own);
    let peers = mirrors(&truth, 13);
    let cycle = cycle_with(&peers, Some(Healing { keys: vec![coin(3, 3)] }));
    let healed = Healed { differing: vec![], replaced: vec![], coins: 0, end: End::NoKey };
    assert_eq!(run(&cycle, &own).outcome, outvoted(healed));
    assert_eq!(contents(&own), before);
}

#[test]
fn months_of_coins_that_are_the_same_stay() {
    let (truth, own) = (store(), store());
    let mut old = record(1);
    old.month = Month(3);
    let first = coin(0, 5 * 1024);
    old.an = own.read(first).unwrap().unwrap().an;
    change(&own, [(first, old.clone()), (coin(0, 5 * 1024 + 1), record(99))]);
    run(&cycle(&mirrors(&truth, 13)), &own);
    assert_eq!(own.read(first).unwrap(), Some(old));
    assert_eq!(own.read(coin(0, 5 * 1024 + 1)).unwrap(), truth.read(coin(0, 5 * 1024 + 1)).unwrap());
}

#[test]
fn what_a_client_changes_meanwhile_is_not_overwritten() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    // While the page is on its way, a client powns a coin on it.
    let powned = (coin(0, 5 * 1024 + 1), record(77));
    let (client, change_it) = (Arc::clone(&own), powned.clone());
    let peers = liars(&truth, 13, move |asked| {
        if asked.command == raida_wire::Command::GET_PAGE_DATA {
            change(&client, [change_it.clone()]);
        }
        None
    });
    let report = run(&cycle(&peers), &own);
    let healed = Healed { differing: vec![page()], replaced: vec![], coins: 0, end: End::Complete };
    assert_eq!(report.outcome, outvoted(healed));
    assert_eq!(own.read(powned.0).unwrap(), Some(powned.1));
    assert_eq!(own.read(coin(0, 5 * 1024)).unwrap(), Some(record(99)));
}

#[test]
fn mirrors_that_go_down_on_the_way_are_replaced_by_others() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    // Each answers four questions, then closes connections until the test is over.
    let mortal = || {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let lie = move |_: &crate::fake_peer::Asked<'_>| {
            (asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 4).then_some(Deed::Close)
        };
        liars(&truth, 1, lie).remove(0)
    };
    let peers: Vec<FakePeer> = (0..13).map(|_| mortal()).collect();
    let report = run(&cycle(&peers), &own);
    let healed = Healed { differing: vec![], replaced: vec![page()], coins: 1, end: End::Complete };
    assert_eq!(report.outcome, outvoted(healed));
    assert_eq!(contents(&own), contents(&truth));
}

#[test]
fn a_node_that_is_being_stopped_looks_no_further() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    let before = contents(&own);
    let peers = mirrors(&truth, 13);
    let steps = std::cell::Cell::new(0);
    let is_over = || {
        steps.set(steps.get() + 1);
        steps.get() > 3
    };
    let report = cycle(&peers).run(&Arc::downgrade(&own), &is_over).unwrap();
    let healed = Healed { differing: vec![], replaced: vec![], coins: 0, end: End::Stopped };
    assert_eq!(report.outcome, outvoted(healed));
    assert_eq!(contents(&own), before);
}

#[test]
fn the_keeper_heals_by_itself_and_lets_go_of_the_store() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    let (peers, holders) = (mirrors(&truth, 13), Arc::strong_count(&own));
    let (tell, told) = mpsc::channel();
    let keeper = Keeper::start(&own, cycle(&peers), Duration::from_millis(10), move |report| drop(tell.send(report)));
    let keeper = keeper.unwrap();
    assert!(matches!(told.recv().unwrap().outcome, Outcome::Outvoted { healed: Some(_), .. }));
    assert_eq!(told.recv().unwrap().outcome, Outcome::Agreed);
    assert_eq!(contents(&own), contents(&truth));
    drop(keeper);
    while told.recv().is_ok() {}
    assert_eq!(Arc::strong_count(&own), holders);
}

#[test]
fn mirrors_of_another_id_do_not_answer() {
    let (truth, own) = (store(), store());
    change(&own, [(coin(0, 5 * 1024), record(99))]);
    let peers = mirrors(&truth, 13);
    let addresses = peers.iter().map(FakePeer::address).collect();
    let circle = Circle::mirrors(RAIDA_ID + 1, 6, addresses, Some(Healing { keys: keys().to_vec() })).unwrap();
    let report = run(&Cycle { circle, ..cycle(&[]) }, &own);
    assert_eq!((report.outcome, report.ballots), (Outcome::FewBallots, 0));
}
