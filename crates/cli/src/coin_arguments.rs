//! What can be said on the command line about coins.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, Subcommand};
use raida_client::wire::{CoinId, Denomination};

use crate::arguments::Asking;

/// The long help of all commands on coins.
pub(crate) const MORE: &str = "\
WALLET
  A folder with one file per coin; docs/COIN-FILE.md describes them. Nobody but
  its owner may have access to it. Coins that are spent move to its folder
  `spent`. New numbers are written down before any node hears of them: whenever
  the program ends too early, `raida coins find` tells what has happened.

STANDING
  13 of the 25 nodes decide.
    authentic    13 say that the coin is good, none that it is not
    fractured    13 say that it is good, some that it is not: raida coins fix
    counterfeit  13 say that it is not good
    undecided    neither has 13 nodes behind it
  Where fewer than 13 nodes are asked, a coin is well if all pass it.

VOTES
  One letter for each node from RAIDA 0 to 24: p passed, f failed, n asked but
  no answer, u not asked.

JSON
  One object per line: first for each node {command, kind: \"node\", node,
  raida_id, ok, passed, failed, unknown, tickets: [{number, coins}], error:
  {kind, message, advice}}, then for each coin {command, kind: \"coin\", coin,
  denomination, serial_number, ok, standing, votes}, then {command, kind:
  \"sum\", coins, value, ok, authentic, fractured, counterfeit, undecided}.
  value counts units of 0.00000001 coin.

EXIT CODE
  0 if all coins are well, whatever single nodes do; 1 if not; 2 if the command
  line is wrong.";

/// Takes the long help and the flattened arguments that all of them have.
#[derive(Debug, Subcommand)]
pub(crate) enum CoinsCommand {
    /// Issue coins. For operators: it needs the admin keys of the nodes.
    #[command(after_long_help = MORE)]
    Create(CreateArguments),
    /// Are the coins good?
    #[command(after_long_help = MORE)]
    Detect(WalletArguments),
    /// Make the coins mine: every node gets new numbers that nobody else knows.
    #[command(after_long_help = MORE)]
    Pown(WalletArguments),
    /// By which numbers do the nodes know the coins? Ends what was interrupted.
    #[command(after_long_help = MORE)]
    Find(WalletArguments),
    /// Repair fractured coins with tickets of the nodes that know them.
    #[command(after_long_help = MORE)]
    Fix(WalletArguments),
    /// Break each coin into ten of the next lower denomination.
    #[command(after_long_help = MORE)]
    Break(ChosenArguments),
    /// Join each ten coins of one denomination into one of the next higher.
    #[command(after_long_help = MORE)]
    Join(ChosenArguments),
    /// Withdraw coins for ever. For operators: it needs the admin keys of the nodes.
    #[command(after_long_help = MORE)]
    Delete(DeleteArguments),
    /// Withdraw coins for ever, whoever owns them. For operators: it needs the admin keys of the nodes.
    #[command(after_long_help = MORE)]
    Free(FreeArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum LockerCommand {
    /// Put coins into a locker. Whoever knows the words can take them.
    #[command(after_long_help = MORE)]
    Put(PutArguments),
    /// What is in a locker?
    #[command(after_long_help = MORE)]
    Peek(PeekArguments),
    /// Take coins out of a locker, with new numbers.
    #[command(after_long_help = MORE)]
    Remove(RemoveArguments),
}

/// All coins unless some are chosen.
#[derive(Debug, Args)]
pub(crate) struct WalletArguments {
    #[command(flatten)]
    pub(crate) wallet: WalletArgument,
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// No coins unless some are chosen.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["coins", "denomination", "all"]))]
pub(crate) struct ChosenArguments {
    #[command(flatten)]
    pub(crate) wallet: WalletArgument,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// All coins of the wallet
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

pub(crate) type TicketArguments = WalletArguments;

#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    #[command(flatten)]
    pub(crate) keys: KeyArguments,
    #[command(flatten)]
    pub(crate) chosen: ChosenArguments,
}

#[derive(Debug, Args)]
pub(crate) struct FreeArguments {
    /// This coin: denomination and serial number; may be given several times. No wallet has to have it
    #[arg(long = "coin", value_name = "D:SN", required = true, allow_hyphen_values = true, value_parser = coin)]
    pub(crate) coins: Vec<CoinId>,
    #[command(flatten)]
    pub(crate) keys: KeyArguments,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// What each is worth, as a power of ten, from -8 to 6
    #[arg(long, value_name = "D", allow_hyphen_values = true, value_parser = denomination)]
    pub(crate) denomination: Denomination,
    /// How many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_024_000))]
    pub(crate) count: u32,
    #[command(flatten)]
    pub(crate) keys: KeyArguments,
    #[command(flatten)]
    pub(crate) wallet: WalletArgument,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// Make random words and write them into this new file, once
    #[arg(long, value_name = "FILE", required_unless_present = "words_file", conflicts_with = "words_file")]
    pub(crate) new_words_file: Option<PathBuf>,
    /// The words that open the locker, in a file for its owner only
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) chosen: ChosenArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PeekArguments {
    /// The words that open the locker, in a file for its owner only
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: PathBuf,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// The words that open the locker, in a file for its owner only
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: PathBuf,
    #[command(flatten)]
    pub(crate) wallet: WalletArguments,
}

#[derive(Debug, Args)]
pub(crate) struct WalletArgument {
    /// The folder with the coins
    #[arg(long = "wallet", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Which coins.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// This coin: denomination and serial number; may be given several times
    #[arg(long = "coin", value_name = "D:SN", allow_hyphen_values = true, value_parser = coin)]
    pub(crate) coins: Vec<CoinId>,
    /// Only coins of this denomination
    #[arg(long, value_name = "D", allow_hyphen_values = true, value_parser = denomination)]
    pub(crate) denomination: Option<Denomination>,
    /// At most so many: those with the lowest denomination and serial number
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// The nodes' admin keys.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("keys").required(true).args(["admin_key_files", "admin_key_dir"]))]
pub(crate) struct KeyArguments {
    /// A node's secrets file (DATA-DIR/secrets.toml), or a file with the key alone, 32 hexadecimal digits; for its owner
    /// only. With @ID behind it, it is for that node, otherwise for all that have none of their own; may be given several
    /// times
    #[arg(long = "admin-key-file", value_name = "FILE[@ID]")]
    pub(crate) admin_key_files: Vec<KeyFileArgument>,
    /// A folder with such a file for each node: ID.key, or ID/secrets.toml
    #[arg(long, value_name = "DIR")]
    pub(crate) admin_key_dir: Option<PathBuf>,
}

/// `FILE` or `FILE@ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFileArgument {
    pub(crate) path: PathBuf,
    pub(crate) raida_id: Option<u8>,
}

impl FromStr for KeyFileArgument {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = |id: &str| id.parse().ok().filter(|id| *id <= 24);
        Ok(match text.rsplit_once('@').and_then(|(path, text)| Some((path, id(text)?))) {
            Some((path, id)) => Self { path: path.into(), raida_id: Some(id) },
            None => Self { path: text.into(), raida_id: None },
        })
    }
}

impl Selection {
    /// Those of the wallet's coins that are meant, ascending.
    pub(crate) fn of(&self, ids: Vec<CoinId>) -> impl Iterator<Item = CoinId> {
        let is_meant = |id: &CoinId| {
            (self.coins.is_empty() || self.coins.contains(id))
                && self.denomination.is_none_or(|denomination| denomination == id.denomination)
        };
        ids.into_iter().filter(is_meant).take(self.limit.unwrap_or(usize::MAX))
    }
}

fn denomination(text: &str) -> Result<Denomination, String> {
    text.parse().ok().and_then(Denomination::new).ok_or_else(|| "not a number from -8 to 6".to_owned())
}

fn coin(text: &str) -> Result<CoinId, String> {
    let parse = || {
        let (denomination, serial_number) = text.split_once(':')?;
        CoinId::new(denomination.parse().ok()?, serial_number.parse().ok()?)
    };
    parse().ok_or_else(|| "not DENOMINATION:SERIAL-NUMBER, from -8 to 6 and from 0 to 1023999".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_called_by_denomination_and_serial_number() {
        assert_eq!(coin("-8:17").ok(), CoinId::new(-8, 17));
        for text in ["", "1", "1:", "7:1", "0:1024000", "0:1:2"] {
            assert!(coin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn key_file_may_belong_to_one_node() {
        let parse = |text: &str| text.parse::<KeyFileArgument>().map(|key| (key.path, key.raida_id));
        assert_eq!(parse("a/b.key@24"), Ok(("a/b.key".into(), Some(24))));
        assert_eq!(parse("a@b/c"), Ok(("a@b/c".into(), None)));
        assert_eq!(parse("a@25"), Ok(("a@25".into(), None)));
    }

    #[test]
    fn selection_is_by_name_denomination_and_number() {
        let ids = || [(-1, 5), (0, 1), (0, 2), (0, 3)].into_iter().filter_map(|(d, n)| CoinId::new(d, n)).collect();
        let pick = |coins: &[(i8, u32)], denomination, limit| {
            let coins = coins.iter().filter_map(|(d, n)| CoinId::new(*d, *n)).collect();
            let selection = Selection { coins, denomination: Denomination::new(denomination), limit };
            selection.of(ids()).map(|id| id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(pick(&[], 99, None), ["-1:5", "0:1", "0:2", "0:3"]);
        assert_eq!(pick(&[], 0, Some(2)), ["0:1", "0:2"]);
        assert_eq!(pick(&[(0, 3), (-1, 5), (6, 6)], 99, None), ["-1:5", "0:3"]);
    }
}
