//! What a node's process uses: descriptors, processor time, memory. Read from /proc.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::wait_until;

/// So long nothing changes where nothing happens.
const REST: Duration = Duration::from_millis(50);

/// How many descriptors it has open. Linux 6.2 and later keep count; to look at ten thousand takes milliseconds of a processor
/// that the node may need.
#[must_use]
pub fn descriptors(pid: Pid) -> usize {
    let folder = format!("/proc/{}/fd", pid.as_raw_nonzero());
    match fs::metadata(&folder).unwrap().len() {
        0 => fs::read_dir(folder).unwrap().count(),
        count => count.try_into().unwrap(),
    }
}

/// How many it has open while nothing happens. A call that may open something takes a number before it knows whether it
/// will, an accept that finds nobody too: one look may count what is gone at the next.
///
/// # Panics
///
/// When the number is never the same for 50 ms within [`PATIENCE`](crate::PATIENCE).
#[must_use]
pub fn descriptors_at_rest(pid: Pid) -> usize {
    let (mut count, mut since) = (descriptors(pid), Instant::now());
    wait_until("its descriptors are at rest", || {
        let now = descriptors(pid);
        if now != count {
            (count, since) = (now, Instant::now());
        }
        since.elapsed() >= REST
    });
    count
}

/// The highest number that one of its descriptors has.
#[must_use]
pub fn highest_descriptor(pid: Pid) -> u64 {
    let open = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).unwrap();
    open.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).max().unwrap()
}

/// How many descriptors it may have open.
#[must_use]
pub fn descriptors_max(pid: Pid) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Lowers, or raises again, how many descriptors it may have open from now on.
pub fn limit_descriptors(pid: Pid, most: u64) {
    let limit = Rlimit { current: Some(most), maximum: rustix::process::getrlimit(Resource::Nofile).maximum };
    prlimit(Some(pid), Resource::Nofile, limit).unwrap();
}

/// How many threads it has.
#[must_use]
pub fn threads(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).unwrap().count()
}

/// How much processor time it has used.
#[must_use]
pub fn processor_time(pid: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let ticks: u64 = behind_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// How much memory it holds, in octets.
#[must_use]
pub fn resident_memory(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Lets this process open as many descriptors as the system allows it, and says how many these are.
pub fn raise_own_descriptor_limit() -> u64 {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(Resource::Nofile, raised).unwrap();
    limit.maximum.unwrap_or(u64::MAX)
}

/// What the tests of one file need at once, for clients and for all else.
const DESCRIPTORS_TOGETHER: u64 = 12_000;

/// How many of so many clients a test can be with the descriptors that the system allows this process: all, or its part.
#[must_use]
pub fn room_for_clients(wanted: u32) -> u32 {
    let allowed = raise_own_descriptor_limit().min(DESCRIPTORS_TOGETHER);
    let clients = u32::try_from(u64::from(wanted) * allowed / DESCRIPTORS_TOGETHER).unwrap();
    if clients < wanted {
        eprintln!("{clients} clients instead of {wanted}: the system allows this process {allowed} descriptors");
    }
    clients
}

/// How many datagrams to this port the kernel has thrown away because nobody fetched them in time.
///
/// # Panics
///
/// When there is no such socket.
#[must_use]
pub fn datagrams_dropped(port: u16) -> u64 {
    let sockets = fs::read_to_string("/proc/net/udp").unwrap();
    let local = format!(":{port:04X}");
    let line = sockets.lines().find(|line| line.split_whitespace().nth(1).is_some_and(|at| at.ends_with(&local)));
    line.expect("a bound socket").split_whitespace().next_back().unwrap().parse().unwrap()
}

/// The largest receive buffer that a datagram socket may ask for, in octets.
#[must_use]
pub fn receive_buffer_max() -> usize {
    fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse().unwrap()
}
