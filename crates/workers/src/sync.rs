//! The primitives: from `std` and `crossbeam-utils`, or from the model checker under `cfg(loom)`.

#[cfg(not(loom))]
pub(crate) use crossbeam_utils::sync::{Parker, Unparker};
#[cfg(not(loom))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(loom)]
pub(crate) use self::model::{Parker, Unparker};
#[cfg(loom)]
pub(crate) use loom::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread,
};

use std::sync::PoisonError;

/// Locks. A poisoned lock is taken all the same: no code of a caller ever runs under one, and what
/// this crate does under one leaves it whole at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The contract of crossbeam's parker (one token; `unpark` sets it, `park` waits for it and takes
/// it), spelled with primitives that loom can see.
#[cfg(loom)]
mod model {
    use super::{Condvar, Mutex, lock};
    use std::sync::{Arc, PoisonError};

    pub(crate) struct Parker(Unparker);

    #[derive(Clone)]
    pub(crate) struct Unparker(Arc<(Mutex<bool>, Condvar)>);

    impl Parker {
        pub(crate) fn new() -> Self {
            Self(Unparker(Arc::new((Mutex::new(false), Condvar::new()))))
        }

        pub(crate) fn unparker(&self) -> &Unparker {
            &self.0
        }

        pub(crate) fn park(&self) {
            let (token, set) = &*self.0.0;
            let mut token = lock(token);
            while !*token {
                token = set.wait(token).unwrap_or_else(PoisonError::into_inner);
            }
            *token = false;
        }
    }

    impl Unparker {
        pub(crate) fn unpark(&self) {
            let (token, set) = &*self.0;
            *lock(token) = true;
            set.notify_one();
        }
    }
}
