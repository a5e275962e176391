//! What each part is told, from the configuration. Bounds on the whole node are shared out among its reactors.

use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::Div;
use std::thread::available_parallelism;

use raida_config::limits::DescriptorPlan;
use raida_config::{Config, Timeouts};
use raida_reactor::bucket::Rate;
use raida_reactor::buffer::LARGE;
use raida_reactor::{Policy, Settings};
use raida_sockets::{Keepalive, Setup};
use raida_wire::Rules;

/// What each reactor has for buffers at least: a few of the longest requests are being read, and others answered.
const BUFFERS_MIN: usize = 4 * LARGE;

/// For the backends.
#[must_use]
pub fn backend(config: &Config, plan: &DescriptorPlan) -> Setup {
    let network = &config.network;
    let (idle, interval) = (network.keepalive_idle, network.keepalive_interval);
    Setup {
        addresses: config.listen_addresses(),
        backlog: network.backlog.get(),
        keepalive: Some(Keepalive { idle, interval, probes: network.keepalive_probes.get() }),
        send_buffer: None,
        connections_max: share(plan.connections_max, config).max(1),
        events_max: network.events_max.get(),
        datagram_limit: config.server.udp_payload_max,
        datagram_batch: network.udp_batch.get(),
        datagram_receive_buffer: network.udp_receive_buffer,
    }
}

/// For the reactors.
#[must_use]
pub fn reactor(config: &Config, plan: &DescriptorPlan) -> Settings {
    let (limits, timeouts) = (&config.limits, &config.timeouts);
    Settings {
        policy: policy(config),
        connections_max: share(plan.connections_max, config).max(1),
        source_connections_max: share(limits.connections_per_source_max.get(), config).max(1),
        network_connections_max: share(per_network(config, plan), config).max(1),
        source_requests: rate(limits.requests_per_source_max, config),
        source_buffer_octets_max: share(limits.buffers_per_source_max, config).max(LARGE),
        source_datagrams: rate(limits.datagrams_per_source_max, config),
        source_votes: rate(limits.votes_per_source_max, config),
        datagram_slip: limits.udp_slip,
        source_places: limits.sources_max.get(),
        loopback_exempt: limits.loopback_exempt,
        buffer_octets_max: share(limits.buffers_max, config).max(BUFFERS_MIN),
        completions_max: config.workers.completions_max.get(),
        wait_for_worker: timeouts.queue,
        datagrams_in_flight_max: share(limits.udp_in_flight_max, config).max(limits.udp_in_flight_max.min(1)),
        datagram_octets_max: config.server.udp_payload_max,
        wait_max: config.network.wait,
        completions_per_turn: config.network.events_per_turn_max.get(),
        inline_octets_per_turn: limits.inline_max,
        drain: timeouts.drain,
    }
}

/// Connections that one network of many sources may hold: at least as many as one source may.
pub(crate) fn per_network(config: &Config, plan: &DescriptorPlan) -> u32 {
    let limits = &config.limits;
    let share = u64::from(plan.connections_max) * u64::from(limits.connections_per_network_percent) / 100;
    u32::try_from(share).unwrap_or(u32::MAX).max(limits.connections_per_source_max.get())
}

/// One reactor's part of a rate; none where there is no limit.
fn rate(per_second: u32, config: &Config) -> Option<Rate> {
    let per_second = NonZeroU32::new(per_second)?;
    Some(Rate::new(NonZeroU32::new(share(per_second.get(), config)).unwrap_or(NonZeroU32::MIN)))
}

/// For the connections.
fn policy(config: &Config) -> Policy {
    let (server, limits) = (&config.server, &config.limits);
    let rules = Rules { raida_id: server.raida_id, coin_id: server.coin_id, body_max: limits.body_max };
    let Timeouts { progress, request, write_progress, write, linger, idle, .. } = config.timeouts;
    let (linger_octets, requests_max) = (limits.linger_octets, limits.requests_per_connection_max.get());
    Policy { rules, progress, request, write_progress, write, linger, linger_octets, requests_max, idle }
}

