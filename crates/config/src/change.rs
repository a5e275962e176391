//! What differs between the configuration that a node runs by and a newer one.

use crate::tables::{Config, Server};

/// A key that the newer configuration has otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `table.name`.
    pub key: String,
    /// Whether it can change while the node runs. Where not, it takes a restart.
    pub is_live: bool,
}

impl Config {
    /// What `newer` has otherwise, in the order of keys.
    ///
    /// ```
    /// use raida_config::{Config, Sources};
    ///
    /// let running = Config::load(&Sources::default())?.config;
    /// let environment = [("RAIDA_TIMEOUTS__DRAIN_MS", "100"), ("RAIDA_NETWORK__REACTORS", "2")];
    /// let environment = environment.map(|(name, value)| (name.into(), value.into())).to_vec();
    /// let newer = Config::load(&Sources { environment, ..Sources::default() })?.config;
    ///
    /// let changes = running.changes(&newer);
    /// assert_eq!(changes.iter().map(|change| change.is_live).collect::<Vec<_>>(), [false, true]);
    /// let now = running.with_live(&newer);
    /// assert_eq!((now.timeouts.drain.as_millis(), now.network.reactors.get()), (100, 1));
    /// # Ok::<(), raida_config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut changes: Vec<Change> = (self.values().into_iter().zip(newer.values()))
            .filter(|((_, old), (_, new))| old != new)
            .map(|((key, _), _)| Change { key: key.path(), is_live: key.is_live })
            .collect();
        // Secrets have no spelling, so they are compared here.
        if self.server.admin_key != newer.server.admin_key {
            changes.insert(0, Change { key: Server::admin_key.path(), is_live: Server::admin_key.is_live });
        }
        changes
    }

    /// This configuration with the values that `newer` has for the keys that can change while the node runs.
    #[must_use]
    pub fn with_live(&self, newer: &Self) -> Self {
        let mut config = self.clone();
        config.take_live(newer);
        config
    }
}
