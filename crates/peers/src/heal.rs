//! Looking for pages that mirrors have otherwise, and replacing them.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};
use std::time::Duration;

use raida_client::{Deadline, KeyCoin};
use raida_store::pages::PAGE_LEN;
use raida_store::{Forest, PageId, Store};
use raida_wire::merkle::{MISSING_LEAF, NODE_LEN, Node};
use raida_wire::vote::ROOTS_LEN;
use raida_wire::{CoinId, Command, Denomination, Recipient};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::exchange::{self, Answer, Question};
use crate::failure::Failure;
use crate::page::{PageError, replace_page};
use crate::patience::Patience;
use crate::report::{End, Healed};
use crate::walk::{Walk, Wanted};

/// How a node may be healed. To have one is the operator's explicit wish.
///
/// Source: protocol §6.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healing {
    /// Coins whose owners may fetch pages from the mirrors. Their authenticity numbers, the same at all mirrors, are keys:
    /// they are tried in this order. Two on different pages can heal each other's page.
    pub keys: Vec<CoinId>,
}

/// The bounds of one search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) pages_max: NonZeroUsize,
    pub(crate) total: Duration,
    pub(crate) patience: Patience,
}

/// One search through the trees of the mirrors.
pub(crate) struct Search<'s> {
    store: &'s Weak<Store>,
    own: Arc<Forest>,
    walk: Walk,
    /// Those who agree and have not failed yet; the one that is asked stands last.
    mirrors: Vec<SocketAddr>,
    recipient: Recipient,
    bounds: Bounds,
    healed: Healed,
}

impl<'s> Search<'s> {
    /// From `roots`, on which the holders agree, to the pages that differ from `own`, the trees of the store's state.
    pub(crate) fn new(
        store: &'s Weak<Store>,
        own: Arc<Forest>,
        roots: &[u8; ROOTS_LEN],
        mut holders: Vec<SocketAddr>,
        recipient: Recipient,
        bounds: Bounds,
    ) -> Self {
        holders.reverse();
        let walk = Walk::new(Arc::clone(&own), roots);
        let healed = Healed { differing: Vec::new(), replaced: Vec::new(), coins: 0, end: End::Complete };
        Self { store, own, walk, mirrors: holders, recipient, bounds, healed }
    }

    /// Looks for the pages, and replaces them where `healing` says so.
    pub(crate) fn run(mut self, healing: Option<&Healing>, is_over: &dyn Fn() -> bool) -> Healed {
        self.healed.end = match healing.map(|healing| self.keys(healing)).transpose() {
            Ok(keys) => self.go(keys.as_deref(), is_over),
            Err(end) => end,
        };
        self.healed
    }

    /// The key coins that are issued here, with the numbers that this node and the mirrors have.
    fn keys(&self, healing: &Healing) -> Result<Vec<KeyCoin>, End> {
        let store = self.store.upgrade().ok_or(End::Stopped)?;
        let key = |coin: &CoinId| Some(KeyCoin { coin: *coin, number: store.read(*coin).ok().flatten()?.an });
        let keys: Vec<_> = healing.keys.iter().filter_map(key).collect();
        if keys.is_empty() { Err(End::NoKey) } else { Ok(keys) }
    }

    /// Step by step until an end.
    fn go(&mut self, keys: Option<&[KeyCoin]>, is_over: &dyn Fn() -> bool) -> End {
        let deadline = Deadline::after(self.bounds.total);
        while let Some(wanted) = self.walk.wanted() {
            let pages = self.healed.differing.len() + self.healed.replaced.len();
            let Some(left) = deadline.left() else { return End::TimeOver };
            let Some(mirror) = self.mirrors.last().copied() else { return End::NoMirrorLeft };
            if is_over() {
                return End::Stopped;
            }
            let patience = Patience::new(self.bounds.patience.connect(), self.bounds.patience.total().min(left));
            let step = match (wanted, keys) {
                (Wanted::Children { denomination, level, left, right }, _) => {
                    self.descend(mirror, denomination, level, left, right, patience)
                }
                (Wanted::Page { .. }, _) if pages >= self.bounds.pages_max.get() => return End::PagesMax,
                (Wanted::Page { page, leaf }, Some(keys)) if leaf != MISSING_LEAF => {
                    self.replace(mirror, page, &leaf, keys, patience)
                }
                (Wanted::Page { page, .. }, _) => {
                    self.pass_over(page);
                    Ok(())
                }
            };
            if let Err(reason) = step {
                warn!(%mirror, %reason, "mirror is not asked further in this cycle");
                self.mirrors.pop();
            }
        }
        End::Complete
    }

