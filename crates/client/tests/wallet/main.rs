//! A wallet and 25 nodes, some of which are down, silent or lying: nothing is lost.

#![expect(clippy::unwrap_used, reason = "a test whose stage cannot be set fails")]

mod crash;
mod files;
mod operations;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use raida_client::testing::{ADMIN_KEY, Bank, Mood, MoodyNode};
use raida_client::wallet::{AdminKeys, Wallet};
use raida_client::wire::{CoinId, Denomination};
use raida_client::{AdminKey, Coin, Fleet, Options, Target};

/// 25 nodes, and a folder for coins.
struct Stage {
    banks: Arc<Vec<Bank>>,
    nodes: Vec<MoodyNode>,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let banks = Bank::network(25);
        let nodes = MoodyNode::network(&banks).unwrap();
        Self { banks, nodes, folder: folder() }
    }

    fn fleet(&self) -> Fleet {
        let options = Options { timeout: Duration::from_millis(700), retries: 0, ..Options::default() };
        Fleet::new(self.nodes.iter().map(MoodyNode::target).collect(), options)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn wallet(&self) -> Wallet {
        Wallet::open(self.path(), Target::COIN_ID).unwrap()
    }

    fn set(&self, nodes: impl IntoIterator<Item = usize>, mood: Mood) {
        nodes.into_iter().for_each(|node| self.nodes.get(node).unwrap().set(mood));
    }

    /// So many coins of denomination 0, issued by all nodes that are in the mood.
    fn issue(&self, count: usize) -> Vec<Coin> {
        let (wallet, one) = (self.wallet(), Denomination::new(0).unwrap());
        wallet.create(&self.fleet(), &keys(), one, count).unwrap().0
    }

    /// At how many nodes one of the two numbers of the coin in the wallet is the one that the node has.
    fn safe_at(&self, coin: &Coin) -> usize {
        let is_safe = |(node, bank): (u8, &Bank)| {
            let secret = coin.at(node);
            let books = bank.books();
            let known = books.coins.get(&coin.id);
            known.is_some() && (known == secret.number.as_ref() || known == secret.pending.as_ref())
        };
        (0..).zip(self.banks.iter()).filter(|place| is_safe((place.0, place.1))).count()
    }

    /// At how many nodes the coin's number is the one that the node has, and none is pending.
    fn settled_at(&self, coin: &Coin) -> usize {
        let is_settled = |(node, bank): (u8, &Bank)| {
            let secret = coin.at(node);
            secret.pending.is_none()
                && secret.number.is_some()
                && bank.books().coins.get(&coin.id) == secret.number.as_ref()
        };
        (0..).zip(self.banks.iter()).filter(|place| is_settled((place.0, place.1))).count()
    }
}

/// A folder for its owner only.
fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}

fn keys() -> AdminKeys {
    let mut keys = AdminKeys::default();
    (0..25).for_each(|node| keys.set(node, AdminKey::new(ADMIN_KEY)));
    keys
}

fn id(exponent: i8, number: u32) -> CoinId {
    CoinId::new(exponent, number).unwrap()
}
