//! How much memory there is.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// How much memory there is for this process, in octets: what the machine has free, or less where a limit of the process
/// (`RLIMIT_AS`, `RLIMIT_DATA`) or a control group that it is in says so, as a container and `MemoryMax` of a service do.
/// `None` where nobody knows.
#[must_use]
pub fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| free_of(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = [Resource::As, Resource::Data].into_iter().filter_map(|resource| getrlimit(resource).current);
    machine.into_iter().chain(limit_of(&groups, Path::new("/sys/fs/cgroup"))).chain(limits).min()
}

fn free_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The least that the groups named in `groups`, and those above them, leave to a process. In a container they are seen from
/// within: its own group may be the root, whatever it is called outside.
fn limit_of(groups: &str, root: &Path) -> Option<u64> {
    groups.lines().filter_map(|line| limit_of_group(line, root)).min()
}

/// `line`: number of a hierarchy, its controllers, path of the group. The second version has no controllers here.
fn limit_of_group(line: &str, root: &Path) -> Option<u64> {
    let (_, named) = line.split_once(':')?;
    let (controllers, path) = named.split_once(':')?;
    let (root, file) = match controllers {
        "" => (root.to_owned(), "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
        _ => return None,
    };
    let group = Path::new(path.trim_start_matches('/'));
    let limit = |group: &Path| fs::read_to_string(root.join(group).join(file)).ok()?.trim().parse::<u64>().ok();
    group.ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(root: &Path, path: &str, limit: &str) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, limit).unwrap();
    }

    #[test]
    fn free_memory_is_read() {
        assert_eq!(free_of("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2 << 20));
        assert_eq!(free_of("MemTotal: 9 kB\n"), None);
        assert!(available().is_some());
    }

    #[test]
    fn the_limit_of_a_service_or_of_any_group_above_it_counts() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "system.slice/raida.service/memory.max", "max\n");
        group(root.path(), "system.slice/memory.max", "300\n");
        let service = "0::/system.slice/raida.service\n";
        assert_eq!(limit_of(service, root.path()), Some(300));
        group(root.path(), "system.slice/raida.service/memory.max", "200\n");
        assert_eq!(limit_of(service, root.path()), Some(200));
        assert_eq!(limit_of("0::/user.slice\n", root.path()), None);
    }

    #[test]
    fn in_a_container_the_own_group_may_be_the_root() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "memory.max", "100\n");
        assert_eq!(limit_of("0::/\n", root.path()), Some(100));
        assert_eq!(limit_of("0::/docker/0123\n", root.path()), Some(100));
    }

    #[test]
    fn the_first_version_of_groups_counts_too() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "memory/docker/memory.limit_in_bytes", "500\n");
        assert_eq!(limit_of("5:cpu,memory:/docker\n4:pids:/docker\nnonsense\n", root.path()), Some(500));
    }
}
