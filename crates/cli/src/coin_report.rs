//! What the nodes said about coins, ready to be shown.

use raida_client::wallet::WalletError;
use raida_client::wire::CoinId;
use raida_client::{AskError, Outcome, Redeemable, Standing, Tally, Target, Vote, is_enough};

/// All that came out of one command.
pub(crate) struct CoinReport {
    pub(crate) command: &'static str,
    pub(crate) targets: Vec<Target>,
    pub(crate) coins: Vec<(CoinId, Tally)>,
    pub(crate) errors: Vec<AskError>,
    pub(crate) tickets: Vec<Redeemable>,
    /// What ended the command too early.
    pub(crate) failure: Option<WalletError>,
}

/// How many coins stand how.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) authentic: usize,
    pub(crate) fractured: usize,
    pub(crate) counterfeit: usize,
    pub(crate) undecided: usize,
    /// In units of 10^-8 coin.
    pub(crate) value: u128,
}

impl CoinReport {
    pub(crate) const fn new(command: &'static str, targets: Vec<Target>) -> Self {
        Self { command, targets, coins: Vec::new(), errors: Vec::new(), tickets: Vec::new(), failure: None }
    }

    /// Adds what came out for these coins.
    pub(crate) fn add(&mut self, coins: impl IntoIterator<Item = CoinId>, outcome: Outcome) {
        self.coins.extend(coins.into_iter().zip(outcome.tallies));
        self.errors.extend(outcome.errors);
    }

    /// Whether all coins are well, and enough nodes said so.
    pub(crate) fn is_good(&self) -> bool {
        let silent = self.targets.iter().filter(|target| self.error_of(target).is_some()).count();
        self.failure.is_none()
            && is_enough(self.targets.len().saturating_sub(silent), self.targets.len())
            && self.coins.iter().all(|(_, tally)| tally.is_good())
    }

    /// The last that went wrong at a node.
    pub(crate) fn error_of(&self, target: &Target) -> Option<&AskError> {
        self.errors.iter().rev().find(|error| error.raida_id() == target.raida_id)
    }

    /// How many coins the node said that of.
    pub(crate) fn count(&self, target: &Target, vote: Vote) -> usize {
        self.coins.iter().filter(|(_, tally)| tally.of(target.raida_id) == vote).count()
    }

    /// Whether a change may have been made although no answer tells.
    pub(crate) fn is_unsure(&self) -> bool {
        let changes = ["coins pown", "coins fix", "coins break", "coins join", "locker put", "locker remove"];
        changes.contains(&self.command) && self.errors.iter().any(AskError::may_have_arrived)
    }

    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for (coin, tally) in &self.coins {
            *match tally.standing() {
                Standing::Authentic => &mut sum.authentic,
                Standing::Fractured => &mut sum.fractured,
                Standing::Counterfeit => &mut sum.counterfeit,
                Standing::Undecided => &mut sum.undecided,
            } += 1;
            sum.value += u128::from(coin.denomination.value());
        }
        sum
    }
}
