//! Group 0, status: is the node there, what is it, what has it done.
//!
//! Source: protocol §5.3

use raida_wire::{Status, audit, stats};

use crate::admin_key::AdminKey;
use crate::census::Census;
use crate::node::Node;
use crate::reply::Reply;
use crate::version::BUILD_DATE;

/// 0/0: whatever the payload, success.
pub(crate) fn echo<K>(node: &Node<K>, _: &[u8], _: &mut Reply<'_, '_>) -> Status {
    node.statistics().count_echo();
    Status::SUCCESS
}

/// 0/1: the build date.
pub(crate) fn version<K>(_: &Node<K>, _: &[u8], reply: &mut Reply<'_, '_>) -> Status {
    reply.payload(&BUILD_DATE);
    Status::SUCCESS
}

/// 0/2: the counters, for whoever presents the admin key. What follows the key is ignored.
pub(crate) fn show_stats<K>(node: &Node<K>, payload: &[u8], reply: &mut Reply<'_, '_>) -> Status {
    let Some((presented, _)) = payload.split_first_chunk::<{ AdminKey::LEN }>() else {
        return Status::INVALID_PACKET_LENGTH;
    };
    if !node.admin_key().is(presented) {
        return Status::ADMIN_AUTH;
    }
    reply.proved();
    let mut octets = [0; stats::LEN];
    node.statistics().read().emit(&mut octets);
    reply.payload(&octets);
    Status::SUCCESS
}

/// 0/3: issued coins per denomination.
pub(crate) fn audit<K: Census>(node: &Node<K>, _: &[u8], reply: &mut Reply<'_, '_>) -> Status {
    let mut octets = [0; audit::LEN];
    node.coins().issued().emit(&mut octets);
    reply.payload(&octets);
    Status::SUCCESS
}
