//! What happens after the disk has failed: the store refuses changes, goes on reading, and takes changes again when the
//! disk does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{OpenError, StoreError};
use crate::medium::Plug;
use crate::schema;
use crate::store::{Store, Writer};
use crate::view::View;

/// How a store is, and what has befallen it since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it takes changes. Where it does not, [`Store::recover`] has to be called.
    pub takes_changes: bool,
    /// How many changes failed half-way: nobody was told that they are on disk, and some of them may be.
    pub failures: u64,
    /// How often it has come back from a failure.
    pub recoveries: u64,
}

/// What [`Health`] tells, while it changes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    // ORDERING: Relaxed everywhere: what people are told. The writer's lock guards what depends on it.
    is_broken: AtomicBool,
    failures: AtomicU64,
    recoveries: AtomicU64,
}

impl Tally {
    pub(crate) fn note_broken(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }
}

impl Store {
    /// How the store is. Never waits.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            takes_changes: !self.tally.is_broken.load(Ordering::Relaxed) && !self.medium.has_failed(),
            failures: self.tally.failures.load(Ordering::Relaxed),
            recoveries: self.tally.recoveries.load(Ordering::Relaxed),
        }
    }

    /// Opens the database again if it has failed. Tells whether it had.
    ///
    /// Reads its whole file, so call it from time to time, not for every request. Afterwards readers see what is on
    /// disk: a batch whose commit has failed wholly, or nothing of it. Changes wait meanwhile; readers do not.
    ///
    /// # Errors
    ///
    /// When the disk still fails: changes are refused, and readers see what could be read and is sure.
    pub fn recover(&self) -> Result<bool, OpenError> {
        let mut writer = self.lock_writer();
        if !self.is_broken(&writer) {
            return Ok(false);
        }
        let _unsettled = self.mirror.unsettle();
        // A read that failed has left nothing in doubt.
        writer.doubt.get_or_insert_default();
        let opened = self.medium.write_again().map_err(StoreError::from);
        let opened = opened.map_err(OpenError::from).and_then(|()| self.open_again(&mut writer, self.medium.plug_in()));
        match opened {
            Ok(()) => {
                writer.doubt = None;
                self.mirror.distrust(&[]);
                self.tally.is_broken.store(false, Ordering::Relaxed);
                self.tally.recoveries.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) => {
                self.open_to_look(&mut writer);
                Err(error)
            }
        }
    }

    pub(crate) fn is_broken(&self, writer: &Writer) -> bool {
        writer.doubt.is_some() || self.medium.has_failed()
    }

    /// A change has failed half-way. From now on readers see what the disk has, on a database that writes nothing; of what
    /// the change touched they are told nothing until a sync has made it sure.
    pub(crate) fn fail(&self, writer: &mut Writer) {
        self.tally.failures.fetch_add(1, Ordering::Relaxed);
        self.tally.note_broken();
        self.open_to_look(writer);
    }

    fn open_to_look(&self, writer: &mut Writer) {
        self.mirror.distrust(writer.doubt.as_deref().unwrap_or_default());
        let is_sure = self.medium.write_again().is_ok();
        // Where not even that can be done, memory still serves what it has.
        let is_open = self.open_again(writer, self.medium.plug_in_to_look()).is_ok();
        if is_sure && is_open {
            self.mirror.distrust(&[]);
        }
    }

    fn open_again(&self, writer: &mut Writer, plug: Plug) -> Result<(), OpenError> {
        let database = self.opening.open(plug)?;
        let (view, stale) = (View::new(&database)?, schema::stale(&database)?);
        let in_doubt = writer.doubt.iter().flatten();
        let found = in_doubt.map(|id| Ok((*id, Arc::new(view.chunk(*id)?)))).collect::<Result<Vec<_>, StoreError>>()?;
        self.mirror.lockers.count(&view)?;
        self.mirror.publish(view, &found, &[]);
        (writer.database, writer.stale) = (database, stale);
        Ok(())
    }
}
