//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use raida_client::{Options, Target, Transport};

use crate::coin_arguments::{CoinsCommand, LockerCommand, TicketArguments};
use crate::nodes::{NetworkArgument, NodeArgument};
use crate::roots::RootsArgument;
use crate::top::TopArguments;

/// Asks RAIDA nodes and shows what they answer.
///
/// Several nodes are asked at the same time; results keep the order of the --node options. Every answer is verified: it
/// must come from the node that was asked and belong to the question.
///
/// Exit code: 0 if every node answered well, 1 if not, 2 if the command line is wrong.
#[derive(Debug, Parser)]
#[command(name = "raida", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  raida echo                                     is a node running on this computer?
  raida echo --udp --node raida7.example:50007   is RAIDA 7 there, by UDP?
  raida version --node [::1]:443@12 --json       RAIDA 12 on a port of its own, for a script
  raida echo --encryption 4 --key-file coin.key  does the node know my coin?
  raida stats --admin-key-file raida-data/secrets.toml
  raida vote --roots zero                        has the node no coins at all?
  raida coins detect --wallet coins --network localhost:50000
                                                 are my coins good at all 25 nodes?
  raida top                                      what does my node do just now?

Each command has more to tell: raida echo --help";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Is the node there? With --encryption also: does it know the key?
    #[command(after_long_help = MORE)]
    Echo(Asking),
    /// Which version does the node run?
    #[command(after_long_help = MORE)]
    Version(Asking),
    /// What has the node counted? Needs the admin key.
    #[command(after_long_help = MORE)]
    Stats(StatsArguments),
    /// How many coins of each of the 15 denominations are issued?
    #[command(after_long_help = MORE)]
    Audit(Asking),
    /// Does the node have the same 15 Merkle roots? By UDP only.
    ///
    /// That they differ is a good answer too, with exit code 0.
    #[command(after_long_help = MORE_ON_VOTES)]
    Vote(VoteArguments),
    /// Coins in a folder: are they good, and making them mine.
    #[command(subcommand, arg_required_else_help = true)]
    Coins(CoinsCommand),
    /// Lockers: coins for whoever knows some words.
    #[command(subcommand, arg_required_else_help = true)]
    Locker(LockerCommand),
    /// Tickets: each node's word, good for 300 seconds, that coins are good there.
    #[command(after_long_help = crate::coin_arguments::MORE)]
    Tickets(TicketArguments),
    /// A node at work, like top: rates, percentiles, open connections. On the node's own host.
    Top(TopArguments),
    /// Prints a completion script for a shell
    ///
    /// For example: raida completions bash > ~/.local/share/bash-completion/completions/raida
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Writes the manual pages, one for each command
    ///
    /// For example: raida manual /usr/local/share/man/man1
    Manual {
        /// The folder to write to; it must exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// The long help of all commands but the vote.
const MORE: &str = "\
KEY FILE
  It names a coin that the node knows, one setting per line:
    denomination = 0
    serial_number = 1234
    an = 00112233445566778899aabbccddeeff
    an.7 = 0f1e2d3c4b5a69788796a5b4c3d2e1f0
  `an` is the coin's authenticity number at every node, `an.7` that at RAIDA 7.
  A coin file of a wallet will do, too.
  Nobody but its owner may have access to the file: chmod 600 FILE.

JSON
  One object per node and line, in the order of the nodes. Every key is always
  there; what is not known is null.
    command, node, raida_id, transport   what was asked, and how
    ok                                   whether the node answered well
    status, status_name                  the node's own word, 250 for success
    latency_us, execution_us, attempts   how it went
    result                               what the node said:
                                           echo     {}
                                           version  {version}
                                           stats    {echoes, coins_powned,
                                                     value_powned, udp_datagrams}
                                           audit    {issued: [{denomination, coins}]}
    error                                {kind, message, advice} if it is not ok
  value_powned counts units of 0.00000001 coin.";

/// The long help of the vote.
const MORE_ON_VOTES: &str = "\
JSON
  As with the other commands (see raida echo --help), but a vote has no status
  and no execution time, and the result is {match}.";

/// How to ask anything but a vote.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    #[command(flatten)]
    pub(crate) nodes: Nodes,
    /// The coin network
    #[arg(long, value_name = "ID", default_value_t = Target::COIN_ID)]
    pub(crate) coin_id: u16,
    /// Ask through a connection (this is the default)
    #[arg(long)]
    tcp: bool,
    /// Ask by datagrams
    #[arg(long, conflicts_with = "tcp")]
    udp: bool,
    /// How the question is protected
    #[arg(long, value_name = "TYPE", default_value = "0", requires_ifs = [("1", "key_file"), ("4", "key_file")])]
    pub(crate) encryption: EncryptionArgument,
    /// The coin whose authenticity number is the key: see KEY FILE in --help
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// The node's secrets file (DATA-DIR/secrets.toml), or a file with the key alone, 32 hexadecimal digits; for its
    /// owner only
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_key_file: PathBuf,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct VoteArguments {
    /// The roots to compare with: `zero` for no coins at all, or a file of 480 bytes or 960 hexadecimal digits, 32
    /// bytes for each denomination from -8 to 6
    #[arg(long, value_name = "FILE|zero")]
    pub(crate) roots: RootsArgument,
    #[command(flatten)]
    pub(crate) nodes: Nodes,
    /// Ask by datagrams (a vote knows no other way)
    #[arg(long)]
    udp: bool,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct Nodes {
    /// Where a node listens: its name or address (IPv6 in brackets) and port; may be given several times. With @ID
    /// behind it, the node has that RAIDA id
    #[arg(long = "node", value_name = "HOST:PORT[@ID]", default_value = "127.0.0.1:50000")]
    pub(crate) nodes: Vec<NodeArgument>,
    /// All 25 nodes of a network on one host: RAIDA 0 at this port, RAIDA 24 at the 24th after it
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "nodes")]
    pub(crate) network: Option<NetworkArgument>,
    /// A file with nodes, one per line as for --node; what follows a # does not count
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nodes", "network"])]
    pub(crate) nodes_file: Option<PathBuf>,
    /// The RAIDA id of all nodes that have no @ID; otherwise the port tells (50000 is 0, 50024 is 24, any other is 0)
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u8).range(0..=24))]
    pub(crate) raida_id: Option<u8>,
}

