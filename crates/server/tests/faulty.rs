//! The watchdog and the sandbox, tried by a node that misbehaves.
//!
//! This program is both: with `RAIDA_FAULT` set it is the node, otherwise the tests, which start it again as the node.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails is a test that fails"
)]

#[path = "program/process.rs"]
#[expect(dead_code, reason = "two programs of tests share it, and this one asks for less")]
mod process;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fmt, fs, thread};

use process::{ECHO, PATIENCE, Running};
use raida_reactor::service::{Answer, Call, Flow, Place, Request, Service};
use raida_wire::{Head, Status, vote};

fn main() -> ExitCode {
    match env::var("RAIDA_FAULT").as_deref() {
        Ok("hang") => raida_server::main_with(|inner| Faulty { inner, misdeed: hang }),
        Ok("trespass") => raida_server::main_with(|inner| Faulty { inner, misdeed: trespass }),
        Ok(other) => panic!("no fault {other:?}"),
        Err(_) => {
            an_io_thread_that_hangs_leaves_the_watchdog_hungry();
            a_node_in_its_sandbox_serves_and_cannot_trespass();
            a_node_without_a_sandbox_can();
            println!("every test of the faulty node passed");
            ExitCode::SUCCESS
        }
    }
}

/// Does something else before each request that its I/O thread serves.
struct Faulty<S> {
    inner: S,
    misdeed: fn(),
}

fn hang() {
    thread::sleep(PATIENCE);
}

/// Tries what a node that somebody has taken over would try, and writes into its data folder what came of it.
fn trespass() {
    let tell = |worked: bool| if worked { "done" } else { "denied" };
    let program = Command::new("/bin/true").status().is_ok();
    let (read, write) = (fs::read("/etc/passwd").is_ok(), fs::write("outside", "x").is_ok());
    let port = TcpListener::bind("127.0.0.1:0").is_ok();
    let deeds = [("program", program), ("read", read), ("write", write), ("port", port)];
    let told: String = deeds.into_iter().map(|(deed, worked)| format!("{deed} {}\n", tell(worked))).collect();
    fs::write("raida-data/told", told).unwrap();
}

/// What came of trespassing in this mode, and what the log says.
fn told(mode: &str) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = faulty("trespass");
    let mut node = Running::spawn(command.current_dir(folder.path()).env("RAIDA_SANDBOX__MODE", mode));
    process::assert_answers(node.addresses[0]);
    let told = fs::read_to_string(folder.path().join("raida-data/told")).unwrap();
    assert_eq!(node.stop(), Some(0));
    (told, std::mem::take(&mut node.log))
}

fn a_node_in_its_sandbox_serves_and_cannot_trespass() {
    let (told, log) = told("try");
    if log.iter().any(|line| line.contains("WARN") && line.contains("sandbox")) {
        // The log has said what this kernel lacks.
        return println!("skipped, this kernel has not all of it: {log:#?}");
    }
    assert_eq!(told, "program denied\nread denied\nwrite denied\nport denied\n");
    assert!(log.iter().any(|line| line.contains("sandbox: files")), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("sandbox: system calls")), "{log:#?}");
}

fn a_node_without_a_sandbox_can() {
    let (told, log) = told("off");
    assert_eq!(told, "program done\nread done\nwrite done\nport done\n");
    assert!(log.iter().any(|line| line.contains("sandbox is off")), "{log:#?}");
}

fn faulty(fault: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env_clear().env("RAIDA_FAULT", fault).args(["--listen", "127.0.0.1:0"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn an_io_thread_that_hangs_leaves_the_watchdog_hungry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut command = faulty("hang");
    command.current_dir(folder.path()).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "150000");
    let mut node = Running::spawn(&mut command);
    let hear = |patience: Duration| {
        let mut room = [0; 2000];
        manager.set_read_timeout(Some(patience)).unwrap();
        manager.recv(&mut room).map(|len| String::from_utf8_lossy(&room[..len]).into_owned())
    };
    while !hear(PATIENCE).unwrap().starts_with("WATCHDOG=1") {}
    TcpStream::connect(node.addresses[0]).unwrap().write_all(&ECHO).unwrap();
    node.wait_for("the watchdog is not fed");
    // What was said before that is heard first; then comes the silence that the service manager waits for.
    while hear(Duration::from_millis(150)).is_ok() {}
    node.wait_for("the watchdog is not fed");
    assert!(hear(Duration::from_millis(1)).is_err(), "nothing more is said");
}

impl<S: Service> Service for Faulty<S> {
    fn admit(&self, head: &Head) -> Result<(), Status> {
        self.inner.admit(head)
    }

    fn call(&self, request: &mut Request<'_>, answer: &mut Answer<'_>, place: Place) -> Flow {
        if place == Place::Reactor {
            (self.misdeed)();
        }
        self.inner.call(request, answer, place)
    }

    fn call_together(&self, calls: &mut [Call<'_>]) {
        self.inner.call_together(calls);
    }

    fn vote(&self, request: &vote::Request<'_>) -> [u8; 17] {
        self.inner.vote(request)
    }
}

impl<S> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}
