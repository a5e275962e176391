//! Which command runs what, and where.

use raida_wire::{Command, Status};

use crate::asked::Asked;
use crate::ledger::Ledger;
use crate::node::Node;
use crate::reply::Reply;
use crate::setback::Outcome;
use crate::{authentication, change, executive, healing, integrity, locker, status};

/// One command that this node offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) command: Command,
    pub(crate) work: Work,
    /// Whether running it a second time would do something else: a datagram that comes again gets the former answer.
    ///
    /// Source: protocol §1.11
    pub(crate) is_once: bool,
}

/// Does what a command asks: reads the request, gives the status, and puts an answer's payload into the reply.
pub(crate) type Answering = fn(&Node, &Asked<'_>, &mut Reply<'_, '_>) -> Outcome;

/// The same for a command that changes coins.
pub(crate) type Changing = fn(&Node, &Asked<'_>, &mut Ledger<'_, '_>, &mut Reply<'_, '_>) -> Outcome;

/// Where a command runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// On the I/O thread, for microseconds and without ever blocking; on a worker, if it finds that it would have to.
    Inline(Answering),
    /// On a worker: it may block or takes long.
    Deferred(Answering),
    /// Together with others of its kind, before one commit.
    Together(Changing),
}

impl Entry {
    /// Every command on offer.
    pub(crate) const OFFERED: &'static [Self] = &[
        Self::new(Command::ECHO, Work::Inline(status::echo)),
        Self::new(Command::VERSION, Work::Inline(status::version)),
        Self::new(Command::SHOW_STATS, Work::Inline(status::show_stats)),
        Self::new(Command::AUDIT, Work::Inline(status::audit)),
        Self::new(Command::DETECT, Work::Inline(authentication::detect)),
        Self::new(Command::DETECT_SUM, Work::Deferred(authentication::detect_sum)),
        Self::new(Command::POWN, Work::Together(authentication::pown)),
        Self::new(Command::POWN_SUM, Work::Together(authentication::pown_sum)),
        Self::new(Command::GET_TICKET, Work::Inline(healing::get_ticket)).once(),
        Self::new(Command::VALIDATE_TICKET, Work::Inline(healing::validate_ticket)).once(),
        Self::new(Command::FIND, Work::Inline(healing::find)),
        Self::new(Command::FIX, Work::Deferred(healing::fix)).once(),
        Self::new(Command::GET_AVAILABLE_SNS, Work::Deferred(executive::available_numbers)),
        Self::new(Command::CREATE_COINS, Work::Together(executive::create)),
        Self::new(Command::DELETE_COINS, Work::Together(executive::delete)),
        Self::new(Command::FREE_COINS, Work::Together(executive::free)),
        Self::new(Command::GET_ALL_SNS, Work::Deferred(executive::all_numbers)),
        Self::new(Command::STORE, Work::Together(locker::store)),
        Self::new(Command::PEEK, Work::Deferred(locker::peek)),
        Self::new(Command::REMOVE, Work::Together(locker::remove)),
        Self::new(Command::GET_AVAILABLE_CHANGE_SNS, Work::Deferred(change::available_numbers)),
        Self::new(Command::BREAK, Work::Together(change::break_coin)),
        Self::new(Command::JOIN, Work::Together(change::join_coins)),
        Self::new(Command::GET_MERKLE_BRANCH, Work::Inline(integrity::branch)),
        Self::new(Command::GET_PAGE_DATA, Work::Deferred(integrity::page)),
        Self::new(Command::GET_ALL_ROOTS, Work::Inline(integrity::roots)),
    ];

    /// Whoever changes coins does it once.
    pub(crate) const fn new(command: Command, work: Work) -> Self {
        Self { command, work, is_once: matches!(work, Work::Together(_)) }
    }

    const fn once(self) -> Self {
        Self { is_once: true, ..self }
    }

    /// What runs for a command of the registry that is not on offer.
    pub(crate) const fn not_offered(command: Command) -> Self {
        Self::new(command, Work::Inline(|_, _, _| Ok(Status::NOT_IMPLEMENTED)))
    }
}
