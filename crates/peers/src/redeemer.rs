//! Redeeming tickets at other nodes, for Fix.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use raida_client::{Address, Deadline};
use raida_node::{Hear, PeerError, Peers};
use raida_wire::{CoinId, Command, RawCoinId, Recipient};
use tracing::debug;

use crate::address_book::AddressBook;
use crate::exchange::{self, Question};
use crate::failure::Failure;
use crate::fan_out::fan_out;
use crate::gate::{Gate, Pass};
use crate::patience::Patience;
use crate::ticker::Ticker;

/// Most coins that a ticket can have.
///
/// Source: protocol §7.6
const TICKET_COINS_MAX: usize = 4096;

/// How often the names of nodes are looked up anew.
const LOOK_UP_INTERVAL: Duration = Duration::from_secs(600);

/// Redeems tickets at the other nodes of the network, and knows where these are.
///
/// One call asks each of at most 24 nodes on a thread and a connection of its own, takes at most [`Patience::total`], and
/// ends as soon as whoever hears the answers has heard enough. What a peer sends is bounded and checked, but nothing says that the coins it lists are those of
/// the ticket: to ask for votes of thirteen is for the caller.
///
/// ```
/// use raida_node::{PeerError, Peers};
/// use raida_peers::{Address, Patience, Redeemer};
/// use std::num::NonZeroUsize;
/// use std::ops::ControlFlow;
///
/// let nodes = (50_000..50_025).map(|port| format!("192.0.2.1:{port}").parse::<Address>()).collect::<Result<_, _>>()?;
/// let redeemer = Redeemer::new(7, 6, nodes, Patience::default(), NonZeroUsize::MIN)?;
/// redeemer.validate(&[(7, 1)], &mut |raida_id, answer| {
///     assert_eq!((raida_id, answer), (7, Err(PeerError::Unknown)), "a node does not ask itself");
///     ControlFlow::Continue(())
/// });
/// assert!(redeemer.may_claim(3, [192, 0, 2, 1].into()) && !redeemer.may_claim(3, [192, 0, 2, 2].into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: protocol §5.4
pub struct Redeemer {
    raida_id: u8,
    coin_id: u16,
    book: Arc<AddressBook>,
    patience: Patience,
    /// To each node, by its id: who is silent fills up its own.
    errands: Vec<Gate>,
    /// Looks names up, where there are any.
    _names: Option<Ticker>,
}

/// One ticket on its way to the node that gave it out.
struct Errand {
    recipient: Recipient,
    address: Address,
    payload: [u8; 5],
    /// Held until the errand is done with, also where nobody waits for that any more.
    _pass: Pass,
}

impl Redeemer {
    /// For the node of this id, on this coin network. `nodes` are all nodes in the order of their ids, itself included;
    /// none where no peers are configured. Names among them are looked up by a thread, now and every ten minutes.
    ///
    /// `calls_max` is how many calls the caller makes at once. To each peer, the errands of as many more may still be under
    /// way, of calls that did not have to wait for it; beyond that it counts as unreachable.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn new(
        raida_id: u8,
        coin_id: u16,
        nodes: Vec<Address>,
        patience: Patience,
        calls_max: NonZeroUsize,
    ) -> io::Result<Self> {
        let errands = nodes.iter().map(|_| Gate::new(calls_max.get().saturating_mul(2))).collect();
        let book = Arc::new(AddressBook::new(nodes));
        let looked_up = Arc::clone(&book);
        let look_up = move |_: &_| {
            looked_up.look_up();
            true
        };
        let start = || Ticker::start("raida-names", Duration::ZERO, LOOK_UP_INTERVAL, look_up);
        let names = if book.has_names() { Some(start()?) } else { None };
        Ok(Self { raida_id, coin_id, book, patience, errands, _names: names })
    }

    fn errand(&self, raida_id: u8, ticket: u32) -> Result<Errand, PeerError> {
        let address = self.book.address(raida_id).filter(|_| raida_id != self.raida_id).ok_or(PeerError::Unknown)?;
        let [a, b, c, d] = ticket.to_be_bytes();
        Ok(Errand {
            recipient: Recipient { raida_id, coin_id: self.coin_id, shard: 0 },
            address: address.clone(),
            payload: [self.raida_id, a, b, c, d],
            _pass: self.errands.get(usize::from(raida_id)).and_then(Gate::enter).ok_or(PeerError::Unreachable)?,
        })
    }
}

