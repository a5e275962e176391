//! What systemd is told.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::process::{PATIENCE, Running, program};
use rustix::process::Signal;
use tempfile::TempDir;

/// Hears what a node says to its service manager.
struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { folder, socket }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("notify")
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut command = program(self.folder.path());
        Running::spawn(command.args(["--listen", "127.0.0.1:0"]).args(arguments).env("NOTIFY_SOCKET", self.path()))
    }

    fn hear(&self) -> String {
        let mut room = [0; 2000];
        let len = self.socket.recv(&mut room).unwrap();
        String::from_utf8(room[..len].to_vec()).unwrap()
    }
}

#[test]
fn the_service_manager_hears_of_readiness_and_of_the_stop() {
    let manager = Manager::new();
    let mut node = manager.start(&[]);
    let (ready, address) = (manager.hear(), node.addresses[0].to_string());
    assert!(ready.starts_with("READY=1\nSTATUS=serving ") && ready.contains(&address), "{ready}");
    assert_eq!(node.stop(), Some(0));
    assert!(manager.hear().starts_with("STOPPING=1\n"));
}

#[test]
fn the_service_manager_hears_of_a_reload_with_the_time() {
    let manager = Manager::new();
    let mut node = manager.start(&[]);
    assert!(manager.hear().starts_with("READY=1\n"));
    node.signal(Signal::HUP);
    let reloading = manager.hear();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert!(manager.hear().starts_with("READY=1\n"));
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_watchdog_is_fed_while_all_io_threads_turn() {
    let manager = Manager::new();
    let mut command = program(manager.folder.path());
    command.args(["--listen", "127.0.0.1:0", "--reactors", "3"]);
    let mut node = Running::spawn(command.env("NOTIFY_SOCKET", manager.path()).env("WATCHDOG_USEC", "90000"));
    for _ in 0..5 {
        let told = manager.hear();
        assert!(told.starts_with("READY=1\n") || told.starts_with("WATCHDOG=1\nSTATUS=serving "), "{told}");
    }
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_service_manager_that_is_gone_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    let mut node = Running::spawn(command.args(["--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", "/nowhere/at/all"));
    crate::process::assert_answers(node.addresses[0]);
    assert_eq!(node.stop(), Some(0));
    assert!(node.log.iter().any(|line| line.contains("service manager")), "{:#?}", node.log);
}
