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
    /// Tells of a long change, without making it, that it comes to nothing, or that it is [`Proved`](crate::setback::Setback::Proved). The batch
    /// is one thread for all: who knows no coin's number is not to take its time.
    pub(crate) proof: Option<Answering>,
}

/// Does what a command asks: reads the request, gives the status, and puts an answer's payload into the reply.
pub(crate) type Answering = fn(&Node, &Asked<'_>, &mut Reply<'_, '_>) -> Outcome;

/// The same for a command that changes coins.
pub(crate) type Changing = fn(&Node, &Asked<'_>, &mut Ledger<'_, '_>, &mut Reply<'_, '_>) -> Outcome;

/// Where a command runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// On the I/O thread, and nothing to do but to open the envelope: success, whatever the payload.
    Echo,
    /// On the I/O thread, for microseconds and without ever blocking; on a worker, if it finds that it would have to.
    Inline(Answering),
    /// On a worker: it may block or takes long.
    Deferred(Answering),
    /// Together with others of its kind, before one commit.
    Together(Changing),
}

/// How many commands are told apart: those on offer, and all others together.
pub(crate) const PLACES: usize = Entry::OFFERED.len() + 1;

/// Where a command is counted: by its place among those on offer, the others behind them.
pub(crate) fn place(command: Command) -> usize {
    let group = TABLE.get(usize::from(command.group));
    group.and_then(|codes| codes.get(usize::from(command.code))).map_or(PLACES - 1, |place| usize::from(*place))
}

/// A look-up instead of a search, for every answer.
static TABLE: [[u8; 256]; 16] = table();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "what does not fit does not compile")]
const fn table() -> [[u8; 256]; 16] {
    let mut table = [[PLACES as u8 - 1; 256]; 16];
    let mut place = 0;
    while place < Entry::OFFERED.len() {
        let command = Entry::OFFERED[place].command;
        table[command.group as usize][command.code as usize] = place as u8;
        place += 1;
    }
    table
}

impl Entry {
    /// Every command on offer.
    pub(crate) const OFFERED: &'static [Self] = &[
        Self::new(Command::ECHO, Work::Echo),
        Self::new(Command::VERSION, Work::Inline(status::version)),
        Self::new(Command::SHOW_STATS, Work::Inline(status::show_stats)),
        Self::new(Command::AUDIT, Work::Inline(status::audit)),
        Self::new(Command::DETECT, Work::Inline(authentication::detect)),
        Self::new(Command::DETECT_SUM, Work::Deferred(authentication::detect_sum)),
        Self::new(Command::POWN, Work::Together(authentication::pown)).proved_by(authentication::prove_pown),
        Self::new(Command::POWN_SUM, Work::Together(authentication::pown_sum))
            .proved_by(authentication::prove_pown_sum),
        Self::new(Command::GET_TICKET, Work::Inline(healing::get_ticket)).once(),
        Self::new(Command::VALIDATE_TICKET, Work::Inline(healing::validate_ticket)).once(),
        Self::new(Command::FIND, Work::Inline(healing::find)),
        Self::new(Command::FIX, Work::Deferred(healing::fix)).once(),
        Self::new(Command::GET_AVAILABLE_SNS, Work::Deferred(executive::available_numbers)),
        Self::new(Command::CREATE_COINS, Work::Together(executive::create)),
        Self::new(Command::DELETE_COINS, Work::Together(executive::delete)),
        Self::new(Command::FREE_COINS, Work::Together(executive::free)),
        Self::new(Command::GET_ALL_SNS, Work::Deferred(executive::all_numbers)),
        Self::new(Command::STORE, Work::Together(locker::store)).proved_by(locker::prove_store),
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
        Self { command, work, is_once: matches!(work, Work::Together(_)), proof: None }
    }

    const fn once(self) -> Self {
        Self { is_once: true, ..self }
    }

    const fn proved_by(self, proof: Answering) -> Self {
        Self { proof: Some(proof), ..self }
    }

    /// What runs for a command of the registry that is not on offer.
    pub(crate) const fn not_offered(command: Command) -> Self {
        Self::new(command, Work::Inline(|_, _, _| Ok(Status::NOT_IMPLEMENTED)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_on_offer_has_a_place_of_its_own_and_the_others_share_one() {
        for group in 0..=u8::MAX {
            for code in 0..=u8::MAX {
                let command = Command::new(group, code);
                let offered = Entry::OFFERED.iter().position(|entry| entry.command == command);
                assert_eq!(place(command), offered.unwrap_or(Entry::OFFERED.len()), "{command}");
            }
        }
    }
}
