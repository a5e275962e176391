//! The real server, started by a task and ended with it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use raida_client::{AdminKey, Target};

use crate::step;

/// Builds the server, with the checks that a release leaves out, and tells where it is.
pub(crate) fn build() -> Result<PathBuf> {
    build_program("raida-server", "raida-server")
}

/// Builds a program of a package, and tells where it is.
pub(crate) fn build_program(package: &str, name: &str) -> Result<PathBuf> {
    let mut command = step::cargo(["build", "--locked", "--package", package, "--bin", name]);
    step::run(&format!("build {name}"), &mut command)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| step::root().join("target"), PathBuf::from);
    Ok(target.join("debug").join(name))
}

/// A node that serves. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it in a folder and waits until it serves. Its configuration is `raida.toml` there.
    pub(crate) fn start(program: &Path, folder: &Path, listen: &str) -> Result<Self> {
        let mut command = Command::new(program);
        command.current_dir(folder).args(["--config", "raida.toml", "--data-dir", "data", "--listen", listen]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let lines = child.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(lines).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = loop {
            let Some(line) = lines.next() else { bail!("the node did not start:\n{}", said.join("\n")) };
            let address = serving_address(&line);
            said.push(line);
            if let Some(address) = address {
                break address;
            }
        };
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    /// Kills it with SIGKILL and waits for its end.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill().context("killing the node")?;
        self.child.wait().context("waiting for the node's end")?;
        Ok(())
    }

    /// How to ask it. Its id is 0.
    pub(crate) fn target(&self) -> Result<Target> {
        Ok(Target { raida_id: 0, ..Target::new(self.address.to_string().parse()?) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The admin key in a node's folder.
pub(crate) fn admin_key(folder: &Path) -> Result<AdminKey> {
    let path = folder.join("data/secrets.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let digits = text.lines().find_map(|line| line.strip_prefix("admin_key = ")).context("no admin key")?;
    let value = u128::from_str_radix(digits.trim_matches('"'), 16).context("odd admin key")?;
    Ok(AdminKey::new(value.to_be_bytes()))
}

/// The first address in the line that says that the node serves.
fn serving_address(line: &str) -> Option<SocketAddr> {
    let (_, behind) = line.split_once("serving")?;
    let separators = |c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']'));
    behind.split(separators).find_map(|word| word.parse().ok())
}
