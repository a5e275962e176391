//! Signals: stop, reload, and those that must not kill.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Instant;

use crate::process::{PATIENCE, Running, assert_answers, program, refusal, run};
use rustix::process::{Pid, Signal, kill_process};

/// Whether a process has a handler for SIGTERM by now.
fn handles_a_stop(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << (15 - 1) != 0
}

#[test]
fn a_stop_in_the_first_moments_is_an_ordered_end() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = program(folder.path()).args(["--listen", "127.0.0.1:0"]).spawn().unwrap();
        let start = Instant::now();
        while !handles_a_stop(child.id()) {
            assert!(start.elapsed() < PATIENCE);
        }
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{log}");
    }
}

#[test]
fn a_task_that_is_no_serving_ends_by_the_signal_as_any_program() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Running::start(&folder, &[]).stop(), Some(0));
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    // 15 000 files: it has just begun when their folder is there.
    let mut child = program(folder.path()).args(["export", "out"]).spawn().unwrap();
    let start = Instant::now();
    while !out.join("Data.unfinished").exists() {
        assert!(start.elapsed() < PATIENCE && child.try_wait().unwrap().is_none());
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn user_signals_tell_how_things_stand_and_do_not_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Running::start(&folder, &[]);
    assert_answers(node.addresses[0]);
    for signal in [Signal::USR1, Signal::USR2] {
        node.signal(signal);
        assert!(node.wait_for("connections open").contains("2 requests"), "{:#?}", node.log);
    }
    assert_answers(node.addresses[0]);
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_reload_takes_over_what_can_change_and_names_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raida.toml");
    fs::write(&file, "[timeouts]\nprogress_ms = 1000000\nrequest_ms = 1000000\n").unwrap();
    let mut node = Running::start(&folder, &["--config", "raida.toml"]);
    let connect = || TcpStream::connect_timeout(&node.addresses[0], PATIENCE).unwrap();
    let silent = connect();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();

    fs::write(
        &file,
        "[timeouts]\nprogress_ms = 50\nrequest_ms = 50\n[log]\nfilter = \"debug\"\n[network]\nreactors = 2\n",
    )
    .unwrap();
    node.signal(Signal::HUP);
    let line = node.wait_for("configuration reloaded");
    assert!(line.contains("timeouts.progress_ms,timeouts.request_ms,log.filter"), "{line}");
    assert!(node.wait_for("wait for a restart").contains("keys=\"network.reactors\""), "{:#?}", node.log);
    // A connection of now has the new patience, and the log its new filter.
    let mut hasty = TcpStream::connect_timeout(&node.addresses[0], PATIENCE).unwrap();
    hasty.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(hasty.read(&mut [0; 1]).unwrap(), 0, "closed by the node");
    assert!(node.wait_for("connection closed").contains("within 50ms"), "{:#?}", node.log);
    assert_answers(node.addresses[0]);
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_reload_of_a_bad_file_changes_nothing_and_says_why() {
    for (text, told) in [
        ("[timeouts]\nprogress_ms = 50\nrequest_ms = 10\n", "timeouts.progress_ms"),
        ("[timeouts]\nprogress_ms = 50\n[log]\nfilter = \"raida=loud\"\n", "log.filter"),
        ("[timeouts]\nprogress_ms = 50\n[log]\nfilter = \"info,raida_reacter=debug\"\n", "raida_reacter"),
        ("[timeouts]\nprogress_ms = 50\n[log]\nfilet = \"info\"\n", "log.filet"),
        ("[timeouts\n", "raida.toml"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("raida.toml");
        fs::write(&file, "[timeouts]\ndrain_ms = 77\n").unwrap();
        let mut node = Running::start(&folder, &["--config", "raida.toml"]);
        fs::write(&file, text).unwrap();
        node.signal(Signal::HUP);
        let line = node.wait_for("nothing has changed");
        assert!(line.contains("ERROR") && line.contains(told), "{line}");

        // The next good file is compared with what has been in use all the time.
        fs::write(&file, "[timeouts]\ndrain_ms = 78\n").unwrap();
        node.signal(Signal::HUP);
        let line = node.wait_for("configuration reloaded");
        assert!(line.contains("changed=\"timeouts.drain_ms\""), "{line}");
        assert_eq!(node.stop(), Some(0));
        assert!(node.log.iter().any(|line| line.contains("drain=78ms")), "{:#?}", node.log);
    }
}

#[test]
fn a_pipe_in_the_place_of_the_file_holds_up_neither_a_start_nor_a_reload_nor_the_stop_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raida.toml");
    fs::write(&file, "[timeouts]\ndrain_ms = 77\n").unwrap();
    let mut node = Running::start(&folder, &["--config", "raida.toml"]);
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    node.signal(Signal::HUP);
    let line = node.wait_for("nothing has changed");
    assert!(line.contains("raida.toml: is not a regular file"), "{line}");
    assert_answers(node.addresses[0]);
    assert_eq!(node.stop(), Some(0));
    let said = refusal(&run(folder.path(), &["--config", "raida.toml"]));
    assert_eq!(said, "raida.toml: is not a regular file");
}

#[test]
fn a_reload_to_more_memory_than_there_may_be_changes_nothing_and_tells_both_numbers() {
    const MAX: u64 = 1 << 30;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raida.toml");
    let write = |limits: &str, rest: &str| {
        let few = "connections_max = 1000\n";
        fs::write(&file, format!("[limits]\nmemory_bytes_max = {MAX}\n{few}{limits}{rest}")).unwrap();
    };
    write("", "");
    let mut node = Running::start(&folder, &["--config", "raida.toml"]);
    for (limits, rest) in [
        // One that changes at once, together with one that would be right.
        ("buffers_bytes_max = 2000000000\nconnections_per_source_max = 7\n", ""),
        // One that waits for a restart, at which the node would not start.
        ("connections_per_source_max = 7\n", "[store]\ndatabase_cache_bytes = 2000000000\n"),
    ] {
        write(limits, rest);
        node.signal(Signal::HUP);
        let line = node.wait_for("nothing has changed");
        assert!(line.contains("ERROR") && line.contains(&format!("limits.memory_bytes_max is {MAX}")), "{line}");
        let largest = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok()).max();
        assert!(largest > Some(MAX), "{line}");
    }
    write("buffers_bytes_max = 70000000\n", "");
    node.signal(Signal::HUP);
    assert!(node.wait_for("memory budget").contains("buffers=67"), "{:#?}", node.log);
    let line = node.wait_for("configuration reloaded");
    assert!(line.contains("changed=\"limits.buffers_bytes_max\""), "what was refused has left nothing: {line}");
    assert_eq!(node.stop(), Some(0));
}
