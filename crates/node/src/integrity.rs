//! Group 14, integrity: Merkle trees, and whole pages for mirrors.
//!
//! Source: protocol §5.8

use raida_reactor::service::Transport;
use raida_store::PageId;
use raida_store::pages::PAGE_LEN;
use raida_wire::vote::ROOTS_LEN;
use raida_wire::{Denomination, Encryption, KeyName, RawCoinId, Status};
use zeroize::Zeroizing;

use crate::asked::Asked;
use crate::node::Node;
use crate::reply::Reply;
use crate::setback::Outcome;

/// 14/2: one node of a tree.
pub(crate) fn branch(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let ([denomination], level, index) = (*payload.take()?, payload.u32()?, payload.u32()?);
    payload.end()?;
    let denomination = Denomination::new(denomination.cast_signed()).filter(|_| node.settings().integrity);
    let found = denomination.and_then(|denomination| node.store().forest().node(denomination, level, index));
    reply.payload(&found.ok_or(Status::FILE_NOT_EXIST)?);
    Ok(Status::SUCCESS)
}

/// 14/4: the secrets of 1024 coins, for mirrors that the operator listed.
pub(crate) fn page(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let ([denomination], number) = (*payload.take()?, payload.u32()?);
    payload.end()?;
    if !is_mirror(node, asked) {
        return Err(Status::ADMIN_AUTH.into());
    }
    if asked.transport != Transport::Tcp {
        return Err(Status::INVALID_UDP_FRAME_COUNT.into());
    }
    let denomination = Denomination::new(denomination.cast_signed());
    let page = denomination.and_then(|denomination| PageId::new(denomination, number)).ok_or(Status::FILE_NOT_EXIST)?;
    let mut octets = Zeroizing::new([0; PAGE_LEN]);
    node.store().page(page, &mut octets)?;
    reply.payload(&*octets);
    Ok(Status::SUCCESS)
}

/// 14/5: all roots. The caller's own come along and are ignored.
pub(crate) fn roots(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    payload.take::<ROOTS_LEN>()?;
    payload.end()?;
    reply.payload(&*node.roots());
    Ok(Status::SUCCESS)
}

/// Whether the request is under the long encryption and under the key of a listed coin.
fn is_mirror(node: &Node, asked: &Asked<'_>) -> bool {
    let is_listed = |coin: RawCoinId| coin.judge().is_some_and(|coin| node.settings().mirror_keys.contains(&coin));
    let is_long = matches!(asked.head.encryption(), Encryption::Coin256 | Encryption::TwoCoins);
    is_long
        && match asked.head.key() {
            KeyName::None | KeyName::Locker(_) => false,
            KeyName::Coin(coin) => is_listed(coin),
            KeyName::TwoCoins(first, second) => is_listed(first) || is_listed(second),
        }
}
