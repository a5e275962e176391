//! What an owner does with coins.

use raida_client::testing::Mood;
use raida_client::wallet::WalletError;
use raida_client::wire::Denomination;
use raida_client::{Standing, Vote};

use crate::{Stage, id, keys};

#[test]
fn issued_coins_are_authentic_and_powned_ones_have_other_numbers() {
    let stage = Stage::new();
    let issued = stage.issue(3);
    let wallet = stage.wallet();
    let mut coins = wallet.coins(|_| true).unwrap();
    assert_eq!(coins, issued);
    let fleet = stage.fleet();
    assert!(fleet.detect(&coins).tallies.iter().all(|tally| tally.standing() == Standing::Authentic));
    let outcome = wallet.pown(&fleet, &mut coins).unwrap();
    assert!(outcome.errors.is_empty() && outcome.tallies.iter().all(|tally| tally.count(Vote::Pass) == 25));
    assert_eq!(wallet.coins(|_| true).unwrap(), coins);
    for (old, new) in issued.iter().zip(&coins) {
        assert_eq!(stage.settled_at(new), 25);
        assert!((0..25).all(|node| old.at(node).number != new.at(node).number));
    }
}

#[test]
fn nodes_that_are_down_silent_or_lying_do_not_stop_a_pown() {
    let stage = Stage::new();
    stage.issue(2);
    stage.set(0..4, Mood::Deaf);
    stage.set(4..8, Mood::Mute);
    stage.set([8], Mood::Stuck);
    stage.banks[9].books().is_lying = true;
    let wallet = stage.wallet();
    let mut coins = wallet.coins(|_| true).unwrap();
    let outcome = wallet.pown(&stage.fleet(), &mut coins).unwrap();
    for (coin, tally) in coins.iter().zip(&outcome.tallies) {
        assert_eq!(tally.to_string(), "nnnnnnnnnpppppppppppppppp", "the liar took the number, as Find tells");
        assert_eq!(stage.safe_at(coin), 25);
    }
    assert_eq!(outcome.errors.len(), 9);

    // Everybody is well again: the powned coins are finished, with numbers that the first attempt did not use.
    stage.set(0..9, Mood::Good);
    stage.banks[9].books().is_lying = false;
    let found = wallet.find(&stage.fleet(), &mut coins).unwrap();
    assert!(found.errors.is_empty());
    assert!(coins.iter().all(|coin| stage.settled_at(coin) == 21), "five had got it, four had not");
    let outcome = wallet.pown(&stage.fleet(), &mut coins).unwrap();
    assert!(outcome.tallies.iter().all(|tally| tally.count(Vote::Pass) == 25));
    assert!(coins.iter().all(|coin| stage.settled_at(coin) == 25));
}

#[test]
fn coin_fractured_at_five_nodes_is_found_and_repaired_though_others_are_down() {
    let stage = Stage::new();
    stage.issue(2);
    for bank in &stage.banks[..5] {
        bank.books().coins.insert(id(0, 1), [7; 16].into());
    }
    stage.set([23], Mood::Deaf);
    stage.set([24], Mood::Stuck);
    let wallet = stage.wallet();
    let mut coins = wallet.coins(|_| true).unwrap();
    let outcome = wallet.fix(&stage.fleet(), &mut coins).unwrap();
    assert!(outcome.tallies.iter().all(|tally| tally.standing() == Standing::Authentic));
    stage.set(23..25, Mood::Good);
    let seen = stage.fleet().detect(&wallet.coins(|_| true).unwrap());
    assert!(seen.tallies.iter().all(|tally| tally.count(Vote::Pass) == 25));
}

#[test]
fn coin_that_twelve_nodes_know_is_not_repaired() {
    let stage = Stage::new();
    stage.issue(1);
    for bank in &stage.banks[..13] {
        bank.books().coins.insert(id(0, 0), [7; 16].into());
    }
    let wallet = stage.wallet();
    let mut coins = wallet.coins(|_| true).unwrap();
    let outcome = wallet.fix(&stage.fleet(), &mut coins).unwrap();
    assert_eq!(outcome.tallies[0].standing(), Standing::Counterfeit);
    assert_eq!(stage.banks[0].books().coins[&id(0, 0)], [7; 16].into());
}

