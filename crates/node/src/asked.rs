//! What a command knows of its request.

use std::net::IpAddr;

use raida_reactor::service::{Place, Transport};
use raida_wire::payload::Payload;
use raida_wire::{Head, Status};

use crate::admin_key::AdminKey;
use crate::node::Node;

/// One opened request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) head: Head,
    /// The client's address; an IPv4 address also where it came in the guise of an IPv6 one.
    pub(crate) from: IpAddr,
    pub(crate) transport: Transport,
    pub(crate) place: Place,
    payload: Payload<'a>,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(head: Head, payload: &'a [u8], from: IpAddr, transport: Transport, place: Place) -> Self {
        Self { head, from: from.to_canonical(), transport, place, payload: Payload::new(payload) }
    }

    /// The clear payload.
    pub(crate) const fn payload(&self) -> Payload<'a> {
        self.payload
    }

    /// Refuses whoever lacks the admin key, and whoever shows it to the whole network.
    ///
    /// Source: protocol §5.5
    pub(crate) fn authorise(&self, node: &Node, presented: &[u8; AdminKey::LEN]) -> Result<(), Status> {
        let settings = node.settings();
        let is_covered = self.head.encryption().code() != 0 || self.from.is_loopback() || settings.admin_in_clear;
        if settings.admin_key.is(presented) && is_covered { Ok(()) } else { Err(Status::ADMIN_AUTH) }
    }
}
