//! From an empty folder to an ordered end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::process::{ECHO, PATIENCE, Running, assert_answers, free_port, over_tcp, program};
use rustix::process::Signal;

#[test]
fn an_empty_folder_becomes_a_node_that_answers_and_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir().unwrap();
        let mut node = Running::start(&folder, &[]);
        assert_answers(node.addresses[0]);
        assert!(folder.path().join("raida-data/secrets.toml").is_file());
        node.signal(signal);
        assert_eq!(node.end().code(), Some(0));
        assert!(node.log.last().unwrap().contains("stopped"), "{:#?}", node.log);
        assert!(TcpStream::connect_timeout(&node.addresses[0], PATIENCE).is_err(), "nobody listens any more");
    }
}

#[test]
fn every_address_that_was_asked_for_is_served_and_named_by_every_io_thread() {
    let folder = tempfile::tempdir().unwrap();
    let other = if TcpListener::bind("[::1]:0").is_ok() { "[::1]:0" } else { "127.0.0.3:0" };
    let mut node = Running::start(&folder, &["--listen", other, "--listen", "127.0.0.2:0", "--reactors", "3"]);
    assert_eq!(node.addresses.len(), 3);
    for &address in &node.addresses {
        assert_ne!(address.port(), 0);
        (0..12).for_each(|_| assert_answers(address));
    }
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_node_is_restarted_on_its_port_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut node = Running::spawn(program(folder.path()).args(["--listen", &address.to_string()]));
    for _ in 0..5 {
        assert_answers(address);
        let mut half_done = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        half_done.write_all(&ECHO[..20]).unwrap();
        assert_eq!(node.stop(), Some(0), "{:#?}", node.log);
        node = Running::spawn(program(folder.path()).args(["--listen", &address.to_string()]));
    }
    assert_answers(address);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = "[timeouts]\ndrain_ms = 3600000\nprogress_ms = 3600000\nrequest_ms = 3600000\n";
    std::fs::write(folder.path().join("slow.toml"), file).unwrap();
    let mut node = Running::start(&folder, &["--config", "slow.toml"]);
    let mut half_done = TcpStream::connect_timeout(&node.addresses[0], PATIENCE).unwrap();
    half_done.write_all(&ECHO[..20]).unwrap();
    assert_answers(node.addresses[0]);
    node.signal(Signal::TERM);
    node.wait_for("shutting down");
    node.signal(Signal::INT);
    assert_eq!(node.end().code(), Some(130));
}

#[test]
fn nobody_reading_its_log_does_not_hold_it_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = program(folder.path()).args(["--listen", "127.0.0.1:0", "--log", "trace"]).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let address = loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended");
        if let Some((_, behind)) = line.split_once("addresses=") {
            break behind.split(' ').next().unwrap().parse().unwrap();
        }
    };
    // Far more lines than the pipe and the queue in front of it hold.
    let answered = (0..3000).filter(|_| over_tcp(address).get(2) == Some(&250)).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answered, 3000);
}

#[test]
fn the_limit_of_descriptors_is_raised_and_what_follows_from_it_is_said() {
    for (limit, expected) in
        [("-S -n 100; ulimit -H -n 500", "RLIMIT_NOFILE is 500"), ("-n 300", "RLIMIT_NOFILE is 300")]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = std::process::Command::new("/bin/sh");
        let script = format!("ulimit {limit}; exec \"$0\" --listen 127.0.0.1:0");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_raida-server")]).current_dir(folder.path()).env_clear();
        let mut node = Running::spawn(shell.stderr(std::process::Stdio::piped()));
        assert_eq!(node.stop(), Some(0));
        assert!(node.log.iter().any(|line| line.contains(expected)), "{:#?}", node.log);
    }
}

#[test]
fn a_limit_of_the_process_below_the_memory_budget_is_said() {
    for (limit, kibibytes) in [("-v", 1 << 20), ("-d", 512 << 10)] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("raida.toml"), "[limits]\nbuffers_bytes_max = 4294967296\n").unwrap();
        let script = format!("ulimit {limit} {kibibytes}; exec \"$0\" --listen 127.0.0.1:0 --config raida.toml");
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_raida-server")]).current_dir(folder.path()).env_clear();
        let mut node = Running::spawn(shell.stderr(std::process::Stdio::piped()));
        let line = node.log.iter().find(|line| line.contains("the memory budget is more than there is")).unwrap();
        assert!(line.contains(&format!("available={}", kibibytes * 1024)), "{line}");
        assert_eq!(node.stop(), Some(0));
    }
}