#[test]
fn coins_issued_while_nodes_were_down_are_repaired_there() {
    let stage = Stage::new();
    stage.set(0..12, Mood::Deaf);
    stage.issue(3);
    stage.set(0..12, Mood::Good);
    let wallet = stage.wallet();
    let mut coins = wallet.coins(|_| true).unwrap();
    assert!(stage.fleet().detect(&coins).tallies.iter().all(|tally| tally.standing() == Standing::Fractured));
    wallet.fix(&stage.fleet(), &mut coins).unwrap();
    assert!(coins.iter().all(|coin| stage.settled_at(coin) == 25));
}

#[test]
fn thirteen_silent_nodes_mean_that_nothing_is_issued_or_changed() {
    let stage = Stage::new();
    let coin = stage.issue(1).remove(0);
    stage.set(0..13, Mood::Deaf);
    let (wallet, fleet) = (stage.wallet(), stage.fleet());
    let one = Denomination::new(0).unwrap();
    let created = wallet.create(&fleet, &keys(), one, 1);
    assert!(matches!(created, Err(WalletError::Nodes { willing: 12, asked: 25, .. })));
    let broken = wallet.break_coin(&fleet, &coin);
    assert!(matches!(broken, Err(WalletError::Nodes { willing: 12, asked: 25, .. })));
    assert_eq!(wallet.ids().unwrap(), [coin.id]);
    assert!(stage.banks[24].books().coins.len() == 1);
}

#[test]
fn broken_and_joined_coin_keeps_its_value_and_its_file_moves_to_the_spent() {
    let stage = Stage::new();
    let coin = stage.issue(1).remove(0);
    let (wallet, fleet) = (stage.wallet(), stage.fleet());
    let (pieces, outcome) = wallet.break_coin(&fleet, &coin).unwrap();
    assert_eq!((pieces.len(), outcome.tallies[0].count(Vote::Pass)), (10, 25));
    assert_eq!(wallet.coins(|_| true).unwrap(), pieces);
    assert!(stage.path().join("spent/coin.0.0.json").exists());
    assert!(fleet.detect(&pieces).tallies.iter().all(|tally| tally.standing() == Standing::Authentic));

    assert!(matches!(wallet.join(&fleet, &pieces[..9]), Err(WalletError::Ten)));
    let nine_and_one = [&pieces[..9], &pieces[..1]].concat();
    assert!(matches!(wallet.join(&fleet, &nine_and_one), Err(WalletError::Ten)));
    let (whole, _) = wallet.join(&fleet, &pieces).unwrap();
    assert_eq!((whole.len(), wallet.ids().unwrap()), (1, vec![whole[0].id]));
    assert_eq!(stage.settled_at(&whole[0]), 25);
    assert_eq!(stage.banks[3].books().coins.len(), 1);
}

#[test]
fn lost_answer_to_a_break_is_found_again() {
    let stage = Stage::new();
    let coin = stage.issue(1).remove(0);
    let (wallet, fleet) = (stage.wallet(), stage.fleet());
    // All reserve, then five do what they are asked without a word.
    let nodes: Vec<_> = (0..5).collect();
    let stage = std::sync::Arc::new(stage);
    let moods = std::sync::Arc::clone(&stage);
    let fleet = fleet.telling(move |progress| {
        if matches!(progress, raida_client::Progress::Planned(_)) {
            moods.set(nodes.iter().copied(), Mood::Mute);
        }
    });
    let (mut pieces, outcome) = wallet.break_coin(&fleet, &coin).unwrap();
    assert_eq!(outcome.tallies[0].to_string(), "nnnnnpppppppppppppppppppp");
    assert!(pieces.iter().all(|piece| stage.safe_at(piece) == 25 && stage.settled_at(piece) == 20));
    stage.set(0..5, Mood::Good);
    wallet.find(&stage.fleet(), &mut pieces).unwrap();
    assert!(pieces.iter().all(|piece| stage.settled_at(piece) == 25));
}

