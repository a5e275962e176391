//! The table of connections, indexed by the slot of their tokens.

use raida_reactor::token::Token;

use crate::connection::Connection;
use crate::ready::{Place, Ready};
use crate::source::Source;

/// All slots, allocated once. A token opens its slot only as long as the tenancy that it names lasts.
#[derive(Debug)]
pub(crate) struct Connections {
    slots: Box<[Slot]>,
}

/// The place in the ready list is the slot's, not the tenant's: one that leaves while it stands there passes the place
/// on, so the list cannot outgrow the table.
#[derive(Debug, Default)]
struct Slot {
    place: Place,
    tenant: Option<Connection>,
}

impl Connections {
    pub(crate) fn new(slots: u32) -> Self {
        Self { slots: (0..slots).map(|_| Slot::default()).collect() }
    }

    /// Gives the connection its slot, and returns it where the table has no such slot, or else whoever was there.
    pub(crate) fn insert(&mut self, connection: Connection) -> Option<Connection> {
        match self.slots.get_mut(connection.token().slot() as usize) {
            Some(slot) => slot.tenant.replace(connection),
            None => Some(connection),
        }
    }

    pub(crate) fn get_mut(&mut self, token: Token) -> Option<&mut Connection> {
        self.slot_mut(token)?.tenant.as_mut()
    }

    pub(crate) fn remove(&mut self, token: Token) -> Option<Connection> {
        self.slot_mut(token)?.tenant.take()
    }

    /// Puts the connection on the ready list if a turn would be of use.
    pub(crate) fn queue(&mut self, token: Token, ready: &mut Ready) {
        let Some(slot) = self.slot_mut(token) else { return };
        if slot.tenant.as_ref().is_some_and(Connection::has_work) {
            ready.push(Source::Connection(token), &mut slot.place);
        }
    }

    /// The slot named by `token` has left the ready list. Returns its tenant of today, whoever stood in line.
    pub(crate) fn call(&mut self, token: Token) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(token.slot() as usize)?;
        slot.place.free();
        slot.tenant.as_mut()
    }

    /// The slot, if `token` names its present tenancy.
    fn slot_mut(&mut self, token: Token) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(token.slot() as usize)?;
        (slot.tenant.as_ref()?.token() == token).then_some(slot)
    }
}
