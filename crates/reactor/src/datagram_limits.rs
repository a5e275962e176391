//! What one source may have over datagrams, whose sender may be a lie: so many answers a second.

use std::net::IpAddr;

use raida_conn::Instant;

use crate::bucket::{Bucket, Rate};
use crate::sources::{Known, Sources};

/// Bounds the answers that go to one source, so that a node is of no use to those who send in another's name.
///
/// Votes and echoes are counted apart from all other requests: a flood of one kind leaves the other alone. Of the
/// datagrams over the rate one in a few is answered that the client may come over TCP, where nobody can speak in his
/// name; the others get no answer at all.
#[derive(Debug)]
pub(crate) struct DatagramLimits {
    askers: Sources<Asker>,
    settings: Limits,
}

/// How much one source may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Votes and echoes; `None`: as many as it likes.
    pub(crate) light: Option<Rate>,
    /// All other requests, refusals included; `None`: as many as it likes.
    pub(crate) heavy: Option<Rate>,
    /// One in so many over the rate is sent to TCP; 0: none is.
    pub(crate) slip: u32,
}

/// Which budget a datagram is counted against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A vote, or an echo.
    Light,
    /// Anything else that would be answered.
    Heavy,
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is answered.
    Answer,
    /// It is over the rate: the client may come over TCP.
    UseTcp,
    /// It is over the rate, and gets no answer.
    Silence,
}

/// What is known of a source.
#[derive(Debug, Default)]
struct Asker {
    light: Bucket,
    heavy: Bucket,
    /// Datagrams over the rate since the last one that was told to use TCP.
    silent: u32,
}

impl Known for Asker {
    fn load(&self, now: Instant) -> u64 {
        self.light.debt(now).saturating_add(self.heavy.debt(now))
    }
}

impl DatagramLimits {
    pub(crate) fn new(places: usize, key: u64, settings: Limits) -> Self {
        Self { askers: Sources::new(places, key), settings }
    }

    /// How much memory it takes for so many places, in octets.
    pub(crate) const fn footprint(places: usize) -> usize {
        Sources::<Asker>::footprint(places)
    }

    /// Goes by other limits from now on.
    pub(crate) fn relimit(&mut self, settings: Limits) {
        self.settings = settings;
    }

    /// Judges one datagram, and counts it if it is answered.
    pub(crate) fn judge(&mut self, from: IpAddr, kind: Kind, now: Instant) -> Verdict {
        let Limits { light, heavy, slip } = self.settings;
        let Some(rate) = (if kind == Kind::Light { light } else { heavy }) else { return Verdict::Answer };
        let entry = self.askers.enter(from, now);
        let Some(asker) = self.askers.get_mut(entry) else { return Verdict::Silence };
        let bucket = if kind == Kind::Light { &mut asker.light } else { &mut asker.heavy };
        if bucket.take(now, rate) {
            return Verdict::Answer;
        }
        asker.silent = asker.silent.saturating_add(1);
        if slip == 0 || asker.silent < slip {
            return Verdict::Silence;
        }
        asker.silent = 0;
        Verdict::UseTcp
    }

    /// The bound on datagrams of a kind a second; 0 where there is none.
    pub(crate) fn rate(&self, kind: Kind) -> u32 {
        let Limits { light, heavy, .. } = self.settings;
        (if kind == Kind::Light { light } else { heavy }).map_or(0, Rate::per_second)
    }

    /// How many sources have lost their place to another so far.
    pub(crate) fn evictions(&self) -> u64 {
        self.askers.evictions()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::num::NonZeroU32;

    use super::*;

    const NOW: Instant = Instant::from_micros(5);

    fn limits(places: usize, slip: u32) -> DatagramLimits {
        let rate = |per_second| NonZeroU32::new(per_second).map(Rate::new);
        DatagramLimits::new(places, 7, Limits { light: rate(4), heavy: rate(2), slip })
    }

    fn network(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0A00_0001 + (number << 8)).into()
    }

    #[test]
    fn one_in_a_few_over_the_rate_is_sent_to_tcp() {
        for (slip, told) in [(0, 0), (1, 12), (3, 4), (100, 0)] {
            let mut limits = limits(8, slip);
            let verdicts: Vec<_> = (0..16).map(|_| limits.judge(network(1), Kind::Heavy, NOW)).collect();
            let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
            assert_eq!((count(Verdict::Answer), count(Verdict::UseTcp)), (4, told), "slip {slip}");
        }
    }

    #[test]
    fn a_flood_of_requests_leaves_votes_and_echoes_alone_and_the_other_way_round() {
        let mut limits = limits(8, 2);
        assert!((0..100).any(|_| limits.judge(network(1), Kind::Heavy, NOW) != Verdict::Answer));
        assert_eq!(limits.judge(network(1), Kind::Light, NOW), Verdict::Answer);
        assert!((0..100).any(|_| limits.judge(network(2), Kind::Light, NOW) != Verdict::Answer));
        assert_eq!(limits.judge(network(2), Kind::Heavy, NOW), Verdict::Answer);
    }

    #[test]
    fn senders_from_everywhere_do_not_lift_the_limit_of_one() {
        let mut limits = limits(64, 0);
        (0..4).for_each(|_| assert_eq!(limits.judge(network(0), Kind::Heavy, NOW), Verdict::Answer));
        for number in 1..20_000 {
            assert_eq!(limits.judge(network(number), Kind::Heavy, NOW), Verdict::Answer, "nobody honest is refused");
        }
        assert!(limits.evictions() > 0);
        assert_eq!(limits.judge(network(0), Kind::Heavy, NOW), Verdict::Silence);
    }
}
