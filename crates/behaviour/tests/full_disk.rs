//! A disk that is full, or has lost the file: no coin changes, all are still known, and where there is room again nobody has to
//! restart the node.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs;

use raida_behaviour::{Node, wait_until};
use raida_client::wire::{AuthenticityNumber, CoinId, Status};
use raida_client::{self as client, AdminKey, AskError, KeyCoin, Options, Renewal, Target, Trouble};
use rustix::process::{Resource, Rlimit, prlimit};

/// The session in which coins are issued without a reservation.
const ANYWHERE: u32 = 0xEEEE_EEEE;

fn issue(target: &Target, key: &AdminKey, numbers: std::ops::Range<u32>) -> Result<Vec<KeyCoin>, AskError> {
    // Far apart, so that each needs room of its own.
    let coins: Vec<_> = numbers.map(|number| CoinId::new(0, 64 * number).unwrap()).collect();
    let created = client::create(target, ANYWHERE, key, &coins, &Options::default())?.value;
    Ok(coins.into_iter().zip(created).map(|(coin, number)| KeyCoin { coin, number }).collect())
}

fn is_known(target: &Target, coins: &[KeyCoin]) -> bool {
    client::detect(target, coins, &Options::default()).unwrap().value.iter().all(|passed| *passed)
}

#[test]
fn a_full_disk_stops_changes_and_nothing_else_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    // So little in memory that the disk is asked for most coins.
    let node =
        Node::builder().config("store.cache_pages = 1\nstore.database_cache_bytes = 1048576").start_in(folder.path());
    let target = Target { raida_id: 0, ..Target::new(node.address().to_string().parse().unwrap()) };
    let key = AdminKey::new(node.admin_key().try_into().unwrap());
    let mut coins = issue(&target, &key, 0..1000).unwrap();

    let size = fs::metadata(folder.path().join("data/coins.redb")).unwrap().len();
    let unlimited = prlimit(Some(node.pid()), Resource::Fsize, Rlimit { current: Some(size), maximum: None }).unwrap();
    let mut next = 1000;
    let refused = loop {
        match issue(&target, &key, next..next + 500) {
            Ok(more) => coins.extend(more),
            Err(error) => break error,
        }
        next += 500;
        assert!(next < 16_000, "a file that may not grow takes 16 MB");
    };
    assert!(matches!(refused.trouble(), Trouble::Refused(Status::FILESYSTEM)), "{refused}");
    assert!(is_known(&target, &coins), "after the failure");
    assert!(is_known(&target, &coins), "and while changes are refused");

    prlimit(Some(node.pid()), Resource::Fsize, unlimited).unwrap();
    let mut added = Vec::new();
    wait_until("changes are taken again", || {
        issue(&target, &key, 15_000..15_500).is_ok_and(|more| {
            added = more;
            true
        })
    });
    assert!(is_known(&target, &added) && is_known(&target, &coins));
    let renewals: Vec<_> = coins
        .iter()
        .map(|KeyCoin { coin, number }| Renewal {
            coin: *coin,
            number: number.clone(),
            proposed: AuthenticityNumber::new([7; 16]),
        })
        .collect();
    let passed = client::pown(&target, &renewals, &Options::default()).unwrap().value;
    assert!(passed.iter().all(|passed| *passed));
    let said = |what: &str| node.log().iter().filter(|line| line.contains(what)).count();
    assert!(said("disk works again") >= 1);
    assert!(said("answered with 194") <= said("disk works again") + 1, "a failure is told once: {:#?}", node.log());
}

#[test]
fn nothing_is_acknowledged_that_goes_into_a_file_without_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::builder().start_in(folder.path());
    let target = Target { raida_id: 0, ..Target::new(node.address().to_string().parse().unwrap()) };
    let key = AdminKey::new(node.admin_key().try_into().unwrap());
    let coins = issue(&target, &key, 0..10).unwrap();

    // As somebody does who copies the folder of another day over it.
    fs::remove_file(folder.path().join("data/coins.redb")).unwrap();
    for numbers in [10..20, 10..20, 20..30] {
        let refused = issue(&target, &key, numbers).unwrap_err();
        assert!(matches!(refused.trouble(), Trouble::Refused(Status::FILESYSTEM)), "{refused}");
    }
    assert!(is_known(&target, &coins), "what was acknowledged before");
    let has_said = |what: &str| node.log().iter().any(|line| line.contains(what));
    assert!(has_said("removed, or replaced, under the running node"), "{:#?}", node.log());
}
