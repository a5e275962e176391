//! The reactors, from the configuration.

use std::ops::Div;
use std::sync::Arc;

use raida_config::Config;
use raida_config::limits::DescriptorPlan;
use raida_conn::Policy;
use raida_epoll::Epoll;
use raida_reactor::clock::SystemClock;
use raida_reactor::counters::Counters;
use raida_reactor::service::Service;
use raida_reactor::workers::WorkerPool;
use raida_reactor::{Reactor, Settings};
use raida_wire::Rules;

/// One reactor for each backend, all with the same service, workers and clock.
pub(crate) fn assemble<S: Service>(
    config: &Config,
    plan: &DescriptorPlan,
    backends: Vec<Epoll>,
    service: &Arc<S>,
    pool: &Arc<WorkerPool>,
    counters: &[Arc<Counters>],
) -> Vec<Reactor<Epoll, S, SystemClock>> {
    let clock = SystemClock::new();
    let settings = settings(config, plan);
    let assemble = |(backend, counters): (Epoll, &Arc<Counters>)| {
        let (service, pool, counters) = (Arc::clone(service), Arc::clone(pool), Arc::clone(counters));
        Reactor::new(backend, service, clock, settings.clone(), pool, counters)
    };
    backends.into_iter().zip(counters).map(assemble).collect()
}

/// What the worker pool is told.
pub(crate) fn workers(config: &Config) -> raida_workers::Config {
    raida_workers::Config {
        threads: config.server.threads,
        queue_capacity: config.workers.queue_max.get(),
        name_prefix: "raida-work".to_owned(),
        pin: config.workers.pin,
    }
}

/// One reactor's part of a bound on all of them.
pub(crate) fn share<T: Div<Output = T> + TryFrom<usize>>(bound: T, config: &Config) -> T {
    match T::try_from(config.network.reactors.get()) {
        Ok(reactors) => bound / reactors,
        Err(_) => bound,
    }
}

/// What each reactor is told.
fn settings(config: &Config, plan: &DescriptorPlan) -> Settings {
    let (limits, timeouts) = (&config.limits, &config.timeouts);
    Settings {
        policy: policy(config),
        connections_max: share(plan.connections_max, config).max(1),
        source_connections_max: share(limits.connections_per_source_max.get(), config).max(1),
        source_places: limits.sources_max.get(),
        loopback_exempt: limits.loopback_exempt,
        buffer_octets_max: share(limits.buffers_max, config),
        completions_max: config.workers.completions_max.get(),
        wait_for_worker: timeouts.queue,
        datagrams_in_flight_max: share(limits.udp_in_flight_max, config),
        datagram_octets_max: config.server.udp_payload_max,
        wait_max: config.network.wait,
        completions_per_turn: config.network.events_per_turn_max.get(),
        drain: timeouts.drain,
    }
}

fn policy(config: &Config) -> Policy {
    let (server, limits, timeouts) = (&config.server, &config.limits, &config.timeouts);
    Policy {
        rules: Rules { raida_id: server.raida_id, coin_id: server.coin_id, body_max: limits.body_max },
        progress: timeouts.progress,
        request: timeouts.request,
        write_progress: timeouts.write_progress,
        write: timeouts.write,
        linger: timeouts.linger,
        linger_octets: limits.linger_octets,
        requests_max: limits.requests_per_connection_max.get(),
        idle: timeouts.idle,
    }
}
