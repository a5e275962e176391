//! A server as a process: started, watched from outside, ended.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::processors::{self, Processors};

/// How long a server may take until it serves.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that serves. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddrV4,
    /// The line by which it said that it serves; empty where it does not say.
    pub(crate) said: String,
    /// Where it keeps its data.
    pub(crate) folder: TempDir,
}

impl Process {
    /// Starts a program that says "serving" and its address on standard error.
    pub(crate) fn start(mut command: Command, folder: TempDir, processors: &Processors) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            processors::on(processors, || command.spawn())?.with_context(|| format!("starting {command:?}"))?;
        let lines = child.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(lines).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let (address, line) = loop {
            let Some(line) = lines.next() else { bail!("{command:?} did not start:\n{}", said.join("\n")) };
            let address = serving_address(&line);
            if let Some(address) = address {
                break (address, line);
            }
            said.push(line);
        };
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address, said: line, folder })
    }

    /// Starts any other server by a command line in which `{port}` stands for the port, on 127.0.0.1.
    pub(crate) fn start_other(line: &str, folder: TempDir, processors: &Processors) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec {}", line.replace("{port}", &port.to_string())));
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = processors::on(processors, || command.spawn())?.with_context(|| format!("starting {line}"))?;
        let (address, start) = (SocketAddrV4::new([127, 0, 0, 1].into(), port), Instant::now());
        while TcpStream::connect(address).is_err() {
            if child.try_wait()?.is_some() || start.elapsed() > PATIENCE {
                bail!("nobody listens on port {port} after {line:?}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { child, address, said: String::new(), folder })
    }

    /// Processor time of all its threads so far.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).context("reading the server's threads")?;
        let mut nanoseconds = 0;
        for task in tasks {
            let text = fs::read_to_string(task?.path().join("schedstat")).context("reading a thread's time")?;
            nanoseconds += text.split_whitespace().next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Memory of its own: what is not backed by a file, in octets.
    pub(crate) fn memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(path).context("reading the server's memory")?;
        let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).context("no Anonymous: line")?;
        let kibibytes: u64 = line.split_whitespace().next().unwrap_or_default().parse()?;
        Ok(kibibytes * 1024)
    }

    /// Whether it still runs.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the server has ended ({status})"),
            None => Ok(()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first IPv4 address in the line that says that a server serves.
fn serving_address(line: &str) -> Option<SocketAddrV4> {
    let (_, behind) = line.split_once("serving")?;
    let separators = |c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']'));
    behind.split(separators).find_map(|word| match word.parse().ok()? {
        SocketAddr::V4(address) => Some(address),
        SocketAddr::V6(_) => None,
    })
}

/// A port that was free a moment ago, for TCP and UDP.
fn free_port() -> Result<u16> {
    for _ in 0..64 {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free for both TCP and UDP")
}

#[cfg(test)]
mod tests {
    use super::serving_address;

    #[test]
    fn the_address_is_found_in_either_server_s_line() {
        let expected = "127.0.0.1:4711".parse().ok();
        assert_eq!(serving_address("serving 127.0.0.1:4711"), expected);
        let line = "2026-01-01T00:00:00Z  INFO raida_server::serve: serving addresses=127.0.0.1:4711 raida_id=0";
        assert_eq!(serving_address(line), expected);
        assert_eq!(serving_address("listening on 127.0.0.1:4711"), None);
    }
}
