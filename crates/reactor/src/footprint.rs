//! How much memory a reactor may come to take, part by part.

use crate::buffer::Buffer;
use crate::buffer_pool::TINY;
use crate::connection_limits::ConnectionLimits;
use crate::datagram_limits::DatagramLimits;
use crate::flights::Flight;
use crate::link::{Link, Parked};
use crate::settings::Settings;
use crate::workers::Finished;

/// One part of what a node may come to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is for.
    pub name: &'static str,
    /// How much it is at most, in octets.
    pub octets: u64,
}

impl Settings {
    /// The memory of one reactor when everything in it is used up to its bound, the backend's own aside.
    ///
    /// Answers that have outgrown their buffers are within it once they come back from their workers. Those of changes made
    /// together may pass it, each for as long as it is being sent: no further buffer is handed out meanwhile.
    #[must_use]
    pub fn footprint(&self) -> [Part; 5] {
        let part = |name, octets: usize| Part { name, octets: octets as u64 };
        let connections = self.connections_max as usize;
        // Two roads: results that arrive, results that are being handed out, and what is known of each meanwhile.
        let completion = 2 * size_of::<Finished>() + size_of::<Flight>() + PLACE;
        [
            part("connections", connections.saturating_mul(SLOT)),
            part("buffers", self.buffer_octets_max),
            part("refusals", connections.saturating_mul(TINY + ALLOCATION + size_of::<Buffer>())),
            part(
                "sources",
                ConnectionLimits::footprint(self.source_places) + DatagramLimits::footprint(self.source_places),
            ),
            part("completions", 2 * self.completions_max.saturating_mul(completion)),
        ]
    }
}

/// A slot with its generation and its mark, its deadline, its place in a line, and the request that waits there.
pub(crate) const SLOT: usize = size_of::<Link>()
    + 2 * size_of::<u32>()
    + 3 * size_of::<u64>()
    + 2 * size_of::<u32>()
    + size_of::<Parked>()
    + ALLOCATION;

/// A claim, a place in the line, and one among the free.
const PLACE: usize = 1 + 3 * size_of::<u32>();

/// What an allocator adds to an allocation.
const ALLOCATION: usize = 16;

#[cfg(test)]
mod tests {
    use raida_conn::Policy;

    use super::*;
    use crate::testing::RULES;

    #[test]
    fn every_bound_is_in_it() {
        let usual = Settings::new(Policy::new(RULES));
        let sum = |settings: &Settings| settings.footprint().iter().map(|part| part.octets).sum::<u64>();
        for more in [
            Settings { connections_max: 2 * usual.connections_max, ..usual.clone() },
            Settings { buffer_octets_max: 2 * usual.buffer_octets_max, ..usual.clone() },
            Settings { source_places: 2 * usual.source_places, ..usual.clone() },
            Settings { completions_max: 2 * usual.completions_max, ..usual.clone() },
        ] {
            assert!(sum(&more) > sum(&usual));
        }
    }
}
