//! One command of a task: announced, run, timed, and named when it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Starts `cargo` in the workspace root, with the toolchain that runs this task.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command` to its end; what it prints is the user's to see.
pub(crate) fn run(title: &str, command: &mut Command) -> Result<()> {
    println!("==> {title}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("{title}: starting {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{title}: failed ({status})");
    }
    println!("    {title}: {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}

/// Whether `cargo NAME --version` works here.
pub(crate) fn has_cargo_tool(name: &str) -> bool {
    cargo([name, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The folder that holds the workspace's `Cargo.toml`. Cargo tells at run time: clones may share a target folder, and then
/// this program may have been built in another one.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = Path::new(&here);
    here.parent().unwrap_or(here).to_path_buf()
}
