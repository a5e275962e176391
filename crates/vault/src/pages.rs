//! The operator's commands that take page files over and write them.
//!
//! Both say on `out` what each side holds: per denomination the number of coins issued and the Merkle root.
//!
//! Source: protocol §7.2, §7.4

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use raida_config::Config;
use raida_store::pages::{self, ExportError, ImportError, Orphans, Progress, Selection, Summary};

use crate::error::VaultError;
use crate::vault::{make_coins, month, open};

/// What to do instead of serving, while no server uses the data folder.
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Task {
    /// Take the coins of a file-based server over: the folder that has Data in it, or Data itself
    Import {
        /// The folder to read
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Also issue the coins that have an owner but no month; without it they are listed and left out
        #[arg(long)]
        claim_orphans: bool,
    },
    /// Write all coins as the page files of a file-based server, into Data in this folder
    Export {
        /// The folder to write to; it must exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

impl Task {
    /// Does it.
    ///
    /// # Errors
    ///
    /// See [`import`] and [`export`].
    pub fn run(&self, config: &Config, out: &mut dyn Write) -> Result<(), PagesError> {
        match self {
            Self::Import { folder, claim_orphans } => import(config, folder, *claim_orphans, out),
            Self::Export { folder } => export(config, folder, out),
        }
    }
}

/// Takes the page files of a folder over into the store of this configuration, also where only its secrets are left. Can be
/// cut off and run again.
///
/// `claims`: coins with an owner but without a month become issued; else they are listed and left.
///
/// # Errors
///
/// See [`PagesError`]. Where a file is wrong, nothing was changed.
pub fn import(config: &Config, folder: &Path, claims: bool, out: &mut dyn Write) -> Result<(), PagesError> {
    // Before there is a store, which would pass for that of a node without coins.
    pages::survey(folder)?;
    make_coins(config)?;
    let (_, mut store) = open(config)?;
    let orphans = if claims { Orphans::Claim(month()) } else { Orphans::Leave };
    let mut bar = Bar::new();
    let report = pages::import(folder, &mut store, orphans, &mut |progress| bar.show(progress));
    bar.finish();
    if let Err(ImportError::Differs { files, store }) = &report {
        // That they differ matters more than a report that nobody reads.
        let _ = both(out, files, store);
    }
    let report = report?;
    writeln!(out, "imported {} pages, {} of them known already", report.pages, report.known)?;
    let orphaned: u64 = report.orphans.0.into_iter().map(u64::from).sum();
    if orphaned > 0 {
        let fate = if claims { "claimed" } else { "left out; --claim-orphans issues them" };
        writeln!(out, "{orphaned} coins have an owner but no month: {fate}")?;
    }
    Ok(both(out, &report.files, &report.store)?)
}

/// Writes all coins of this configuration's store as page files into a folder. Can be cut off and run again.
///
/// # Errors
///
/// See [`PagesError`].
pub fn export(config: &Config, folder: &Path, out: &mut dyn Write) -> Result<(), PagesError> {
    let (_, store) = open(config)?;
    let mut bar = Bar::new();
    let report = pages::export(&store, folder, Selection::All, &mut |progress| bar.show(progress));
    bar.finish();
    if let Err(ExportError::Differs { files, store }) = &report {
        let _ = both(out, files, store);
    }
    let report = report?;
    writeln!(out, "exported {} pages, {} of them known already", report.pages, report.known)?;
    Ok(both(out, &report.files, &report.store)?)
}

fn both(out: &mut dyn Write, files: &Summary, store: &Summary) -> io::Result<()> {
    write!(out, "in the files: denomination, coins issued, Merkle root\n{files}in the store:\n{store}")
}

/// So many coins with an owner but no month are listed one by one. A folder can have 15 million of them.
const LISTED_MAX: u64 = 1000;

/// On standard error, where that is a terminal; the list also where it is none.
struct Bar {
    bar: ProgressBar,
    orphans: u64,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} pages, {eta} left");
        style.into_iter().for_each(|style| bar.set_style(style));
        Self { bar, orphans: 0 }
    }

    fn show(&mut self, progress: Progress) {
        let (what, done, total) = match progress {
            Progress::Pages { done, total } => ("copying", done, total),
            Progress::Checked { done, total } => ("checking", done, total),
            Progress::Orphan(coin) => {
                self.orphans += 1;
                if self.orphans <= LISTED_MAX {
                    let (denomination, number) = (coin.denomination, coin.serial_number.get());
                    self.say(&format!("coin {denomination}:{number} has an owner but no month"));
                }
                return;
            }
        };
        if done == 1 {
            self.bar.set_message(what);
            self.bar.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        }
        self.bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
        let more = self.orphans.saturating_sub(LISTED_MAX);
        if more > 0 {
            self.say(&format!(
                "and {more} more; where another secret wrote the folder, every coin that is not issued is among them: \
                 do not claim those"
            ));
        }
    }

    fn say(&self, line: &str) {
        // Whoever does not want to read it is no reason to stop half-way.
        drop(self.bar.suspend(|| writeln!(io::stderr(), "{line}")));
    }
}

/// Why page files were not taken over or not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum PagesError {
    /// The store does not open, perhaps because a server is using it.
    Vault(VaultError),
    /// They were not taken over.
    Import(ImportError),
    /// They were not written.
    Export(ExportError),
    /// The report could not be written.
    Report(io::Error),
}

impl fmt::Display for PagesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault(error) => error.fmt(f),
            Self::Import(error) => error.fmt(f),
            Self::Export(error) => error.fmt(f),
            Self::Report(error) => write!(f, "all is done, but the report could not be written: {error}"),
        }
    }
}

/// What it says, its causes say already.
impl Error for PagesError {}

impl From<VaultError> for PagesError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<ImportError> for PagesError {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl From<ExportError> for PagesError {
    fn from(error: ExportError) -> Self {
        Self::Export(error)
    }
}

impl From<io::Error> for PagesError {
    fn from(error: io::Error) -> Self {
        Self::Report(error)
    }
}
