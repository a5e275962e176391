//! The table of connections, indexed by the slot of their tokens.

use raida_reactor::token::Token;

use crate::ready::{Place, Ready};
use crate::source::Source;

/// All slots, allocated once. A token opens its slot only as long as the tenancy that it names lasts.
#[derive(Debug)]
pub struct Connections<C> {
    slots: Box<[Slot<C>]>,
}

/// What a backend knows of one connection.
pub trait Tenant {
    /// The name of its tenancy.
    fn token(&self) -> Token;

    /// Whether a turn would be of use.
    fn has_work(&self) -> bool;
}

/// The place in the ready list is the slot's, not the tenant's: one that leaves while it stands there passes the place
/// on, so the list cannot outgrow the table.
#[derive(Debug)]
struct Slot<C> {
    place: Place,
    tenant: Option<C>,
}

impl<C: Tenant> Connections<C> {
    /// So many empty slots.
    #[must_use]
    pub fn new(slots: u32) -> Self {
        Self { slots: (0..slots).map(|_| Slot { place: Place::default(), tenant: None }).collect() }
    }

    /// Gives the connection its slot, and returns it where the table has no such slot, or else whoever was there.
    pub fn insert(&mut self, connection: C) -> Option<C> {
        match self.slots.get_mut(connection.token().slot() as usize) {
            Some(slot) => slot.tenant.replace(connection),
            None => Some(connection),
        }
    }

    /// The tenant, as long as this is its tenancy.
    pub fn get_mut(&mut self, token: Token) -> Option<&mut C> {
        self.slot_mut(token)?.tenant.as_mut()
    }

    /// Ends a tenancy.
    pub fn remove(&mut self, token: Token) -> Option<C> {
        self.slot_mut(token)?.tenant.take()
    }

    /// Puts the connection on the ready list if a turn would be of use.
    pub fn queue(&mut self, token: Token, ready: &mut Ready) {
        let Some(slot) = self.slot_mut(token) else { return };
        if slot.tenant.as_ref().is_some_and(Tenant::has_work) {
            ready.push(Source::Connection(token), &mut slot.place);
        }
    }

    /// The slot named by `token` has left the ready list. Returns its tenant of today, whoever stood in line.
    pub fn call(&mut self, token: Token) -> Option<&mut C> {
        let slot = self.slots.get_mut(token.slot() as usize)?;
        slot.place.free();
        slot.tenant.as_mut()
    }

    /// Every tenant.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut C> {
        self.slots.iter_mut().filter_map(|slot| slot.tenant.as_mut())
    }

    /// The slot, if `token` names its present tenancy.
    fn slot_mut(&mut self, token: Token) -> Option<&mut Slot<C>> {
        let slot = self.slots.get_mut(token.slot() as usize)?;
        (slot.tenant.as_ref()?.token() == token).then_some(slot)
    }
}
