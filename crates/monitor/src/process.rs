//! What the system says of this process.

use std::fs;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};

use crate::report::Process;

/// Reads it now. What the system does not tell is zero.
pub(crate) fn read() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Process {
        memory: kilobytes(&status, "VmRSS:"),
        memory_peak: kilobytes(&status, "VmHWM:"),
        descriptors: descriptors(),
        descriptors_max: getrlimit(Resource::Nofile).current,
        threads: number(&status, "Threads:"),
        cpu_ms: cpu_ms(&fs::read_to_string("/proc/self/stat").unwrap_or_default()),
    }
}

/// How many descriptors are open. Linux 6.2 and later keep count; before, they are looked at one by one, which takes some
/// milliseconds for ten thousand, and the look itself has one.
fn descriptors() -> u64 {
    let folder = "/proc/self/fd";
    match fs::metadata(folder).map_or(0, |folder| folder.len()) {
        0 => fs::read_dir(folder).map_or(0, |entries| entries.count().saturating_sub(1) as u64),
        count => count,
    }
}

fn kilobytes(status: &str, name: &str) -> u64 {
    number(status, name) * 1024
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// User and system time: fields 14 and 15, counted behind the name of the program, which may contain anything.
fn cpu_ms(stat: &str) -> u64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks * 1000 / clock_ticks_per_second().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_threads_and_descriptors() {
        let process = read();
        assert!(process.memory > 100_000 && process.memory_peak >= process.memory, "{process:?}");
        assert!(process.threads >= 1 && process.descriptors >= 1, "{process:?}");
    }

    #[test]
    fn a_file_that_is_opened_is_one_descriptor_more() {
        // Other tests of this process open files too, so there is more than one try.
        let is_one_more = (0..1000).any(|_| {
            let before = descriptors();
            let file = fs::File::open("/proc/self/status");
            file.is_ok() && descriptors() == before + 1
        });
        assert!(is_one_more);
    }

    #[test]
    fn a_program_with_an_odd_name_does_not_confuse_its_times() {
        let ticks = clock_ticks_per_second();
        let stat = format!("7 (a) b 1 2 (c) S 1 2 3 4 5 6 7 8 9 10 {} {} 0 0", 2 * ticks, ticks);
        assert_eq!(cpu_ms(&stat), 3000);
        assert_eq!(cpu_ms("nonsense"), 0);
    }
}
