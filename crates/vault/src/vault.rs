//! What a node opens at its start and closes at its end.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use raida_config::secrets::{self, Secrets};
use raida_config::{Config, make_data_dir};
use raida_node::{AdminKey, BreakLimit, Node, Peers, ReservationLimit, Rounds, Settings, Surroundings};
use raida_peers::Keeper;
use raida_reactor::clock::Clock;
use raida_reactor::counters::Counters;
use raida_store::{Caretaker, FILE_NAME, Options, Report, Store};
use raida_wire::Month;
use tracing::{error, info, warn};

use crate::error::VaultError;
use crate::others;

/// How old the Merkle trees get at most while coins change, and how soon after a failure of the disk the first attempt
/// to recover comes.
const PACE: Duration = Duration::from_secs(1);

/// The secrets, the coins, and what keeps these in order. Close it when nobody serves any more.
#[derive(Debug)]
pub struct Vault {
    secrets: Secrets,
    // Both let go of the store before it closes.
    integrity: Option<Keeper>,
    rounds: Arc<Rounds>,
    caretaker: Caretaker,
    store: Arc<Store>,
}

impl Vault {
    /// Opens the data folder of this configuration. What is missing at a first start is made: folder, an empty store, secrets.
    /// Once there are secrets, a store that is missing is lost.
    ///
    /// # Errors
    ///
    /// See [`VaultError`]: one line that names what is wrong and where.
    pub fn open(config: &Config) -> Result<Self, VaultError> {
        let (secrets, store) = open(config)?;
        let store = Arc::new(store);
        let issued: u64 = store.issued().0.into_iter().map(u64::from).sum();
        info!(folder = %config.store.data_dir.display(), issued, "coins are open");
        let caretaker = Caretaker::start(Arc::clone(&store), PACE, tell);
        let caretaker = caretaker.map_err(|error| VaultError::Thread { purpose: "the coins", error })?;
        let rounds = Arc::default();
        Ok(Self { secrets, integrity: others::integrity(config, &store, &rounds)?, rounds, caretaker, store })
    }

    /// The node that serves these coins.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn node(
        &self,
        config: &Config,
        clock: impl Clock + Send + Sync + 'static,
        reactors: &[Arc<Counters>],
    ) -> Result<Node, VaultError> {
        let admin_key = config.server.admin_key.as_ref().unwrap_or(&self.secrets.admin_key);
        let commands = &config.commands;
        let settings = Settings {
            reactors: reactors.to_vec(),
            rounds: Arc::clone(&self.rounds),
            fixes_max: config.peers.fixes_max.get(),
            fixes_loopback_exempt: config.limits.loopback_exempt,
            claims_by_address: config.peers.claims_by_address,
            integrity: config.integrity.show_trees,
            mirror_keys: config.integrity.mirror_keys.clone(),
            admin_in_clear: commands.admin_in_clear,
            breaks: BreakLimit {
                calls: commands.breaks_max,
                span: commands.breaks_span,
                loopback_exempt: commands.breaks_loopback_exempt,
            },
            reservations: ReservationLimit {
                numbers_max: commands.reservations_max,
                per_address_max: commands.reservations_per_address_max,
            },
            resends_max: commands.resends_max,
            nonces_max: commands.nonces_max,
            ..Settings::new(config.server.raida_id, AdminKey::new(*admin_key.expose()))
        };
        let (store, peers): (_, Arc<dyn Peers>) = (Arc::clone(&self.store), others::peers(config)?);
        Ok(Node::new(settings, Surroundings { store, clock: Arc::new(clock), calendar: Arc::new(month), peers }))
    }

    /// The coins.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Whether the secrets were made just now.
    #[must_use]
    pub const fn secrets_are_new(&self) -> bool {
        self.secrets.created
    }

    /// Puts the Merkle trees on disk and lets go of the store, which closes when nobody else holds it.
    pub fn close(self) {
        let Self { integrity, caretaker, .. } = self;
        drop(integrity);
        drop(caretaker);
    }
}

fn tell(report: Report) {
    match report {
        Report::StillFailing(error, paces) => {
            error!(%error, next_attempt_s = u64::from(paces) * PACE.as_secs(), "the disk has failed: no coin can change")
        }
        Report::Recovered => warn!("the disk works again: coins can change"),
        Report::Trees(error) => error!(%error, "the Merkle trees can not be brought up to date"),
        report => warn!(?report, "about the coins"),
    }
}

/// The secrets and the store of a configuration.
pub(crate) fn open(config: &Config) -> Result<(Secrets, Store), VaultError> {
    let folder = &config.store.data_dir;
    make_data_dir(folder)?;
    // Before the secrets, wherever a first start is cut off: where those are and no coins, coins have been lost.
    if fs::symlink_metadata(config.secrets_path()).is_err() {
        make_coins(config)?;
    }
    let secrets = secrets::load_or_create(&config.secrets_path())?;
    if secrets.created {
        info!(path = %config.secrets_path().display(), "admin key and node secret made at first start");
    }
    let path = folder.join(FILE_NAME);
    if path.try_exists().is_ok_and(|exists| !exists) {
        return Err(VaultError::Lost { path });
    }
    let store = Store::open(folder, &options(config, &secrets));
    let store = store.map_err(|error| VaultError::Coins { folder: folder.clone(), error })?;
    Ok((secrets, store))
}

/// Makes a store without coins in a data folder that has none.
pub(crate) fn make_coins(config: &Config) -> Result<(), VaultError> {
    let folder = &config.store.data_dir;
    make_data_dir(folder)?;
    Store::make(folder).map_err(|error| VaultError::Coins { folder: folder.clone(), error })
}

fn options(config: &Config, secrets: &Secrets) -> Options {
    Options {
        cache_pages: config.store.cache_pages,
        database_cache: config.store.database_cache,
        lockers_max: config.store.lockers_max,
        check: config.store.check,
        ..Options::new(*secrets.node_secret.expose())
    }
}

/// The month by the system's clock.
#[must_use]
pub fn month() -> Month {
    Month::at(seconds())
}

/// Since 1970, by the system's clock.
pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use raida_config::Sources;

    use super::*;

    fn config(folder: &tempfile::TempDir) -> Config {
        let mut config = Config::load(&Sources::default()).unwrap().config;
        config.store.data_dir = folder.path().join("data");
        config
    }

    #[test]
    fn coins_that_are_gone_are_missed_and_the_way_out_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder);
        let coins = config.store.data_dir.join(FILE_NAME);
        Vault::open(&config).unwrap().close();
        fs::write(&coins, "").unwrap();
        let emptied = Vault::open(&config).unwrap_err().to_string();
        assert!(emptied.contains("coin database has 0 bytes: remove it"), "{emptied}");
        fs::remove_file(&coins).unwrap();
        let lost = Vault::open(&config).unwrap_err().to_string();
        assert!(lost.starts_with(&format!("{} is missing", coins.display())), "{lost}");
        assert!([emptied, lost].iter().all(|told| told.contains("import") && told.lines().count() == 1));
        assert!(!coins.exists(), "nothing was made");
        fs::remove_file(config.secrets_path()).unwrap();
        assert!(Vault::open(&config).unwrap().secrets_are_new(), "a node that begins anew");
    }

    #[test]
    fn a_first_start_that_was_cut_off_is_a_first_start_again() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder);
        make_coins(&config).unwrap();
        assert!(!config.secrets_path().exists());
        assert!(Vault::open(&config).unwrap().secrets_are_new());
        assert!(!Vault::open(&config).unwrap().secrets_are_new());
    }
}