#[test]
fn coins_go_into_a_locker_and_come_out_with_other_numbers() {
    let stage = Stage::new();
    stage.issue(9);
    let (wallet, fleet, words) = (stage.wallet(), stage.fleet(), "kites over the harbour");
    let mut coins = wallet.coins(|_| true).unwrap();
    // One node has another number for one coin: it takes the others all the same.
    stage.banks[6].books().coins.insert(id(0, 4), [7; 16].into());
    let outcome = wallet.put(&fleet, &mut coins, words).unwrap();
    let tallies: Vec<_> = outcome.tallies.iter().map(|tally| tally.count(Vote::Pass)).collect();
    assert_eq!(tallies, [25, 25, 25, 25, 24, 25, 25, 25, 25]);
    assert!(wallet.ids().unwrap().is_empty());

    let (ids, listed) = fleet.peek(words);
    assert_eq!((ids.len(), listed.tallies[4].to_string()), (9, "ppppppfpppppppppppppppppp".to_owned()));
    assert!(fleet.peek("other words").0.is_empty());

    let (taken, _) = wallet.remove(&fleet, words, |coin| coin != id(0, 8)).unwrap();
    assert_eq!(taken.len(), 8);
    assert_eq!(wallet.coins(|_| true).unwrap(), taken);
    assert_eq!(taken.iter().map(|coin| stage.settled_at(coin)).collect::<Vec<_>>(), [25, 25, 25, 25, 24, 25, 25, 25]);
    assert_eq!(fleet.peek(words).0, [id(0, 8)]);
}

#[test]
fn remove_goes_on_though_answers_are_lost_and_find_brings_them_back() {
    let stage = Stage::new();
    stage.issue(2);
    let (wallet, words) = (stage.wallet(), "kites over the harbour");
    let mut coins = wallet.coins(|_| true).unwrap();
    wallet.put(&stage.fleet(), &mut coins, words).unwrap();
    let stage = std::sync::Arc::new(stage);
    let moods = std::sync::Arc::clone(&stage);
    let fleet = stage.fleet().telling(move |_| moods.set(0..3, Mood::Mute));
    let (mut taken, outcome) = wallet.remove(&fleet, words, |_| true).unwrap();
    assert!(outcome.tallies.iter().all(|tally| tally.to_string() == "nnnpppppppppppppppppppppp"));
    assert!(taken.iter().all(|coin| stage.safe_at(coin) == 25));
    stage.set(0..3, Mood::Good);
    wallet.find(&stage.fleet(), &mut taken).unwrap();
    assert!(taken.iter().all(|coin| stage.settled_at(coin) == 25));
}

#[test]
fn coins_are_freed_without_their_numbers_at_every_node_that_has_its_key() {
    let stage = Stage::new();
    stage.issue(3);
    stage.set(3..5, Mood::Deaf);
    let outcome = stage.fleet().free(&keys(), &[id(0, 0), id(0, 2), id(0, 9)]);
    assert!(
        outcome.tallies.iter().all(|tally| tally.to_string() == "pppnnpppppppppppppppppppp"),
        "{:?}",
        outcome.tallies
    );
    let left: Vec<_> = stage.banks.iter().map(|bank| bank.books().coins.len()).collect();
    assert!(
        left.iter().enumerate().all(|(node, left)| *left == if (3..5).contains(&node) { 3 } else { 1 }),
        "{left:?}"
    );
    let none = stage.fleet().free(&raida_client::wallet::AdminKeys::default(), &[id(0, 1)]);
    assert_eq!(none.tallies[0].count(Vote::Pass), 0);
}

#[test]
fn deleted_coins_are_gone_everywhere_and_kept_among_the_spent() {
    let stage = Stage::new();
    stage.issue(2);
    let wallet = stage.wallet();
    let mut coins = wallet.coins(|coin| coin == id(0, 1)).unwrap();
    let outcome = wallet.delete(&stage.fleet(), &keys(), &mut coins).unwrap();
    assert_eq!(outcome.tallies[0].count(Vote::Pass), 25);
    assert_eq!(wallet.ids().unwrap(), [id(0, 0)]);
    assert!(stage.path().join("spent/coin.0.1.json").exists());
    assert!(stage.banks.iter().all(|bank| bank.books().coins.len() == 1));
}
