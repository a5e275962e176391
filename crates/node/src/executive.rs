//! Group 3, executive: whoever has the admin key issues coins and withdraws them.
//!
//! Every command checks the size first, then the key, then whether the coins divide.
//!
//! Source: protocol §5.5

use raida_store::{BITMAP_LEN, PageId};
use raida_wire::payload::{Claim, List};
use raida_wire::{AuthenticityNumber, Denomination, RawCoinId, SerialNumber, Status};

use crate::asked::Asked;
use crate::authentication::in_range;
use crate::ledger::Ledger;
use crate::node::Node;
use crate::page_bits::PageBits;
use crate::reply::Reply;
use crate::reservations::Session;
use crate::setback::Outcome;
use crate::spans::Spans;
use crate::statistics::Judged;
use crate::verdict;

/// The session that may create coins anywhere, without a reservation.
const ANYWHERE: Session = Session(0xEEEE_EEEE);

/// 3/120: free serial numbers of the wanted denominations. Keeps their pages for the session.
pub(crate) fn available_numbers(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let (session, key, wanted) = (Session(payload.u32()?), payload.take()?, payload.take::<16>()?);
    payload.end()?;
    asked.authorise(node, key)?;
    reply.proved();
    let mut held = node.books.reservations.lock(node.now());
    let (mut octets, mut pages) = (Vec::new(), Vec::new());
    for (denomination, _) in Denomination::all().zip(wanted).filter(|(_, is_wanted)| **is_wanted != 0) {
        let open = held.open_pages(session, denomination);
        let spans = Spans::of(open.flat_map(|page| PageBits(node.store().free_on(page)).coins(page)));
        spans.write(denomination, &mut octets);
        pages.extend(spans.pages(denomination));
    }
    reply.check_room(octets.len())?;
    pages.into_iter().for_each(|page| held.keep_page(session, page));
    reply.payload(&octets);
    Ok(Status::SUCCESS)
}

/// 3/130: issues coins that are not, and answers with their new numbers.
pub(crate) fn create(
    node: &Node,
    asked: &Asked<'_>,
    ledger: &mut Ledger<'_, '_>,
    reply: &mut Reply<'_, '_>,
) -> Outcome {
    let mut payload = asked.payload();
    let (session, key, list): (_, _, List<'_, 5>) = (Session(payload.u32()?), payload.take()?, payload.list()?);
    asked.authorise(node, key)?;
    reply.proved();
    let coins = in_range(list.records()?)?;
    reply.check_room(16 * coins.len())?;
    let held = node.books.reservations.lock(node.now());
    if session != ANYWHERE && !coins.iter().all(|coin| held.keeps_page(session, PageId::of(*coin))) {
        return Err(Status::PAGE_IS_NOT_RESERVED.into());
    }
    for (coin, place) in coins.iter().zip(reply.room(16 * coins.len()).as_chunks_mut().0) {
        // A coin that is listed twice is issued already when its second turn comes.
        if !ledger.is_free(*coin)? {
            return Err(Status::INVALID_SN_OR_DENOMINATION.into());
        }
        getrandom::fill(place).map_err(|_| Status::INTERNAL)?;
        ledger.give(*coin, AuthenticityNumber::new(*place))?;
    }
    reply.judge(Judged { passed: coins.len(), failed: 0 });
    Ok(Status::SUCCESS)
}

/// 3/140: withdraws coins whose numbers are given.
pub(crate) fn delete(
    node: &Node,
    asked: &Asked<'_>,
    ledger: &mut Ledger<'_, '_>,
    reply: &mut Reply<'_, '_>,
) -> Outcome {
    let mut payload = asked.payload();
    let (key, list): (_, List<'_, { Claim::LEN }>) = (payload.take()?, payload.list()?);
    asked.authorise(node, key)?;
    let results = list.records()?.iter().map(|claim| {
        let claim = Claim::read(claim);
        match claim.coin.judge() {
            Some(coin) if ledger.is_authentic(&claim)? => ledger.withdraw(coin).map(|()| true),
            Some(_) | None => Ok(false),
        }
    });
    verdict::of_coins(reply, results)
}

/// 3/150: withdraws coins, whatever their numbers.
pub(crate) fn free(node: &Node, asked: &Asked<'_>, ledger: &mut Ledger<'_, '_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let (_ignored, key, list): (_, _, List<'_, 5>) = (payload.u32()?, payload.take()?, payload.list()?);
    asked.authorise(node, key)?;
    let (coins, mut passed) = (list.records()?, 0);
    for coin in coins.iter().filter_map(|coin| RawCoinId(*coin).judge()) {
        ledger.withdraw(coin)?;
        passed += 1;
    }
    reply.judge(Judged { passed, failed: coins.len() - passed });
    Ok(Status::SUCCESS)
}

/// 3/160: one bit per serial number.
pub(crate) fn all_numbers(node: &Node, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Outcome {
    let mut payload = asked.payload();
    let (key, [denomination]) = (payload.take()?, *payload.take()?);
    payload.end()?;
    asked.authorise(node, key)?;
    reply.proved();
    let denomination = Denomination::new(denomination.cast_signed()).ok_or(Status::INVALID_SN_OR_DENOMINATION)?;
    reply.check_room(5 + BITMAP_LEN)?;
    let mut bitmap = Box::new([0; BITMAP_LEN]);
    node.store().bitmap(denomination, &mut bitmap);
    reply.payload(&[denomination.octet()]);
    reply.append(&(SerialNumber::COUNT / 8).to_be_bytes());
    reply.append(&*bitmap);
    Ok(Status::SUCCESS)
}
