//! Issues three coins at 25 nodes in memory, loses some answers, and finds everything again:
//! `cargo run -p raida-client --features testing,wallet --example wallet`.

use std::error::Error;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::time::Duration;

use raida_client::testing::{ADMIN_KEY, Bank, Mood, MoodyNode};
use raida_client::wallet::{AdminKeys, Wallet};
use raida_client::wire::Denomination;
use raida_client::{AdminKey, Coin, Fleet, Options, Outcome, Target};

fn main() -> Result<(), Box<dyn Error>> {
    let banks = Bank::network(25);
    let nodes = MoodyNode::network(&banks)?;
    let options = Options { timeout: Duration::from_secs(1), retries: 0, ..Options::default() };
    let fleet = Fleet::new(nodes.iter().map(MoodyNode::target).collect(), options);
    let folder = std::env::temp_dir().join(format!("raida-wallet-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&folder)?;
    let wallet = Wallet::open(&folder, Target::COIN_ID)?;

    let mut keys = AdminKeys::default();
    (0..25).for_each(|node| keys.set(node, AdminKey::new(ADMIN_KEY)));
    let one = Denomination::new(0).ok_or("there is a denomination 0")?;
    let (mut coins, outcome) = wallet.create(&fleet, &keys, one, 3)?;
    show("issued", &coins, &outcome);

    nodes.iter().take(5).for_each(|node| node.set(Mood::Mute));
    let outcome = wallet.pown(&fleet, &mut coins)?;
    show("powned, but five answers are lost", &coins, &outcome);

    nodes.iter().for_each(|node| node.set(Mood::Good));
    let outcome = wallet.find(&fleet, &mut coins)?;
    show("found", &coins, &outcome);
    Ok(std::fs::remove_dir_all(folder)?)
}

fn show(what: &str, coins: &[Coin], outcome: &Outcome) {
    println!("{what}:");
    for (coin, tally) in coins.iter().zip(&outcome.tallies) {
        let pending = coin.secrets().iter().filter(|secret| secret.pending.is_some()).count();
        println!("  {} {tally} {}, {pending} numbers pending", coin.id, tally.standing());
    }
}
