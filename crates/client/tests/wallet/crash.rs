//! The program ends at any moment: what the files hold then is enough.
//!
//! A crash after round k of questions means: the nodes have done what rounds 1 to k asked, later rounds never happened,
//! and the files are what they were when round k began. (Had it come later, the files would hold more.)

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use raida_client::testing::Mood;
use raida_client::wallet::Wallet;
use raida_client::{Coin, Fleet, Progress, Vote};

use crate::{Stage, id};

/// Runs the operation until it dies in round `round`; `false` when it was over before.
fn die_in(stage: &Arc<Stage>, round: usize, operation: impl FnOnce(&Wallet, &Fleet)) -> bool {
    let kept: Arc<Mutex<Option<tempfile::TempDir>>> = Arc::default();
    let (rounds, moods, keep) = (AtomicUsize::new(0), Arc::clone(stage), Arc::clone(&kept));
    let fleet = stage.fleet().telling(move |progress| {
        if let Progress::Planned(_) = progress {
            let begun = rounds.fetch_add(1, Ordering::SeqCst);
            if begun == round {
                let folder = tempfile::tempdir().unwrap();
                copy(moods.path(), folder.path());
                *keep.lock().unwrap() = Some(folder);
            } else if begun > round {
                moods.set(0..25, Mood::Deaf);
            }
        }
    });
    operation(&stage.wallet(), &fleet);
    stage.set(0..25, Mood::Good);
    let folder = kept.lock().unwrap().take();
    if let Some(folder) = &folder {
        for entry in fs::read_dir(stage.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() { fs::remove_file(path).unwrap() } else { fs::remove_dir_all(path).unwrap() }
        }
        copy(folder.path(), stage.path());
    }
    folder.is_some()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_file() {
            fs::copy(&path, &target).unwrap();
        } else {
            fs::create_dir(&target).unwrap();
            copy(&path, &target);
        }
    }
}

/// Dies in every round there is, and shows the files to `check` each time.
fn at_every_round(prepare: impl Fn(&Stage), operation: impl Fn(&Wallet, &Fleet), check: impl Fn(&Stage, Vec<Coin>)) {
    let mut round = 0;
    loop {
        let stage = Arc::new(Stage::new());
        stage.issue(2);
        prepare(&stage);
        if !die_in(&stage, round, &operation) {
            break;
        }
        let coins = stage.wallet().coins(|_| true).unwrap();
        check(&stage, coins);
        round += 1;
    }
    assert!(round > 0, "the operation asks something");
}

fn pown(wallet: &Wallet, fleet: &Fleet) {
    wallet.pown(fleet, &mut wallet.coins(|_| true).unwrap()).unwrap();
}

#[test]
fn pown_that_dies_in_any_round_is_finished_by_the_next() {
    at_every_round(
        |_| {},
        pown,
        |stage, mut coins| {
            assert!(coins.iter().all(|coin| stage.safe_at(coin) == 25));
            let outcome = stage.wallet().pown(&stage.fleet(), &mut coins).unwrap();
            assert!(outcome.tallies.iter().all(|tally| tally.count(Vote::Pass) == 25));
            assert!(coins.iter().all(|coin| stage.settled_at(coin) == 25));
        },
    );
}

#[test]
fn pown_that_dies_after_one_that_died_loses_nothing() {
    let died = |stage: &Stage| {
        stage.set(0..9, Mood::Mute);
        stage.set(9..12, Mood::Deaf);
        pown(&stage.wallet(), &stage.fleet());
        stage.set(0..12, Mood::Good);
    };
    at_every_round(died, pown, |stage, mut coins| {
        assert!(coins.iter().all(|coin| stage.safe_at(coin) == 25));
        stage.wallet().pown(&stage.fleet(), &mut coins).unwrap();
        assert!(coins.iter().all(|coin| stage.settled_at(coin) == 25));
    });
}

#[test]
fn break_that_dies_leaves_files_of_the_pieces() {
    let break_first = |wallet: &Wallet, fleet: &Fleet| {
        let coin = wallet.coin(id(0, 0)).unwrap();
        wallet.break_coin(fleet, &coin).unwrap();
    };
    at_every_round(
        |_| {},
        break_first,
        |stage, mut coins| {
            assert_eq!(coins.len(), 12, "the coin, another one, and ten pieces");
            stage.wallet().find(&stage.fleet(), &mut coins).unwrap();
            let settled: Vec<_> = coins.iter().map(|coin| stage.settled_at(coin)).collect();
            assert_eq!(settled, [25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 0, 25]);
        },
    );
}

