//! `cargo xtask bench`: a node against the floor. Builds both, and hands over to `raida-bench`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::step;

/// What `raida-bench race` understands.
#[derive(Args)]
pub(crate) struct Options {
    /// Passed on: --quick, --rounds N, --only WORKLOAD, --contestant SERVER, --against CMD, --rate N, --json, --list ...
    /// (`cargo xtask bench -- --help` tells all).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let packages = ["--package", "raida-server", "--package", "raida-bench", "--features", "raida-server/io-uring"];
    let mut build = step::cargo(["build", "--release", "--quiet", "--locked"]);
    // Standard output belongs to the table, or to the machine that reads it.
    let built = build.args(packages).status().context("starting the build")?;
    if !built.success() {
        bail!("building the contestants failed ({built})");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| step::root().join("target"), PathBuf::from);
    let release = target.join("release");
    let mut race = Command::new(release.join("raida-bench"));
    race.arg("race").arg("--node").arg(release.join("raida-server")).args(&options.arguments);
    let raced = race.status().context("starting raida-bench")?;
    if raced.success() { Ok(()) } else { bail!("the run failed ({raced})") }
}
