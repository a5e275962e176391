//! What can happen to a node, and when it is told to stop.

use raida_reactor::Instant;

use super::life::Life;
use crate::client::{Client, ClientId};
use crate::dice::Dice;

/// What happens to the node, by the numbers of calls that no client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Burst,
    Jump,
    Stop,
    Crash,
    BreakDisk,
    Mend,
    Start,
    Look,
    Tick,
}

impl Fate {
    pub(crate) const ALL: [Self; 9] = [
        Self::Burst,
        Self::Jump,
        Self::Stop,
        Self::Crash,
        Self::BreakDisk,
        Self::Mend,
        Self::Start,
        Self::Look,
        Self::Tick,
    ];
    /// The first number that is no client's.
    const FIRST: u64 = 1 << 32;

    /// The call that stands for it.
    pub(crate) fn number(self) -> u64 {
        Self::FIRST + Self::ALL.iter().position(|known| *known == self).unwrap_or(0) as u64
    }

    /// What a call stands for; `None`: it is a client's.
    pub(crate) fn of(number: u64) -> Option<Self> {
        let place = usize::try_from(number.checked_sub(Self::FIRST)?).ok()?;
        Self::ALL.get(place).copied()
    }
}

/// A stop that waits for somebody to ask: at most moments nobody is half-way, and those are not the ones that matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ambush {
    moment: Moment,
    /// It waits no longer.
    pub(crate) until: Instant,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Octets of it are in the node's kernel.
    Unheard,
    /// The node has received octets of it.
    Heard,
    /// It is with other threads, or waits for them.
    Working,
}

impl Ambush {
    pub(crate) fn new(dice: &mut Dice, until: Instant) -> Self {
        let moments = [Moment::Unheard, Moment::Heard, Moment::Working];
        Self { moment: moments.get(dice.index(3)).copied().unwrap_or(Moment::Heard), until }
    }

    /// Whether the moment has come, as these honest clients are.
    pub(crate) fn is_due<'c>(&self, life: &Life, mut clients: impl Iterator<Item = &'c ClientId>) -> bool {
        let sim = life.reactor.backend();
        let mut any = |is: fn(&Client) -> bool| clients.any(|id| sim.known(*id).is_some_and(is));
        match self.moment {
            Moment::Unheard => any(|client| client.is_unheard() && !client.is_closed_by_node()),
            Moment::Heard => any(|client| client.taken_by_node() > 0 && !client.is_closed_by_node()),
            Moment::Working => life.counters.in_flight.get() + life.counters.waiting.get() > 0,
        }
    }
}
