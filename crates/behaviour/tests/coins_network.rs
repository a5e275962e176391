//! 25 real nodes, and 14 real mirrors of one: fractured coins are healed by tickets, a changed page by its mirrors, while
//! some nodes are down, slow, lying or restarted.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use raida_behaviour::{Network, Node, wait_until};
use raida_client::testing::ADMIN_KEY;
use raida_client::wallet::{AdminKeys, Wallet};
use raida_client::wire::{AuthenticityNumber, CoinId, Denomination};
use raida_client::{self as client, AdminKey, Coin, Fleet, KeyCoin, Options, Renewal, Standing, Target, Vote};
use rustix::process::Signal;

const DENOMINATION: Denomination = Denomination::new(0).unwrap();

/// Where coins are fractured.
const FRACTURED: [usize; 5] = [2, 5, 11, 17, 24];
const DOWN: usize = 0;
const SLOW: usize = 7;
const LYING: usize = 13;
const RESTARTED: usize = 20;

fn quoted(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| format!("\"{address}\"")).collect::<Vec<_>>().join(", ")
}

fn target(raida_id: u8, address: SocketAddr) -> Target {
    Target { raida_id, ..Target::new(address.to_string().parse().unwrap()) }
}

fn admin_key_text() -> String {
    ADMIN_KEY.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn start(network: &mut Network, place: usize) {
    let lying = Node::faulty(env!("CARGO_BIN_EXE_lying-node"));
    let builder = if place == LYING { lying } else { Node::builder() };
    let config = format!(
        "[server]\nraida_id = {place}\nadmin_key = \"{}\"\nraida_servers = [{}]\n[peers]\nconnect_ms = 500\ntotal_ms = 1500\n",
        admin_key_text(),
        quoted(network.addresses())
    );
    network.start(place, builder.config(&config));
}

/// Makes these coins unknown under the numbers of their owner, at the nodes in [`FRACTURED`].
fn fracture(fleet: &Fleet, coins: &[Coin]) {
    for node in FRACTURED {
        let renewal = |coin: &Coin| {
            let KeyCoin { coin, number } = coin.key_coin(u8::try_from(node).unwrap()).unwrap();
            Renewal { coin, number, proposed: [0xEE; 16].into() }
        };
        let renewals: Vec<_> = coins.iter().map(renewal).collect();
        let passed = client::pown(&fleet.nodes[node], &renewals, &Options::default()).unwrap().value;
        assert!(passed.iter().all(|passed| *passed), "{passed:?}");
    }
}

#[test]
fn a_coin_fractured_on_five_of_25_is_healed_whatever_single_nodes_do() {
    let mut network = Network::of(25);
    (0..25).for_each(|place| start(&mut network, place));
    let nodes = (0..25).zip(network.addresses()).map(|(id, address)| target(id, *address)).collect();
    let patience = Options { timeout: Duration::from_secs(4), retries: 0, ..Options::default() };
    let fleet = Fleet::new(nodes, patience);
    let mut keys = AdminKeys::default();
    (0..25).for_each(|id| keys.set(id, AdminKey::new(ADMIN_KEY)));
    let wallet = Wallet::open_or_make(&network.shared().join("wallet"), 6).unwrap();
    let (mut coins, outcome) = wallet.create(&fleet, &keys, DENOMINATION, 2).unwrap();
    assert_eq!(outcome.tallies.iter().map(client::Tally::standing).collect::<Vec<_>>(), [Standing::Authentic; 2]);
    fracture(&fleet, &coins);
    network.kill(DOWN);
    network.node(SLOW).signal(Signal::STOP);

    let seen = fleet.detect(&coins).tallies[0];
    assert_eq!(seen.standing(), Standing::Fractured, "{seen}");
    assert_eq!(seen.those(Vote::Fail).map(usize::from).collect::<Vec<_>>(), FRACTURED);

    // Step by step for the first coin: one node is restarted between its ticket and its use.
    let mut tickets = [None; 25];
    for ticket in fleet.tickets(&coins[..1]).1 {
        tickets[usize::from(ticket.raida_id)] = Some(ticket.number);
    }
    assert!(tickets[LYING].is_some() && tickets[RESTARTED].is_some() && tickets[SLOW].is_none());
    network.kill(RESTARTED);
    start(&mut network, RESTARTED);
    let (chosen, coin) = ([7; 16], coins[0].id);
    for node in FRACTURED {
        let fixed = client::fix(&fleet.nodes[node], &[coin], &chosen, &tickets, &fleet.options).unwrap().value;
        assert_eq!(fixed, [true], "RAIDA {node}");
        let id = u8::try_from(node).unwrap();
        coins[0].at_mut(id).unwrap().number = Some(AuthenticityNumber::fixed(id, coin, &chosen));
    }
    let seen = fleet.detect(&coins[..1]).tallies[0];
    assert_eq!((seen.standing(), seen.count(Vote::Pass)), (Standing::Authentic, 23), "{seen}");

    // As a person does it for the other. A coin that only the liar lists is in nobody's wallet.
    let fixed = wallet.fix(&fleet, &mut coins[1..]).unwrap().tallies[0];
    assert_eq!((fixed.standing(), fixed.count(Vote::Pass)), (Standing::Authentic, 23), "{fixed}");
    network.node(SLOW).signal(Signal::CONT);
    start(&mut network, DOWN);
    let seen = fleet.detect(&coins).tallies;
    assert!(seen.iter().all(|tally| tally.count(Vote::Pass) == 25), "{seen:?}");
}

/// So many have the same id. The one that differs needs 13 others with the same roots.
const MIRRORS: usize = 14;
const KEY_COINS: [u32; 2] = [1, 5000];
const CHANGED: u32 = 2048;

fn mirror_config(network: &Network, place: usize) -> String {
    let others: Vec<_> = (0..MIRRORS).filter(|other| *other != place).map(|other| network.addresses()[other]).collect();
    format!(
        "[server]\nraida_id = 9\nadmin_key = \"{}\"\nsynchronization_enabled = true\nintegrity_freq = 10\n\
         [integrity]\nmirrors = [{}]\nmirror_keys = [\"0:{}\", \"0:{}\"]\nheal = true\nvote_ms = 1000\n",
        admin_key_text(),
        quoted(&others),
        KEY_COINS[0],
        KEY_COINS[1]
    )
}

fn has_said(node: &Node, words: &str) -> bool {
    node.log().iter().any(|line| line.contains(words))
}

#[test]
fn mirrors_agree_and_heal_a_page_that_one_of_them_has_otherwise() {
    let mut network = Network::of(u16::try_from(MIRRORS).unwrap());
    let (options, alone) =
        (Options::default(), format!("[server]\nraida_id = 9\nadmin_key = \"{}\"\n", admin_key_text()));
    let mirrors: Vec<_> = network.addresses().iter().map(|address| target(9, *address)).collect();

    // One node issues coins; the others begin with copies of its data.
    network.start(0, Node::builder().config(&alone));
    let coins: Vec<_> = KEY_COINS.into_iter().chain([CHANGED]).map(|number| CoinId::new(0, number).unwrap()).collect();
    let numbers = client::create(&mirrors[0], 0xEEEE_EEEE, &AdminKey::new(ADMIN_KEY), &coins, &options).unwrap().value;
    let issued: Vec<_> = coins.iter().zip(numbers).map(|(coin, number)| KeyCoin { coin: *coin, number }).collect();
    network.kill(0);
    for place in 1..MIRRORS {
        let (from, to) = (network.folder(0).join("data"), network.folder(place).join("data"));
        let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap();
        assert!(copied.success());
    }

    // One page of one mirror changes behind the others' back.
    network.start(3, Node::builder().config(&alone));
    let KeyCoin { coin, number } = issued[2].clone();
    let renewal = Renewal { coin, number, proposed: [0xEE; 16].into() };
    assert_eq!(client::pown(&mirrors[3], &[renewal], &options).unwrap().value, [true]);
    network.kill(3);

    for place in 0..MIRRORS {
        let builder = Node::builder().config(&mirror_config(&network, place));
        network.start(place, builder);
    }
    let roots = |place: usize| client::all_roots(&mirrors[place], &[0; 480], &options).unwrap().value;
    assert_ne!(roots(3), roots(0));
    wait_until("the mirror heals its page", || roots(3) == roots(0));
    assert_eq!(client::detect(&mirrors[3], &issued, &options).unwrap().value, [true; 3]);
    wait_until("it says so", || has_said(network.node(3), "replaced=1 coins=1 differing=0"));
    wait_until("the others agree", || has_said(network.node(0), "integrity: the majority agrees"));
    assert!(!has_said(network.node(0), "mirrors agree on other roots"));
    assert!(fs::metadata(network.folder(3).join("data")).is_ok());
}