impl Peers for Redeemer {
    /// Of several claims on one node the first counts. Every node that is named is heard once: first those that can not be
    /// asked, last those that are silent. The coins of a ticket are ascending, each once.
    fn validate(&self, claims: &[(u8, u32)], hear: &mut Hear<'_>) {
        let claims: BTreeMap<_, _> = claims.iter().rev().copied().collect();
        let mut silent: BTreeSet<u8> = claims.keys().copied().collect();
        let mut listen = |raida_id, answer| {
            silent.remove(&raida_id);
            hear(raida_id, answer)
        };
        let mut errands = Vec::new();
        let is_enough = claims.iter().try_for_each(|(raida_id, ticket)| match self.errand(*raida_id, *ticket) {
            Ok(errand) => {
                errands.push(errand);
                ControlFlow::Continue(())
            }
            Err(error) => listen(*raida_id, Err(error)),
        });
        if is_enough.is_break() {
            return;
        }
        let patience = self.patience;
        let work = move |errand: Errand| (errand.run(patience), errand);
        let is_enough = fan_out(errands, Deadline::after(patience.total()), work, |(redeemed, errand)| {
            let raida_id = errand.recipient.raida_id;
            let answer = redeemed.map_err(|reason| {
                debug!(peer = %errand.address, raida_id, %reason, "ticket not redeemed");
                reason.into()
            });
            listen(raida_id, answer)
        });
        if is_enough.is_continue() {
            let _ = silent.into_iter().try_for_each(|raida_id| hear(raida_id, Err(PeerError::Unreachable)));
        }
    }

    fn may_claim(&self, raida_id: u8, from: IpAddr) -> bool {
        self.book.is_empty() || self.book.is_at(raida_id, from)
    }
}

impl Errand {
    fn run(&self, patience: Patience) -> Result<Vec<CoinId>, Failure> {
        let question = Question {
            recipient: self.recipient,
            command: Command::VALIDATE_TICKET,
            payload: &self.payload,
            key: None,
            answer_max: TICKET_COINS_MAX * size_of::<RawCoinId>(),
        };
        coins(&exchange::ask(&exchange::resolve(&self.address)?, &question, patience)?.payload)
    }
}

/// The coins of a ticket: ascending, each once. A list with anything else in it is nobody's word.
fn coins(payload: &[u8]) -> Result<Vec<CoinId>, Failure> {
    let (records, rest) = payload.as_chunks();
    if !rest.is_empty() {
        return Err(Failure::Length(payload.len()));
    }
    let coin = |octets: &[u8; 5]| RawCoinId(*octets).judge().ok_or(Failure::NoCoin);
    let mut coins = records.iter().map(coin).collect::<Result<Vec<_>, _>>()?;
    coins.sort_unstable();
    coins.dedup();
    Ok(coins)
}

impl From<Failure> for PeerError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Name(_) | Failure::Connect(_) | Failure::Broken(_) | Failure::Late | Failure::Random(_) => {
                Self::Unreachable
            }
            Failure::Cut { .. }
            | Failure::TooLong { .. }
            | Failure::Answer(_)
            | Failure::Length(_)
            | Failure::NoCoin
            | Failure::Build(_) => Self::Garbled,
            Failure::Refused(status) => Self::Refused(status),
        }
    }
}

impl fmt::Debug for Redeemer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redeemer")
            .field("raida_id", &self.raida_id)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coin_that_is_listed_twice_is_said_once() {
        let (one, other) = (CoinId::new(-1, 7).unwrap(), CoinId::new(0, 3).unwrap());
        let listed: Vec<u8> = [other, one, other, one].iter().flat_map(|coin| coin.raw().0).collect();
        assert_eq!(coins(&listed).unwrap(), [one, other]);
        assert_eq!(coins(&[]).unwrap(), []);
    }

    #[test]
    fn lists_that_make_no_sense_are_nobodys_word() {
        assert!(matches!(coins(&[0; 6]), Err(Failure::Length(6))));
        assert!(matches!(coins(&[7, 0, 0, 0, 1]), Err(Failure::NoCoin)));
        assert!(matches!(coins(&[0, 0, 0, 0, 1, 0, 0, 0x0F, 0xA0, 0]), Err(Failure::Length(10) | Failure::NoCoin)));
    }
}
