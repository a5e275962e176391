//! What a node remembers between requests, in memory only, and the look at it from outside.

use std::fmt;
use std::sync::Arc;

use raida_reactor::clock::Clock;
use raida_store::Store;
use raida_wire::Command;

use crate::call_limit::CallLimit;
use crate::figures::Figures;
use crate::gate::Gate;
use crate::nonces::Nonces;
use crate::resends::Resends;
use crate::reservations::Reservations;
use crate::rounds::Rounds;
use crate::settings::{Settings, Surroundings};
use crate::statistics::{Answers, Refusals, Statistics};
use crate::tickets::Tickets;

/// What a node remembers.
pub(crate) struct Books {
    pub(crate) statistics: Statistics,
    pub(crate) tickets: Tickets,
    pub(crate) reservations: Reservations,
    pub(crate) breaks: CallLimit,
    pub(crate) fixes: Gate,
    pub(crate) resends: Resends,
    pub(crate) nonces: Nonces,
    rounds: Arc<Rounds>,
}

impl Books {
    /// Nothing yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            statistics: Statistics::new(settings.reactors.clone()),
            tickets: Tickets::default(),
            reservations: Reservations::new(settings.reservations),
            breaks: CallLimit::new(settings.breaks),
            fixes: Gate::new(settings.fixes_max),
            resends: Resends::new(settings.resends_max),
            nonces: Nonces::new(settings.nonces_max),
            rounds: Arc::clone(&settings.rounds),
        }
    }
}

/// Looks at what a node has done. It sees neither coins nor requests, and changes nothing.
///
/// ```
/// use raida_node::testing::{Coins, ask, in_clear, node_of};
/// use raida_reactor::service::Transport;
/// use raida_wire::Command;
///
/// let node = node_of(14, &Coins::new());
/// let observer = node.observer();
/// let (request, _) = in_clear(&node, Command::VERSION, b"");
/// ask(&node, &request, Transport::Tcp);
/// let version = observer.answers().find(|(command, _)| *command == Some(Command::VERSION));
/// assert_eq!(version.map(|(_, answers)| answers.pass), Some(1));
/// ```
#[derive(Clone)]
pub struct Observer {
    books: Arc<Books>,
    store: Arc<Store>,
    clock: Arc<dyn Clock + Send + Sync>,
}

impl Observer {
    pub(crate) fn new(books: &Arc<Books>, surroundings: &Surroundings) -> Self {
        let (store, clock) = (Arc::clone(&surroundings.store), Arc::clone(&surroundings.clock));
        Self { books: Arc::clone(books), store, clock }
    }

    /// The node's coins.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What each command on offer has come to, and at the end, without a name, all others together.
    pub fn answers(&self) -> impl Iterator<Item = (Option<Command>, Answers)> {
        self.books.statistics.answers()
    }

    /// How often a bound was met, by its name.
    #[must_use]
    pub fn refusals(&self) -> [(&'static str, u64); 5] {
        let Refusals { fixes, breaks, reservations, tickets, storage } = self.books.statistics.refusals();
        [
            ("breaks", breaks.get()),
            ("fixes", fixes.get()),
            ("reservations", reservations.get()),
            ("storage", storage.get()),
            ("tickets", tickets.get()),
        ]
    }

    /// Everything else that is counted. Takes four locks, each for a moment.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let Books { statistics, tickets, reservations, breaks, fixes, resends, nonces, rounds } = &*self.books;
        let now = self.clock.now();
        let shown = statistics.read();
        let [begun, redeemed, silent] = &statistics.fixes;
        let (tickets, (resends_kept, resends)) = (tickets.tally(now), resends.tally());
        let (nonces_kept, nonces) = nonces.tally();
        let (integrity_rounds, last) = rounds.read();
        let (numbers, pages) = reservations.lock(now).count();
        Figures {
            coins_powned: shown.coins_powned,
            value_powned: shown.value_powned,
            tickets_live: tickets.live,
            tickets_issued: tickets.issued,
            tickets_redeemed: tickets.redeemed,
            fixes_running: fixes.inside() as u64,
            fixes: begun.get(),
            fix_ballots: redeemed.get(),
            fix_ballots_missing: silent.get(),
            reserved_numbers: numbers as u64,
            reserved_pages: pages as u64,
            break_addresses: breaks.addresses() as u64,
            resends_kept: resends_kept as u64,
            resends: resends.repeated,
            resends_awaited: resends.came_early,
            resends_evicted: resends.evicted,
            nonces_kept: nonces_kept as u64,
            nonces_repeated: nonces.repeated,
            nonces_awaited: nonces.came_early,
            nonces_refused: nonces.refused,
            nonces_evicted: nonces.evicted,
            integrity_rounds,
            integrity_pages_differing: last.differing,
            integrity_pages_healed: last.healed,
            integrity_peers_silent: last.silent,
            integrity_last_round_seconds: last.ended,
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No tickets: whoever has the number of one may redeem it.
        f.debug_struct("Observer").field("figures", &self.figures()).finish_non_exhaustive()
    }
}