/// How long to wait.
#[derive(Debug, Args)]
struct Patience {
    /// How long the first attempt may take; each further one may take twice as long as the one before. What is asked
    /// only once, because it changes something, has the time of all
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    timeout: Duration,
    /// How many further attempts to make when no answer comes
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=10))]
    retries: u32,
}

/// How to show it.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print one JSON object per node and line instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// The encryption types that need nothing but a coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EncryptionArgument {
    Clear,
    Coin,
    Coin256,
}

impl ValueEnum for EncryptionArgument {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Clear, Self::Coin, Self::Coin256]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Clear => PossibleValue::new("0").help("not at all"),
            Self::Coin => PossibleValue::new("1").help("AES-128 under a coin: against accidents only"),
            Self::Coin256 => PossibleValue::new("4").help("AES-256 and HMAC under a coin"),
        })
    }
}

impl Asking {
    /// The transport, and how long to wait.
    pub(crate) fn options(&self) -> Options {
        self.patience.options(if self.udp { Transport::Udp } else { Transport::Tcp })
    }
}

impl VoteArguments {
    /// UDP, and how long to wait.
    pub(crate) fn options(&self) -> Options {
        self.patience.options(Transport::Udp)
    }
}

impl Patience {
    fn options(&self, transport: Transport) -> Options {
        Options { transport, timeout: self.timeout, retries: self.retries }
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.001..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("not from 0.001 to 3600 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_free_of_contradictions() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seconds_outside_of_the_range_are_refused() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "-1", "0", "3601", "NaN", "inf", "2s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
