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
/// Threads beside I/O threads and workers: main, batch, log and its sweeper, watchdog, caretaker of the store, reading of
/// names, integrity.
const OTHER_THREADS: u64 = 8;
/// At each address of the monitor one that listens, and eight that answer.
const MONITOR_THREADS: u64 = 9;
/// The stack of a thread that asks another node.
const PEER_STACK: u64 = 256 << 10;
/// The other nodes of the network. Of each, every Fix has a thread that asks, and one may be left from a Fix before it that
/// did not wait; so it is with an integrity round.
const PEER_THREADS: u64 = 2 * 24;
/// What a backend keeps of a connection, its place among the ready ones included.
const BACKEND_SLOT: u64 = 128;
/// A kernel event.
const EVENT: u64 = 16;
/// What a datagram carries beside its octets: addresses, control data, vectors.
const ENVELOPE: u64 = 512;
/// A page of coins in memory, with its part of the trees.
const PAGE: u64 = 17_664 + 2 * 64;
const LOCKER: u64 = 50;
/// A number that is kept for change, alone of its call and its address.
const RESERVATION: u64 = 256;
/// One bit for each number that may be kept.
const RESERVABLE: u64 = 1_920_000;
/// Beside the answer: its key, three times, and its source.
const RESEND: u64 = 1024;
/// Digests of key and request, the nonce, the name of the key, an answer of 256 octets, and the places of all of these.
const NONCE: u64 = 1536;
/// All tickets, each with as many coins as a request can name.
const TICKETS: u64 = 512 * (3119 * 8 + 256);
/// Addresses that have broken coins.
const BREAKERS: u64 = 32_768;
/// An address among at most twice as many places, one more place while room is made for others, and the list of its calls.
const BREAKER: u64 = 2 * 57 + 40 + 2 * ALLOCATION;
/// What an allocator adds to an allocation.
const ALLOCATION: u64 = 16;
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
        let calls = match commands.breaks_max as u64 {
            0 => 0,
            // A list that has grown by half of its places leaves the former ones to the allocator.
            most => most.next_power_of_two().max(4) * 8 * 3 / 2,
        };
        let stacks = STACK * (reactors + workers.threads as u64 + others(config)) + PEER_STACK * askers(config);
        let more = [
            ("backend", reactors.saturating_mul(backend)),
            ("datagrams", reactors * setup.addresses.len() as u64 * setup.datagram_batch as u64 * datagram),
            ("queues", job * (waiting + batched + 2 * batch)),
            ("stacks", stacks),
            ("resends", commands.resends_max as u64 * (config.server.udp_payload_max as u64 + RESEND)),
            ("nonces", commands.nonces_max as u64 * NONCE),
            ("tickets", TICKETS),
            ("reservations", RESERVABLE + commands.reservations_max as u64 * RESERVATION),
            ("breaks", BREAKERS * (BREAKER + calls)),
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

/// Threads beside I/O threads, workers, and those that ask other nodes.
fn others(config: &Config) -> u64 {
    OTHER_THREADS + MONITOR_THREADS * config.monitor.listen.len() as u64
}

/// Threads that ask other nodes.
fn askers(config: &Config) -> u64 {
    let fixes = if config.server.raida_servers.is_empty() { 0 } else { config.peers.fixes_max.get() as u64 };
    PEER_THREADS * (fixes + u64::from(config.server.synchronization_enabled))
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
    use std::collections::{HashMap, VecDeque};
    use std::net::{IpAddr, Ipv4Addr};

    use raida_config::{Sources, limits};
    use raida_reactor::Instant;

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

    fn part(config: &Config, plan: &DescriptorPlan, name: &str) -> u64 {
        let budget = Budget::of(config, plan);
        budget.parts().iter().find(|part| part.name == name).unwrap().octets
    }

    #[test]
    fn every_call_of_every_address_that_breaks_coins_is_in_it() {
        let (mut config, plan) = config(0);
        for most in [1, 30, 33] {
            config.commands.breaks_max = most;
            let mut callers = HashMap::<IpAddr, VecDeque<Instant>>::new();
            for call in 0..most as u64 * BREAKERS {
                let from = Ipv4Addr::from_bits(u32::try_from(call % BREAKERS).unwrap());
                callers.entry(from.into()).or_default().push_back(Instant::from_micros(call));
            }
            let places = callers.capacity() * (1 + size_of::<(IpAddr, VecDeque<Instant>)>());
            let calls: usize = callers.values().map(|calls| 16 + calls.capacity() * size_of::<Instant>()).sum();
            let held = (places + calls) as u64;
            let told = part(&config, &plan, "breaks");
            assert!((held..3 * held).contains(&told), "{told} for {held}");
        }
    }

    #[test]
    fn every_thread_that_asks_another_node_has_its_stack_in_it() {
        let (mut config, plan) = config(0);
        let of_a_loner = part(&config, &plan, "stacks");
        config.server.synchronization_enabled = true;
        let of_an_observer = part(&config, &plan, "stacks");
        assert_eq!(of_an_observer - of_a_loner, 48 * (256 << 10));
        config.server.raida_servers = vec!["192.0.2.1:50000".parse().unwrap(); 25];
        config.peers.fixes_max = 3.try_into().unwrap();
        let workers = 3 * STACK;
        assert_eq!(part(&config, &plan, "stacks") - of_an_observer, workers + 3 * 48 * (256 << 10));
        config.monitor.listen = vec!["127.0.0.1:1".parse().unwrap()];
        assert_eq!(part(&config, &plan, "stacks") - of_an_observer, workers + 3 * 48 * (256 << 10) + 9 * STACK);
    }

    #[test]
    fn the_line_names_every_part() {
        let (config, plan) = config(0);
        let budget = Budget::of(&config, &plan);
        let line = budget.to_string();
        assert!(budget.parts().iter().all(|part| line.contains(&format!(" {}=", part.name))), "{line}");
    }
}