/// Runs a change of which only so many nodes hear before the program ends, and what `raida coins find` and `fix` do then.
/// Gives the standing of the coins of the denomination, ascending by coin: at how many nodes each is settled.
fn cut_short(coins: usize, heard_by: usize, change: impl FnOnce(&Wallet, &Fleet)) -> (Vec<usize>, Vec<usize>) {
    let stage = Arc::new(Stage::new());
    stage.issue(coins);
    let kept = tempfile::tempdir().unwrap();
    let (moods, folder) = (Arc::clone(&stage), kept.path().to_owned());
    let fleet = stage.fleet().telling(move |progress| {
        if let Progress::Planned(_) = progress {
            copy(moods.path(), &folder);
            moods.set(heard_by..25, Mood::Deaf);
        }
    });
    change(&stage.wallet(), &fleet);
    stage.set(0..25, Mood::Good);
    for entry in fs::read_dir(stage.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() { fs::remove_file(path).unwrap() } else { fs::remove_dir_all(path).unwrap() }
    }
    copy(kept.path(), stage.path());
    let wallet = stage.wallet();
    let mut coins = wallet.coins(|_| true).unwrap();
    wallet.find(&stage.fleet(), &mut coins).unwrap();
    wallet.fix(&stage.fleet(), &mut coins).unwrap();
    let at = |exponent| {
        let alike = coins.iter().filter(|coin| coin.id.denomination.exponent() == exponent);
        alike.map(|coin| stage.settled_at(coin)).collect::<Vec<_>>()
    };
    (at(0), [at(-1), at(1)].concat())
}

/// Where a change was heard of by fewer than thirteen nodes the old coins are good afterwards, else the new ones are:
/// never both, never none.
fn either(heard_by: usize, old: &[usize], new: &[usize]) {
    let (good, gone) = if heard_by < 13 { (old, new) } else { (new, old) };
    assert!(good.iter().all(|nodes| *nodes == 25), "heard by {heard_by}: {old:?} {new:?}");
    assert!(gone.iter().all(|nodes| *nodes < 13), "heard by {heard_by}: {old:?} {new:?}");
}

#[test]
fn break_that_only_some_nodes_heard_of_is_undone_or_finished() {
    for heard_by in [0, 1, 12, 13, 24, 25] {
        let (old, new) = cut_short(1, heard_by, |wallet, fleet| {
            wallet.break_coin(fleet, &wallet.coin(id(0, 0)).unwrap()).unwrap();
        });
        assert_eq!((old.len(), new.len()), (1, 10));
        either(heard_by, &old, &new);
    }
}

#[test]
fn join_that_only_some_nodes_heard_of_is_undone_or_finished() {
    for heard_by in [0, 1, 12, 13, 24, 25] {
        let (old, new) = cut_short(10, heard_by, |wallet, fleet| {
            wallet.join(fleet, &wallet.coins(|_| true).unwrap()).unwrap();
        });
        assert_eq!((old.len(), new.len()), (10, 1));
        either(heard_by, &old, &new);
    }
}

#[test]
fn fix_that_dies_in_any_round_is_finished_by_the_next() {
    let fracture = |stage: &Stage| {
        for bank in &stage.banks[..5] {
            bank.books().coins.insert(id(0, 1), [7; 16].into());
        }
    };
    let fix = |wallet: &Wallet, fleet: &Fleet| drop(wallet.fix(fleet, &mut wallet.coins(|_| true).unwrap()).unwrap());
    at_every_round(fracture, fix, |stage, mut coins| {
        assert!(coins.iter().all(|coin| stage.safe_at(coin) >= 20));
        stage.wallet().fix(&stage.fleet(), &mut coins).unwrap();
        assert!(coins.iter().all(|coin| stage.settled_at(coin) == 25));
    });
}

#[test]
fn put_that_dies_in_any_round_can_be_put_or_kept() {
    let words = "kites over the harbour";
    let put = |wallet: &Wallet, fleet: &Fleet| {
        wallet.put(fleet, &mut wallet.coins(|_| true).unwrap(), words).unwrap();
    };
    at_every_round(
        |_| {},
        put,
        |stage, mut coins| {
            assert!(coins.iter().all(|coin| stage.safe_at(coin) == 25));
            stage.wallet().put(&stage.fleet(), &mut coins, words).unwrap();
            assert_eq!(stage.fleet().peek(words).0.len(), 2);
        },
    );
    at_every_round(
        |_| {},
        put,
        |stage, mut coins| {
            stage.wallet().pown(&stage.fleet(), &mut coins).unwrap();
            assert!(coins.iter().all(|coin| stage.settled_at(coin) == 25));
            assert!(stage.fleet().peek(words).0.is_empty());
        },
    );
}
