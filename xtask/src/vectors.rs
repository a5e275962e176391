//! `cargo xtask vectors`: the protocol's test vectors against the wire format.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Checks every file, prints what failed and one closing line over all of them.
pub(crate) fn run(files: &[PathBuf]) -> Result<()> {
    let mut total = raida_vectors::Report::default();
    for file in files {
        let report =
            raida_vectors::check_file(file).with_context(|| format!("reading vectors from {}", file.display()))?;
        println!("==> vectors in {}", file.display());
        total.merge(report);
    }
    println!("{total}");
    if total.failed() > 0 {
        bail!("{} test vectors failed", total.failed());
    }
    if total.passed() == 0 {
        bail!("no test vector passed: is this a vectors file?");
    }
    Ok(())
}
