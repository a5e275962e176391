//! How often one address may call.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use raida_reactor::Instant;

use crate::settings::BreakLimit;

/// How many addresses are remembered. The half that has been silent longest makes room for new ones.
const ADDRESSES_MAX: usize = 32_768;

/// Counts the calls of each exact address within a span that ends now.
///
/// Source: protocol §5.7
#[derive(Debug)]
pub(crate) struct CallLimit {
    limit: BreakLimit,
    /// The times of each address's calls, oldest first; never empty.
    calls: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
}

impl CallLimit {
    pub(crate) fn new(limit: BreakLimit) -> Self {
        Self { limit, calls: Mutex::default() }
    }

    /// Whether an address may call now.
    pub(crate) fn admits(&self, from: IpAddr, now: Instant) -> bool {
        if self.is_exempt(from) {
            return true;
        }
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |time: &Instant| *time + self.limit.span <= now;
        calls.get(&from).map_or(0, |times| times.len() - times.partition_point(is_over)) < self.limit.calls
    }

    /// Counts a call from an address.
    pub(crate) fn count(&self, from: IpAddr, now: Instant) {
        if self.is_exempt(from) {
            return;
        }
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() >= ADDRESSES_MAX && !calls.contains_key(&from) {
            make_room(&mut calls);
        }
        let times = calls.entry(from).or_default();
        while times.front().is_some_and(|first| *first + self.limit.span <= now) {
            times.pop_front();
        }
        times.push_back(now);
    }

    fn is_exempt(&self, from: IpAddr) -> bool {
        self.limit.loopback_exempt && from.is_loopback()
    }

    /// How many addresses are remembered.
    pub(crate) fn addresses(&self) -> usize {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Forgets the half that called last longest ago.
fn make_room(calls: &mut HashMap<IpAddr, VecDeque<Instant>>) {
    let mut last: Vec<_> = calls.iter().map(|(from, times)| (times.back().copied(), *from)).collect();
    let (silent, ..) = last.select_nth_unstable(ADDRESSES_MAX / 2);
    for (_, from) in silent {
        calls.remove(from);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0A00_0000 + number).into()
    }

    fn limit() -> BreakLimit {
        BreakLimit { calls: 3, span: Duration::from_secs(100), loopback_exempt: true }
    }

    /// Calls, and tells whether that was allowed.
    fn may_call(calls: &CallLimit, from: IpAddr, now: Instant) -> bool {
        let admitted = calls.admits(from, now);
        if admitted {
            calls.count(from, now);
        }
        admitted
    }

    #[test]
    fn no_span_sees_more_calls_than_allowed_and_refused_calls_do_not_count() {
        let calls = CallLimit::new(limit());
        let admitted: Vec<_> = (0..400).filter(|second| may_call(&calls, address(1), at(*second))).collect();
        assert_eq!(admitted, [0, 1, 2, 100, 101, 102, 200, 201, 202, 300, 301, 302]);
    }

    #[test]
    fn addresses_do_not_share_and_loopback_is_exempt_unless_told_otherwise() {
        let calls = CallLimit::new(limit());
        let strict = CallLimit::new(BreakLimit { loopback_exempt: false, ..limit() });
        for call in 0..5 {
            assert_eq!(may_call(&calls, address(1), at(0)), call < 3);
            assert_eq!(may_call(&calls, address(1 + (1 << 16)), at(0)), call < 3);
            for loopback in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
                assert!(may_call(&calls, loopback, at(0)));
                assert_eq!(may_call(&strict, loopback, at(0)), call < 3);
            }
        }
    }

    #[test]
    fn memory_is_bounded_and_those_who_called_last_stay() {
        let calls = CallLimit::new(limit());
        let many = u32::try_from(ADDRESSES_MAX).unwrap();
        for number in 0..3 * many {
            assert!(may_call(&calls, address(number), at(u64::from(number))));
            assert!(calls.calls.lock().unwrap().len() <= ADDRESSES_MAX);
        }
        let last = address(3 * many - 1);
        let later = at(u64::from(3 * many));
        assert_eq!([(); 3].map(|()| may_call(&calls, last, later)), [true, true, false]);
    }
}
