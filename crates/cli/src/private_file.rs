//! Files that nobody but their owner may have access to.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use zeroize::Zeroizing;

/// No file with secrets is longer, in bytes.
const LENGTH_MAX: usize = 65_536;

/// The text of such a file; wiped from memory when dropped.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("opening {name}"))?;
    let mode = file.metadata().with_context(|| format!("looking at {name}"))?.mode() & 0o777;
    ensure!(mode & 0o077 == 0, "{name} is open to others (mode {mode:03o}): chmod 600 {name}");
    // Of its full size from the start, so that no growth leaves a copy behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(LENGTH_MAX + 1));
    let limit = u64::try_from(LENGTH_MAX)?.saturating_add(1);
    file.take(limit).read_to_end(&mut octets).with_context(|| format!("reading {name}"))?;
    ensure!(octets.len() <= LENGTH_MAX, "{name} is longer than {LENGTH_MAX} bytes");
    let text = std::str::from_utf8(&octets).ok().with_context(|| format!("{name} is not a text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes a line into a file that must not be there yet.
pub(crate) fn write_new(path: &Path, line: &str) -> Result<()> {
    let name = path.display();
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.with_context(|| format!("making {name}"))?;
    let written = file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n"));
    written.and_then(|()| file.sync_all()).with_context(|| format!("writing {name}"))
}
