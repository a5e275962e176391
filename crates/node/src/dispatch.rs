//! Which command runs what, and where.

use raida_wire::{Command, Status};

use crate::census::Census;
use crate::keys::KeySource;
use crate::node::Node;
use crate::reply::Reply;
use crate::status;

/// One command that this node offers.
#[derive(Debug)]
pub(crate) struct Entry<K: 'static> {
    pub(crate) command: Command,
    pub(crate) work: Work,
    pub(crate) run: Handler<K>,
}

/// Does what a command asks: the clear payload in, the status out, an answer's payload into the reply.
pub(crate) type Handler<K> = fn(&Node<K>, &[u8], &mut Reply<'_, '_>) -> Status;

/// Where a command may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// It computes for microseconds and never blocks: on the I/O thread.
    Inline,
    /// It may block or takes long: on a worker.
    Deferred,
}

impl<K: KeySource + Census> Entry<K> {
    /// Every command on offer.
    pub(crate) const OFFERED: &'static [Self] = &[
        Self { command: Command::ECHO, work: Work::Inline, run: status::echo },
        Self { command: Command::VERSION, work: Work::Inline, run: status::version },
        Self { command: Command::SHOW_STATS, work: Work::Inline, run: status::show_stats },
        Self { command: Command::AUDIT, work: Work::Inline, run: status::audit },
    ];

    /// What runs for a command of the registry that is not on offer.
    pub(crate) fn not_offered(command: Command) -> Self {
        Self { command, work: Work::Inline, run: |_, _, _| Status::NOT_IMPLEMENTED }
    }
}
