//! How many connections a process may have, from how many descriptors it may have.

use std::fmt;

use crate::key::NODES;
use crate::tables::{Config, Server};

/// What the descriptors of a process are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorPlan {
    /// Connections open at once, over all I/O threads: at least 1, never more than `limits.connections_max`.
    pub connections_max: u32,
    /// Descriptors kept back for sockets, threads, store and the standard streams.
    pub reserved: u64,
    /// `RLIMIT_NOFILE`.
    pub descriptors: u64,
    /// `limits.connections_max`.
    pub configured: u32,
}

/// So few descriptors that not even one connection is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewDescriptors {
    /// `RLIMIT_NOFILE`.
    pub descriptors: u64,
    /// Descriptors that the node needs before its first connection.
    pub reserved: u64,
}

/// Shares out `rlimit_nofile` descriptors, the soft `RLIMIT_NOFILE` of the process (`u64::MAX`: no limit).
///
/// # Errors
///
/// Where nothing is left for connections.
///
/// ```
/// use raida_config::{Config, Sources, limits};
///
/// let loaded = Config::load(&Sources::default()).unwrap();
/// let plan = limits::derive(1024, &loaded.config).unwrap();
/// assert!(plan.connections_max < 1024);
/// assert!(plan.to_string().contains("RLIMIT_NOFILE is 1024"));
/// ```
pub fn derive(rlimit_nofile: u64, config: &Config) -> Result<DescriptorPlan, TooFewDescriptors> {
    let reserved = reserved(config);
    let left = rlimit_nofile.saturating_sub(reserved);
    if left == 0 {
        return Err(TooFewDescriptors { descriptors: rlimit_nofile, reserved });
    }
    let configured = config.limits.connections_max.get();
    let connections_max = u32::try_from(left).unwrap_or(u32::MAX).min(configured);
    Ok(DescriptorPlan { connections_max, reserved, descriptors: rlimit_nofile, configured })
}

impl DescriptorPlan {
    /// Whether the process limit allows fewer connections than the configuration.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.connections_max < self.configured
    }
}

fn reserved(config: &Config) -> u64 {
    let addresses = config.listen_addresses().len();
    // Each I/O thread: a TCP and a UDP socket per address, the kernel's event queue, its waker, the reserve descriptor.
    let io_thread = 2 * addresses + 3;
    let sockets = config.network.reactors.get() * io_thread + others(config);
    u64::try_from(sockets).unwrap_or(u64::MAX).saturating_add(STANDING)
}

/// Sockets to other nodes: one each for every Fix, and for an integrity round.
fn others(config: &Config) -> usize {
    let Server { raida_servers, synchronization_enabled, .. } = &config.server;
    let fixes = if raida_servers.is_empty() { 0 } else { config.peers.fixes_max.get() };
    (fixes + usize::from(*synchronization_enabled)) * (NODES - 1)
}

/// Standard streams, signals, log and service manager (8), store (8), spare (48).
const STANDING: u64 = 64;

/// A sentence for the log.
impl fmt::Display for DescriptorPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections_max, reserved, descriptors, configured } = self;
        if self.is_limited() {
            write!(
                f,
                "connections limited to {connections_max} (limits.connections_max is {configured}): RLIMIT_NOFILE is \
                 {descriptors}, of which {reserved} are kept back"
            )
        } else {
            write!(f, "up to {connections_max} connections, as limits.connections_max says")
        }
    }
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RLIMIT_NOFILE is {}, expected at least {}", self.descriptors, self.reserved.saturating_add(1))
    }
}

impl std::error::Error for TooFewDescriptors {}
