//! How much memory the node may come to take: the sum of its bounds, told at start and kept under a maximum.

use std::fmt;

use raida_config::Config;
use raida_config::limits::DescriptorPlan;
use raida_reactor::Part;
use raida_reactor::buffer::SMALL;
use raida_reactor::workers::Job;

use crate::settings;

/// The sum of all bounds, part by part. What the kernel keeps for sockets and files is its own and not in it.
///
/// The display is one line: the sum, then every part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    parts: Vec<Part>,
}

/// Less memory than the node takes before its first connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLittleMemory {
    /// `limits.memory_bytes_max`.
    pub found: u64,
    /// What has to be there at least, in octets.
    pub expected: u64,
}

/// The stack that a thread may grow to, in octets.
const STACK: u64 = 2 << 20;
/// Threads beside I/O threads and workers: main, batch, log, monitor and eight for its answers, watchdog, reading of names.
const OTHER_THREADS: u64 = 14;
/// What a backend keeps of a connection, its place among the ready ones included.
const BACKEND_SLOT: u64 = 128;
/// A kernel event.
const EVENT: u64 = 16;
/// What a datagram carries beside its octets: addresses, control data, vectors.
const ENVELOPE: u64 = 512;
/// A page of coins in memory, with its part of the trees.
const PAGE: u64 = 17_664 + 2 * 64;
const LOCKER: u64 = 50;
const RESERVATION: u64 = 100;
/// Beside the answer: its key, three times, and its source.
const RESEND: u64 = 1024;
/// Digests of key and request, the nonce, the name of the key, an answer of 256 octets, and the places of all of these.
const NONCE: u64 = 1536;
/// Addresses that have broken coins, each with its calls.
const BREAKERS: u64 = 32_768 * 64;
/// The program itself, its allocator, and what is small and has no bound of its own.
const PROGRAM: u64 = 48 << 20;

impl Budget {
    /// For a node with so many connections as `plan` says.
    #[must_use]
    pub fn of(config: &Config, plan: &DescriptorPlan) -> Self {
        let settings = settings::reactor(config, plan);
        let setup = settings::backend(config, plan);
        let (workers, batcher) = (settings::workers(config), settings::batcher(config));
        let reactors = config.network.reactors.get() as u64;
        let parts =
            settings.footprint().map(|Part { name, octets }| Part { name, octets: octets.saturating_mul(reactors) });
        let job = size_of::<Job>() as u64;
        let waiting = workers.threads as u64 * workers.queue_capacity as u64;
        let (batched, batch) = (batcher.queue_capacity as u64, batcher.batch_max as u64);
        let datagram = 2 * setup.datagram_limit.max(SMALL) as u64 + ENVELOPE;
        let backend = u64::from(setup.connections_max) * BACKEND_SLOT + setup.events_max as u64 * EVENT;
        let (commands, store) = (&config.commands, &config.store);
        let breakers = BREAKERS + commands.breaks_max as u64 * 8 * 1024;
        let more = [
            ("backend", reactors.saturating_mul(backend)),
            ("datagrams", reactors * setup.addresses.len() as u64 * setup.datagram_batch as u64 * datagram),
            ("queues", job * (waiting + batched + 2 * batch)),
            ("stacks", STACK * (reactors + workers.threads as u64 + OTHER_THREADS)),
            ("resends", commands.resends_max as u64 * (config.server.udp_payload_max as u64 + RESEND)),
            ("nonces", commands.nonces_max as u64 * NONCE),
            ("reservations", commands.reservations_max as u64 * RESERVATION),
            ("breaks", breakers),
            ("coins", store.cache_pages as u64 * PAGE),
            ("lockers", store.lockers_max as u64 * LOCKER),
            ("database", store.database_cache as u64),
            ("program", PROGRAM),
        ];
        let more = more.map(|(name, octets)| Part { name, octets });
        Self { parts: parts.into_iter().chain(more).collect() }
    }

    /// Lowers the connections of `plan` until everything fits into `limits.memory_bytes_max`, where that is set.
    ///
    /// # Errors
    ///
    /// Where not even one connection fits.
    pub fn fit(config: &Config, mut plan: DescriptorPlan) -> Result<(DescriptorPlan, Self), TooLittleMemory> {
        let max = config.limits.memory_max as u64;
        let with = |connections| DescriptorPlan { connections_max: connections, ..plan };
        let is_over = |connections| max > 0 && Self::of(config, &with(connections)).sum() > max;
        if is_over(plan.connections_max) {
            if is_over(1) {
                return Err(TooLittleMemory { found: max, expected: Self::of(config, &with(1)).sum() });
            }
            let (mut fits, mut over) = (1, plan.connections_max);
            while over - fits > 1 {
                let middle = fits + (over - fits) / 2;
                if is_over(middle) { over = middle } else { fits = middle }
            }
            plan.connections_max = fits;
        }
        Ok((plan, Self::of(config, &plan)))
    }

    /// Every part by its name.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// All parts together, in octets.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.octets))
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory budget {} MiB:", mebibytes(self.sum()))?;
        self.parts.iter().try_for_each(|Part { name, octets }| write!(f, " {name}={}", mebibytes(*octets)))
    }
}

impl fmt::Display for TooLittleMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limits.memory_bytes_max is {}, expected at least {}", self.found, self.expected)
    }
}

impl std::error::Error for TooLittleMemory {}

const fn mebibytes(octets: u64) -> u64 {
    octets.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use raida_config::{Sources, limits};

    use super::*;

    fn config(memory_max: u64) -> (Config, DescriptorPlan) {
        let environment = vec![("RAIDA_LIMITS__MEMORY_BYTES_MAX".into(), memory_max.to_string().into())];
        let config = Config::load(&Sources { environment, ..Sources::default() }).unwrap().config;
        let plan = limits::derive(u64::MAX, &config).unwrap();
        (config, plan)
    }

    #[test]
    fn a_maximum_lowers_the_connections_and_nothing_else() {
        let (free, plan) = config(0);
        let (unchanged, budget) = Budget::fit(&free, plan).unwrap();
        assert_eq!((unchanged, budget.sum()), (plan, Budget::of(&free, &plan).sum()));
        let max = budget.sum() - (10 << 20);
        let (tight, plan) = config(max);
        let (lowered, budget) = Budget::fit(&tight, plan).unwrap();
        assert!(lowered.connections_max < plan.connections_max && budget.sum() <= max);
        let one_more = DescriptorPlan { connections_max: lowered.connections_max + 1, ..lowered };
        assert!(Budget::of(&tight, &one_more).sum() > max);
        assert_eq!(DescriptorPlan { connections_max: plan.connections_max, ..lowered }, plan);
    }

    #[test]
    fn where_nothing_fits_the_error_names_both_numbers() {
        let (config, plan) = config(1 << 20);
        let error = Budget::fit(&config, plan).unwrap_err();
        assert_eq!(error.found, 1 << 20);
        assert!(error.to_string().contains(&error.expected.to_string()), "{error}");
    }

    #[test]
    fn the_line_names_every_part() {
        let (config, plan) = config(0);
        let budget = Budget::of(&config, &plan);
        let line = budget.to_string();
        assert!(budget.parts().iter().all(|part| line.contains(&format!(" {}=", part.name))), "{line}");
    }
}
