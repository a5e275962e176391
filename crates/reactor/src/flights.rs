//! Requests that are with other threads: who waits for each, and since when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use raida_conn::Instant;
use raida_wire::Head;

use crate::lists::Lists;
use crate::workers::Origin;

/// The requests out by one road, oldest first, in places that are allocated once.
///
/// Whoever waits for one that nobody has begun to work on can be told so in time: its [`Claim`] goes to the reactor or to
/// the thread that would do the work, whichever asks first. So a request that was refused never runs, and one that runs
/// is never refused.
#[derive(Debug)]
pub(crate) struct Flights {
    claims: Claims,
    flights: Box<[Option<Flight>]>,
    free: Vec<u32>,
    /// Those that may still be given up, in the order in which they left.
    line: Lists,
}

type Claims = Arc<[AtomicU8]>;

/// One request that is out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) origin: Origin,
    pub(crate) head: Head,
    /// When the request was whole.
    pub(crate) began: Instant,
}

/// The right to work on one request.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    claims: Claims,
    place: u32,
}

/// Nobody has asked yet.
const OPEN: u8 = 0;
/// Somebody works on it.
const TAKEN: u8 = 1;
/// The reactor has answered instead.
const GIVEN_UP: u8 = 2;

impl Claim {
    /// Whether the work may begin.
    pub(crate) fn take(&self) -> bool {
        self.claims.get(self.place as usize).is_some_and(|claim| moved(claim, TAKEN))
    }

    pub(crate) fn place(&self) -> u32 {
        self.place
    }
}

fn moved(claim: &AtomicU8, to: u8) -> bool {
    // ORDERING: Relaxed: the word itself decides, and the queues order everything else.
    claim.compare_exchange(OPEN, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

impl Flights {
    /// Places for so many requests.
    pub(crate) fn new(places: usize) -> Self {
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        Self {
            claims: (0..places).map(|_| AtomicU8::new(OPEN)).collect(),
            flights: (0..places).map(|_| None).collect(),
            free: (0..places).rev().collect(),
            line: Lists::new(places, 1),
        }
    }

    /// Notes a request that leaves. `None` where every place is taken.
    pub(crate) fn begin(&mut self, flight: Flight) -> Option<Claim> {
        let place = self.free.pop()?;
        *self.flights.get_mut(place as usize)? = Some(flight);
        // ORDERING: Relaxed: the queue that the claim travels through publishes it.
        self.claims.get(place as usize)?.store(OPEN, Ordering::Relaxed);
        self.line.push_back(0, place);
        Some(Claim { claims: Arc::clone(&self.claims), place })
    }

    /// A request has come back, or could not leave. Says whether it had been given up.
    pub(crate) fn end(&mut self, place: u32) -> bool {
        let taken = self.flights.get_mut(place as usize).and_then(Option::take);
        if taken.is_none() {
            return false;
        }
        self.line.remove(place);
        self.free.push(place);
        // ORDERING: Relaxed: only this thread gives up.
        let claim = self.claims.get(place as usize).map(|claim| claim.load(Ordering::Relaxed));
        claim == Some(GIVEN_UP)
    }

    /// When the oldest request that may still be given up was whole.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let place = self.line.front(0)?;
        self.flights.get(place as usize)?.as_ref().map(|flight| flight.began)
    }

    /// Gives up the oldest request that was whole by `until`, unless somebody works on it. Where this returns a request,
    /// nobody ever will, and whoever waits for it has to be told.
    pub(crate) fn give_up(&mut self, until: Instant) -> Option<Flight> {
        while let Some(place) = self.line.front(0) {
            let flight = self.flights.get(place as usize).copied().flatten()?;
            if flight.began > until {
                return None;
            }
            self.line.remove(place);
            if self.claims.get(place as usize).is_some_and(|claim| moved(claim, GIVEN_UP)) {
                return Some(flight);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use raida_wire::Rules;

    use super::*;
    use crate::token::Token;

    fn flight(micros: u64) -> Flight {
        let mut octets = [0; 32];
        (octets[0], octets[2], octets[7]) = (1, 14, 6);
        let head = Head::judge(&octets, &Rules { raida_id: 14, coin_id: 6, body_max: 100 }).unwrap().unwrap();
        let origin = Origin::Connection(Token::new(u32::try_from(micros).unwrap(), 0));
        Flight { origin, head, began: Instant::from_micros(micros) }
    }

    proptest! {
        /// The model: every request with its moment and its claim, in the order in which they left.
        #[test]
        fn each_request_is_worked_on_or_given_up_and_never_both(
            moves in prop::collection::vec((0u8..4, any::<prop::sample::Index>()), 0..300),
        ) {
            let (mut flights, mut model) = (Flights::new(5), VecDeque::<(Claim, u64, u8)>::new());
            for (now, (what, pick)) in (0u64..).zip(moves) {
                match what {
                    0 => {
                        let claim = flights.begin(flight(now));
                        prop_assert_eq!(claim.is_some(), model.len() < 5);
                        model.extend(claim.map(|claim| (claim, now, OPEN)));
                    }
                    1 if !model.is_empty() => {
                        let chosen = pick.index(model.len());
                        let (claim, _, state) = &mut model[chosen];
                        prop_assert_eq!(claim.take(), *state == OPEN);
                        if *state == OPEN {
                            *state = TAKEN;
                        }
                    }
                    2 if !model.is_empty() => {
                        let (claim, _, state) = model.remove(pick.index(model.len())).unwrap();
                        prop_assert_eq!(flights.end(claim.place()), state == GIVEN_UP);
                        prop_assert!(!flights.end(claim.place()), "it ends once");
                    }
                    _ => {
                        let until = now.saturating_sub(3);
                        let due = model.iter_mut().find(|(_, began, state)| *state == OPEN && *began <= until);
                        let expected = due.map(|(_, began, state)| {
                            *state = GIVEN_UP;
                            *began
                        });
                        let given_up = flights.give_up(Instant::from_micros(until));
                        prop_assert_eq!(given_up.map(|flight| flight.began.as_micros()), expected);
                    }
                }
            }
        }
    }
}
