//! From sources to a checked configuration that knows where its values came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use crate::environment;
use crate::file::ConfigFile;
use crate::flags::Overrides;
use crate::origin::Origin;
use crate::problem::{ConfigError, Notice};
use crate::reader::{Reader, presets};
use crate::report::Report;
use crate::rules;
use crate::tables::Config;

/// Everything that a configuration is made of. Later fields win over earlier ones, and all win over presets.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file, where there is one.
    pub file: Option<ConfigFile>,
    /// Environment variables; those that do not concern the node are passed over.
    pub environment: Vec<(OsString, OsString)>,
    /// What the command line says.
    pub overrides: Overrides,
}

impl Sources {
    /// The file of this name, the environment of this process, and these flags.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read.
    pub fn of_process(file: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let environment = std::env::vars_os().filter(|(name, _)| environment::concerns(name)).collect();
        Ok(Self { file: file.map(ConfigFile::read).transpose()?, environment, overrides })
    }
}

/// Values of variables are left out: one of them may be the admin key.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        let Self { file, overrides, .. } = self;
        f.debug_struct("Sources")
            .field("file", file)
            .field("environment", &names)
            .field("overrides", overrides)
            .finish()
    }
}

/// A configuration that was accepted.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The checked values.
    pub config: Config,
    /// What an operator may want to know, in the order of sources, then of keys.
    pub notices: Vec<Notice>,
    pub(crate) origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where the value of a key (`table.name`) came from; `None` where it has no value or does not exist.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }
}

impl Config {
    /// Merges the sources and checks everything.
    ///
    /// # Errors
    ///
    /// All that is wrong, not only the first thing.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut report = Report::default();
        let mut layers = vec![presets()];
        layers.extend(sources.file.as_ref().map(|file| file.layer(&mut report)));
        layers.push(environment::layer(&sources.environment, &mut report));
        layers.push(sources.overrides.layer(&mut report));
        let mut reader = Reader::new(layers, &mut report);
        let config = Self::read(&mut reader);
        let origins = reader.into_origins();
        report.problems.extend(config.as_ref().map(|config| rules::broken(config, &origins)).unwrap_or_default());
        match config {
            Some(config) if report.problems.is_empty() => Ok(Loaded { config, notices: report.notices, origins }),
            _ => Err(ConfigError::new(report.problems)),
        }
    }
}