/// For the worker pool. A Fix that waits for other nodes keeps its worker: for each that may, there is one more.
#[must_use]
pub fn workers(config: &Config) -> raida_workers::Config {
    let (server, queue_capacity) = (&config.server, config.workers.queue_max.get());
    let own = if server.threads > 0 { server.threads } else { available_parallelism().map_or(1, NonZeroUsize::get) };
    let waiting = if server.raida_servers.is_empty() { 0 } else { config.peers.fixes_max.get() };
    let threads = (own + waiting).min(raida_workers::Config::THREADS_MAX);
    let name_prefix = "raida-work".to_owned();
    raida_workers::Config { threads, queue_capacity, name_prefix, pin: config.workers.pin, nice: WORKERS_NICE }
}

/// Where processors are short, echoes, votes and connections go before what takes long.
const WORKERS_NICE: u8 = 5;

/// For the batcher.
#[must_use]
pub fn batcher(config: &Config) -> raida_workers::BatcherConfig {
    let (queue_capacity, batch_max) = (config.workers.batch_queue_max.get(), config.workers.batch_max.get());
    raida_workers::BatcherConfig { queue_capacity, batch_max, name: "raida-batch".to_owned() }
}

/// One reactor's part.
fn share<T: Div<Output = T> + TryFrom<usize> + Copy>(bound: T, config: &Config) -> T {
    T::try_from(config.network.reactors.get()).map_or(bound, |reactors| bound / reactors)
}

#[cfg(test)]
mod tests {
    use raida_config::{Sources, limits};

    use super::*;

    fn settings(reactors: &str, in_flight: &str) -> Settings {
        let variable = |name: &str, value: &str| (name.into(), value.into());
        let environment = vec![
            variable("RAIDA_NETWORK__REACTORS", reactors),
            variable("RAIDA_LIMITS__BUFFERS_BYTES_MAX", "1048576"),
            variable("RAIDA_LIMITS__UDP_IN_FLIGHT_MAX", in_flight),
        ];
        let config = Config::load(&Sources { environment, ..Sources::default() }).unwrap().config;
        reactor(&config, &limits::derive(u64::MAX, &config).unwrap())
    }

    #[test]
    fn fixes_that_wait_for_other_nodes_leave_every_worker_to_the_others() {
        let mut config = Config::load(&Sources::default()).unwrap().config;
        config.server.threads = 1;
        assert_eq!(workers(&config).threads, 1, "without other nodes nobody waits");
        config.server.raida_servers = vec!["192.0.2.1:50000".parse().unwrap(); 25];
        assert_eq!(workers(&config).threads, 1 + config.peers.fixes_max.get());
    }

    #[test]
    fn a_network_may_hold_a_share_of_all_places_and_never_less_than_a_source() {
        let mut config = Config::load(&Sources::default()).unwrap().config;
        let plan = limits::derive(u64::MAX, &config).unwrap();
        assert_eq!(per_network(&config, &plan), 16_383, "a quarter of 65 535");
        let few = DescriptorPlan { connections_max: 900, ..plan };
        assert_eq!(per_network(&config, &few), 1024);
        config.limits.connections_per_source_max = NonZeroU32::MIN;
        assert_eq!(per_network(&config, &few), 225);
        config.limits.connections_per_network_percent = 100;
        assert_eq!(per_network(&config, &few), 900, "no limit");
        assert_eq!(reactor(&config, &few).network_connections_max, 900);
    }

    #[test]
    fn a_share_of_little_is_still_enough_to_serve_with() {
        let alone = settings("1", "3");
        assert_eq!((alone.buffer_octets_max, alone.datagrams_in_flight_max), (1_048_576, 3));
        let one_of_many = settings("64", "3");
        assert_eq!((one_of_many.buffer_octets_max, one_of_many.datagrams_in_flight_max), (262_656, 1));
        assert_eq!(settings("64", "0").datagrams_in_flight_max, 0, "none is none");
    }
}
