//! One node under test: a real process in an empty folder.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::{PATIENCE, vectors};

/// A running node. Ended, and its own folder removed, when dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    data: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

/// What to start, and how.
#[derive(Debug)]
pub struct Builder {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    config: String,
    listen: String,
    /// The backend that is asked for, and the one that has to serve; `None`: the default, whatever it is.
    asked: Option<String>,
    serving: Option<String>,
}

impl Node {
    /// The real server, on a loopback port that the system picks.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The real server, to be changed before it starts.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::of(server_binary())
    }

    /// A server that was built already, to be changed before it starts.
    #[must_use]
    pub fn of(program: PathBuf) -> Builder {
        Builder::of(program)
    }

    /// The server around a faulty service, to be changed before it starts. `program` is
    /// `env!("CARGO_BIN_EXE_faulty-node")`.
    #[must_use]
    pub fn faulty(program: &str) -> Builder {
        Builder::of(PathBuf::from(program))
    }

    /// Where it listens, TCP and UDP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What admin commands must carry: the key that it made at its start.
    #[must_use]
    pub fn admin_key(&self) -> Vec<u8> {
        let secrets = std::fs::read_to_string(self.data.join("secrets.toml")).unwrap();
        let key = secrets.lines().find_map(|line| line.strip_prefix("admin_key = ")).unwrap();
        vectors::octets(key.trim_matches('"'))
    }

    /// Every line it has logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not end within [`PATIENCE`].
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the node did not end; its log: {:#?}", self.log());
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Asks it to stop and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the node's log: {:#?}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Builder {
    fn of(program: PathBuf) -> Self {
        let listen = "127.0.0.1:0".to_owned();
        let (asked, serving) = (wished_backend(), wished_backend());
        Self { program, arguments: Vec::new(), environment: Vec::new(), config: String::new(), listen, asked, serving }
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, name: &str, value: impl ToString) -> Self {
        self.arguments.extend([name.to_owned(), value.to_string()]);
        self
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds lines to its configuration file.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// Listens there instead of on a port that the system picks.
    #[must_use]
    pub fn listen(mut self, address: impl ToString) -> Self {
        self.listen = address.to_string();
        self
    }

    /// Asks for one backend and expects another to serve, whatever the suite runs on.
    #[must_use]
    pub fn backend(mut self, asked: &str, serving: &str) -> Self {
        (self.asked, self.serving) = (Some(asked.to_owned()), Some(serving.to_owned()));
        self
    }

    /// The command line, in `folder`.
    #[must_use]
    pub fn command(&self, folder: &Path) -> Command {
        let file = folder.join("raida.toml");
        std::fs::write(&file, &self.config).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(file).arg("--data-dir").arg(folder.join("data"));
        command.args(["--listen", &self.listen]).args(&self.arguments);
        if let Some(backend) = &self.asked {
            command.args(["--backend", backend]);
        }
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RAIDA_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Starts it and waits until it serves.
    ///
    /// # Panics
    ///
    /// When it ends before it serves, with what it said.
    #[must_use]
    pub fn start(&self) -> Node {
        let folder = tempfile::tempdir().unwrap();
        let mut node = self.start_in(folder.path());
        node._folder = Some(folder);
        node
    }

    /// Starts it in a folder that outlives it, and waits until it serves.
    ///
    /// # Panics
    ///
    /// When it ends before it serves, with what it said.
    #[must_use]
    pub fn start_in(&self, folder: &Path) -> Node {
        let mut child = self.command(folder).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = loop {
            let Some(line) = lines.next() else { panic!("the node did not start: {said:#?}") };
            let serves = serving_address(&line);
            said.push(line);
            if let Some(address) = serves {
                let is_expected = |backend: &String| said.last().unwrap().contains(backend);
                assert!(self.serving.as_ref().is_none_or(is_expected), "another backend serves: {said:#?}");
                break address;
            }
        };
        let log = Arc::new(Mutex::new(said));
        let kept = Arc::clone(&log);
        thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push(line)));
        Node { child, address, log, data: folder.join("data"), _folder: None }
    }
}

/// The backend that the suite is to run on, where it is not the server's default.
#[must_use]
pub fn wished_backend() -> Option<String> {
    std::env::var("RAIDA_BEHAVIOUR_BACKEND").ok()
}

/// The first address in the line that says that the node serves.
fn serving_address(line: &str) -> Option<SocketAddr> {
    let (_, behind) = line.split_once("serving")?;
    let separators = |c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']'));
    behind.split(separators).find_map(|word| word.parse().ok())
}

/// The server's binary, built if need be: Cargo only builds this package's own for its tests.
fn server_binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build_server).clone()
}

fn build_server() -> PathBuf {
    let release = if cfg!(debug_assertions) { [].as_slice() } else { ["--release"].as_slice() };
    let features = if cfg!(feature = "io-uring") { ["--features", "io-uring"].as_slice() } else { [].as_slice() };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "raida-server", "--bin", "raida-server"])
        .args(release)
        .args(features)
        .status()
        .unwrap();
    assert!(status.success(), "building raida-server");
    let this = std::env::current_exe().unwrap();
    let profile = this.ancestors().nth(2).expect("tests lie in target/<profile>/deps");
    profile.join("raida-server")
}
