//! What a node's process uses: descriptors, processor time, memory. Read from /proc.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// How many descriptors it has open.
#[must_use]
pub fn descriptors(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).unwrap().count()
}

/// Lowers, or raises again, how many descriptors it may have open from now on.
pub fn limit_descriptors(pid: Pid, most: u64) {
    let limit = Rlimit { current: Some(most), maximum: rustix::process::getrlimit(Resource::Nofile).maximum };
    prlimit(Some(pid), Resource::Nofile, limit).unwrap();
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

/// Lets this process open as many descriptors as the system allows it.
pub fn raise_own_descriptor_limit() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(Resource::Nofile, raised).unwrap();
}