    fn descend(
        &mut self,
        mirror: SocketAddr,
        denomination: Denomination,
        level: u32,
        left: u32,
        right: Option<u32>,
        patience: Patience,
    ) -> Result<(), String> {
        let node =
            |index| self.node(mirror, denomination, level, index, patience).map_err(|failure| failure.to_string());
        let (left, right) = (node(left)?, right.map(node).transpose()?);
        self.walk.children(&left, right.as_ref()).map_err(|forged| forged.to_string())
    }

    fn node(
        &self,
        mirror: SocketAddr,
        denomination: Denomination,
        level: u32,
        index: u32,
        patience: Patience,
    ) -> Result<Node, Failure> {
        let [a, b, c, d] = level.to_be_bytes();
        let [e, f, g, h] = index.to_be_bytes();
        let payload = [denomination.octet(), a, b, c, d, e, f, g, h];
        let answer = self.ask(mirror, Command::GET_MERKLE_BRANCH, &payload, None, NODE_LEN, patience)?;
        answer.payload.as_slice().try_into().map_err(|_| Failure::Length(answer.payload.len()))
    }

    /// Replaces one page. An error is the mirror's fault; a page that can not be replaced is passed over.
    fn replace(
        &mut self,
        mirror: SocketAddr,
        page: PageId,
        leaf: &Node,
        keys: &[KeyCoin],
        patience: Patience,
    ) -> Result<(), String> {
        let octets = self.page(mirror, page, keys, patience).map_err(|failure| failure.to_string())?;
        let before = self.own.node(page.denomination(), 0, page.number().into());
        let (Some(store), Some(before)) = (self.store.upgrade(), before) else {
            self.pass_over(page);
            return Ok(());
        };
        match replace_page(&store, page, &octets, leaf, &before) {
            Ok(coins) => {
                info!(%page, coins, %mirror, "page replaced by that of thirteen mirrors");
                self.healed.replaced.push(page);
                self.healed.coins += coins;
                self.walk.leave();
                Ok(())
            }
            Err(error @ PageError::Leaf) => Err(error.to_string()),
            Err(error @ (PageError::Ambiguous(_) | PageError::Moved | PageError::Store(_))) => {
                warn!(%page, %error, "page not replaced");
                self.pass_over(page);
                Ok(())
            }
        }
    }

    /// The octets of a page, with the first key that opens it.
    fn page(
        &self,
        mirror: SocketAddr,
        page: PageId,
        keys: &[KeyCoin],
        patience: Patience,
    ) -> Result<Zeroizing<[u8; PAGE_LEN]>, Failure> {
        let [a, b, c, d] = u32::from(page.number()).to_be_bytes();
        let payload = [page.denomination().octet(), a, b, c, d];
        let mut last = Failure::Late;
        for key in keys {
            match self.ask(mirror, Command::GET_PAGE_DATA, &payload, Some(key), PAGE_LEN, patience) {
                Ok(Answer { payload, .. }) => {
                    let octets = payload.as_slice().try_into().map_err(|_| Failure::Length(payload.len()))?;
                    return Ok(Zeroizing::new(octets));
                }
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    fn pass_over(&mut self, page: PageId) {
        self.healed.differing.push(page);
        self.walk.leave();
    }

    fn ask(
        &self,
        mirror: SocketAddr,
        command: Command,
        payload: &[u8],
        key: Option<&KeyCoin>,
        answer_max: usize,
        patience: Patience,
    ) -> Result<Answer, Failure> {
        exchange::ask(&[mirror], &Question { recipient: self.recipient, command, payload, key, answer_max }, patience)
    }
}
