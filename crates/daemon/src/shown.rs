//! What the node shows of itself, from the configuration.

use std::collections::BTreeMap;

use raida_config::limits::DescriptorPlan;
use raida_config::{Config, Limits};
use raida_monitor::{Facts, Settings};

use crate::settings;

/// What does not change while the node runs.
#[must_use]
pub fn facts(config: &Config, addresses: &str, workers: usize) -> Facts {
    Facts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        raida_id: config.server.raida_id,
        coin_id: config.server.coin_id,
        backend: config.network.backend.as_str(),
        addresses: addresses.split(',').map(str::to_owned).collect(),
        workers: workers as u64,
    }
}

/// Bounds on those who ask.
#[must_use]
pub fn monitor(config: &Config) -> Settings {
    Settings { request: config.monitor.request, listed_max: config.monitor.listed_max.get() }
}

/// Bounds on the node, by the names of their keys.
pub(crate) fn limits(config: &Config, plan: &DescriptorPlan) -> BTreeMap<String, u64> {
    let Limits { connections_per_source_max, buffers_max, udp_in_flight_max, .. } = config.limits;
    let commands = &config.commands;
    let limits = [
        ("connections_max", u64::from(plan.connections_max)),
        ("connections_per_source_max", u64::from(connections_per_source_max.get())),
        ("connections_per_network_max", u64::from(settings::per_network(config, plan))),
        ("buffers_bytes_max", buffers_max as u64),
        ("udp_in_flight_max", udp_in_flight_max as u64),
        ("completions_max", config.workers.completions_max.get() as u64),
        ("batch_queue_max", config.workers.batch_queue_max.get() as u64),
        ("batch_max", config.workers.batch_max.get() as u64),
        ("queue_max", config.workers.queue_max.get() as u64),
        ("reservations_max", commands.reservations_max as u64),
        ("resends_max", commands.resends_max as u64),
        ("nonces_max", commands.nonces_max as u64),
        ("fixes_max", config.peers.fixes_max.get() as u64),
        ("cache_pages", config.store.cache_pages as u64),
    ];
    limits.into_iter().map(|(name, limit)| (name.to_owned(), limit)).collect()
}
