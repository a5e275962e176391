//! `cargo xtask abuse` and `cargo xtask soak`: `raida-abuse` against a server, both built as they are released.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::step;

/// What goes on to `raida-abuse`: `--help` there says more.
#[derive(Args)]
pub(crate) struct Options {
    /// Flags of `raida-abuse`: `--quick`, `--only NAME`, `--json`, `--list`, `--backend NAME`; `--minutes N` for a soak.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    flags: Vec<String>,
}

pub(crate) fn run(task: &str, options: &Options) -> Result<()> {
    let build = ["build", "--release", "--locked", "--package", "raida-server", "--package", "raida-abuse"];
    // Machines read what the suite prints, so Cargo's words go where they always go, and ours not in between.
    let mut build = step::cargo(build);
    if options.flags.iter().any(|flag| flag.contains("io-uring")) {
        build.args(["--features", "raida-server/io-uring"]);
    }
    if !build.status()?.success() {
        anyhow::bail!("building the server and the suite failed");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| step::root().join("target"), PathBuf::from);
    let folder = target.join("release");
    let mut command = Command::new(folder.join("raida-abuse"));
    command.arg("--server").arg(folder.join("raida-server")).arg(task).args(&options.flags);
    let status = command.current_dir(step::root()).status()?;
    if status.success() { Ok(()) } else { anyhow::bail!("{task}: failed ({status})") }
}
