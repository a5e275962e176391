//! What one source may have over connections: so many at once, so many requests a second, so much memory.

use std::net::IpAddr;

use raida_conn::Instant;

use crate::bucket::{Bucket, Rate};
use crate::sources::{Entry, Known, Sources};

/// The limits of one source, and how near each source is to them.
///
/// A new connection stands for its first request. One beyond the rate gets a slot, and its request the overload status,
/// as often again as the rate allows requests; what comes still faster is closed at once.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    peers: Sources<Peer>,
    networks: Sources<Network>,
    settings: Limits,
}

/// How much one source may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: u32,
    /// Connections at once of the network around it (/16, /48): a network has more sources than there are places.
    pub(crate) network: u32,
    /// Requests; `None`: as many as it likes.
    pub(crate) requests: Option<Rate>,
    /// Octets of pooled buffers for requests of which octets are still owed.
    pub(crate) buffers: usize,
}

/// What is known of a source.
#[derive(Debug, Default)]
struct Peer {
    connections: u32,
    buffers: usize,
    served: Bucket,
    refused: Bucket,
}

/// What is known of a network.
#[derive(Debug, Default)]
struct Network {
    connections: u32,
}

/// Of what is free for half-read requests, one source may keep one in so many parts.
const PARTS: usize = 8;

/// Which limit a new connection would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Its source holds as many as it may.
    Connections(u32),
    /// The network around its source holds as many as it may.
    Network(u32),
    /// Its source has sent so many requests a second that not even refusals are left.
    Requests(u32),
}

/// A counted connection. Hand it back with [`ConnectionLimits::leave`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Guest {
    entry: Entry,
    network: Entry,
    /// What becomes of the next request: `None` where it has not been counted yet.
    next: Option<bool>,
    /// Octets booked for its half-read request.
    buffers: usize,
}

impl Known for Peer {
    /// Connections first: what they hold is real. Then what is owed for requests.
    fn load(&self, now: Instant) -> u64 {
        const DEBT_MAX: u64 = u32::MAX as u64;
        let debt = self.served.debt(now).max(self.refused.debt(now)).div_ceil(1 << 10);
        u64::from(self.connections) << 32 | debt.min(DEBT_MAX)
    }
}

impl Known for Network {
    fn load(&self, _now: Instant) -> u64 {
        self.connections.into()
    }
}

impl ConnectionLimits {
    pub(crate) fn new(places: usize, key: u64, settings: Limits) -> Self {
        Self { peers: Sources::new(places, key), networks: Sources::new(places, key), settings }
    }

    /// How much memory it takes for so many places, in octets.
    pub(crate) const fn footprint(places: usize) -> usize {
        Sources::<Peer>::footprint(places) + Sources::<Network>::footprint(places)
    }

    /// Goes by other limits from now on. Who holds more keeps what it has.
    pub(crate) fn relimit(&mut self, settings: Limits) {
        self.settings = settings;
    }

    /// The bound on requests a second; 0 where there is none.
    pub(crate) fn rate(&self) -> u32 {
        self.settings.requests.map_or(0, Rate::per_second)
    }

    /// The bound on octets for half-read requests.
    pub(crate) fn buffers(&self) -> usize {
        self.settings.buffers
    }

    /// Counts one more connection from `address`.
    pub(crate) fn enter(&mut self, address: IpAddr, now: Instant) -> Result<Guest, Broken> {
        let Self { peers, networks, settings } = self;
        let entry = peers.enter(address, now);
        let Some(peer) = peers.get_mut(entry) else { return Err(Broken::Connections(0)) };
        if peer.connections >= settings.connections {
            return Err(Broken::Connections(settings.connections));
        }
        let network = networks.enter_network(address, now);
        let around = networks.get_mut(network).filter(|around| around.connections < settings.network);
        let Some(around) = around else { return Err(Broken::Network(settings.network)) };
        let is_served = settings.requests.is_none_or(|rate| peer.served.take(now, rate));
        let is_answered = is_served || settings.requests.is_some_and(|rate| peer.refused.take(now, rate));
        if !is_answered {
            return Err(Broken::Requests(settings.requests.map_or(0, Rate::per_second)));
        }
        peer.connections += 1;
        around.connections += 1;
        Ok(Guest { entry, network, next: Some(is_served), buffers: 0 })
    }

    /// Whether the next request of a connection may be served.
    pub(crate) fn may_ask(&mut self, guest: &mut Guest, now: Instant) -> bool {
        if let Some(counted) = guest.next.take() {
            return counted;
        }
        let Some(rate) = self.settings.requests else { return true };
        self.peers.get_mut(guest.entry).is_none_or(|peer| peer.served.take(now, rate))
    }

    /// Books a buffer for a half-read request, if there is room for it. Who has one already gets another only as long as all
    /// of his are no more than a part of what is `free`: so the few who take as much as they can leave room for one who
    /// comes later.
    pub(crate) fn book(&mut self, guest: &mut Guest, octets: usize, free: usize) -> bool {
        let limit = self.settings.buffers.min((free / PARTS).max(octets));
        let Some(peer) = self.peers.get_mut(guest.entry) else { return true };
        let is_room = peer.buffers.saturating_add(octets) <= limit;
        if is_room {
            peer.buffers += octets;
            guest.buffers += octets;
        }
        is_room
    }

    /// A buffer has come back, or its request is whole.
    pub(crate) fn unbook(&mut self, guest: &mut Guest, octets: usize) {
        let octets = octets.min(guest.buffers);
        guest.buffers -= octets;
        if let Some(peer) = self.peers.get_mut(guest.entry) {
            peer.buffers = peer.buffers.saturating_sub(octets);
        }
    }

    /// Takes a counted connection off again, with whatever is booked for it.
    pub(crate) fn leave(&mut self, guest: Guest) {
        if let Some(around) = self.networks.get_mut(guest.network) {
            around.connections = around.connections.saturating_sub(1);
        }
        if let Some(peer) = self.peers.get_mut(guest.entry) {
            peer.connections = peer.connections.saturating_sub(1);
            peer.buffers = peer.buffers.saturating_sub(guest.buffers);
        }
    }

    /// How many sources have lost their place to another so far.
    pub(crate) fn evictions(&self) -> u64 {
        self.peers.evictions()
    }

    /// Connections and octets counted now, over all sources in the table.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn held(&self) -> (u64, usize) {
        self.peers.iter().fold((0, 0), |(connections, buffers), peer| {
            (connections + u64::from(peer.connections), buffers + peer.buffers)
        })
    }

    /// Connections counted now, over all networks in the table.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn held_by_networks(&self) -> u64 {
        self.networks.iter().map(|network| u64::from(network.connections)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;
    use crate::buffer::LARGE;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn network(number: u8) -> IpAddr {
        [10, 0, number, 1].into()
    }

    fn limits(connections: u32, requests: u32, buffers: usize) -> ConnectionLimits {
        let requests = NonZeroU32::new(requests).map(Rate::new);
        ConnectionLimits::new(8, 7, Limits { connections, network: u32::MAX, requests, buffers })
    }

    #[test]
    fn beyond_the_rate_as_many_are_refused_as_may_ask_and_the_rest_is_closed() {
        let mut limits = limits(100, 3, 0);
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            outcomes.push(limits.enter(network(1), at(0)).map(|mut guest| limits.may_ask(&mut guest, at(0))));
        }
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((count(Ok(true)), count(Ok(false)), count(Err(Broken::Requests(3)))), (6, 6, 8));
        assert!(limits.enter(network(2), at(0)).is_ok_and(|guest| guest.next == Some(true)), "another source");
        assert!(limits.enter(network(1), at(334)).is_ok_and(|guest| guest.next == Some(true)), "a little later");
    }

    #[test]
    fn every_further_request_of_a_connection_counts() {
        let mut limits = limits(100, 2, 0);
        let mut guest = limits.enter(network(1), at(0)).unwrap();
        assert_eq!([(); 6].map(|()| limits.may_ask(&mut guest, at(0))), [true, true, true, true, false, false]);
        assert!(limits.may_ask(&mut guest, at(500)) && !limits.may_ask(&mut guest, at(500)));
        limits.leave(guest);
    }

    #[test]
    fn who_gave_way_to_others_is_served_and_takes_nothing_from_them() {
        let mut limits = limits(2, 0, 100);
        let mut first = limits.enter(network(0), at(0)).unwrap();
        assert!(limits.book(&mut first, 60, usize::MAX));
        let guests: Vec<_> =
            (1..100).flat_map(|n| [limits.enter(network(n), at(0)), limits.enter(network(n), at(0))]).collect();
        assert!(guests.iter().all(Result::is_ok), "nobody is turned away");
        assert!(limits.evictions() > 0);
        let held = limits.held();
        assert!(limits.book(&mut first, 60, usize::MAX) && limits.may_ask(&mut first, at(0)));
        limits.unbook(&mut first, 60);
        limits.leave(first);
        assert_eq!(limits.held(), held);
        guests.into_iter().flatten().for_each(|guest| limits.leave(guest));
        assert_eq!(limits.held(), (0, 0));
    }

    #[test]
    fn one_network_never_takes_all_places_however_many_sources_it_has() {
        let limits = |network| Limits { network, ..limits(10, 0, 0).settings };
        let mut table = ConnectionLimits::new(256, 7, limits(500));
        let v6 = |network: u128, source: u128| {
            IpAddr::V6(std::net::Ipv6Addr::from_bits((0x2001_0DB8 << 96) | (network << 80) | (source << 64)))
        };
        let mut guests: Vec<_> = (0..65_536).filter_map(|source| table.enter(v6(1, source), at(0)).ok()).collect();
        assert_eq!((guests.len(), table.enter(v6(1, 7), at(0)).err()), (500, Some(Broken::Network(500))));
        guests.extend((0..400).filter_map(|source| table.enter(v6(2, source), at(0)).ok()));
        assert_eq!(guests.len(), 900, "another network has places of its own");
        let carrier = |host: u16| {
            let [c, d] = host.to_be_bytes();
            IpAddr::from([100, 64, c, d])
        };
        guests.extend((0..=u16::MAX).filter_map(|host| table.enter(carrier(host), at(0)).ok()));
        assert_eq!(guests.len(), 1400, "IPv4 by /16");
        table.relimit(limits(501));
        guests.extend((0..9).filter_map(|source| table.enter(v6(1, source), at(0)).ok()));
        assert_eq!(guests.len(), 1401, "a bound that changes counts at once");
        assert_eq!(table.held_by_networks(), 1401);
        guests.into_iter().for_each(|guest| table.leave(guest));
        assert_eq!((table.held(), table.held_by_networks()), ((0, 0), 0));
    }

    #[test]
    fn forty_greedy_sources_leave_room_for_others() {
        let (mut limits, mut free) = (ConnectionLimits::new(256, 7, limits(100, 0, 8 << 20).settings), 48 << 20);
        let mut guests: Vec<_> = (0..40).map(|number| limits.enter(network(number), at(0)).unwrap()).collect();
        for _ in 0..100 {
            for guest in &mut guests {
                free -= if free >= LARGE && limits.book(guest, LARGE, free) { LARGE } else { 0 };
            }
        }
        assert!((4 << 20..12 << 20).contains(&free), "{free}");
        let mut late = limits.enter(network(40), at(0)).unwrap();
        for _ in 0..8 {
            assert!(limits.book(&mut late, LARGE, free));
            free -= LARGE;
        }
        let mut alone = super::tests::limits(100, 0, 8 << 20);
        let mut guest = alone.enter(network(0), at(0)).unwrap();
        assert!(alone.book(&mut guest, LARGE, LARGE) && !alone.book(&mut guest, LARGE, LARGE), "one is for everybody");
        guests.into_iter().chain([late]).for_each(|guest| limits.leave(guest));
        alone.leave(guest);
    }

    proptest! {
        /// One set of eight places and six sources: nobody gives way.
        #[test]
        fn connections_and_buffers_agree_with_a_plain_count(
            connections in 0u32..4,
            buffers in 0usize..300,
            moves in prop::collection::vec((0u8..4, 0u8..6, 1usize..200), 0..300),
        ) {
            let mut limits = limits(connections, 0, buffers);
            let mut model: [Vec<(Guest, Vec<usize>)>; 6] = Default::default();
            for (what, number, octets) in moves {
                let held = &mut model[usize::from(number)];
                let booked: usize = held.iter().flat_map(|(_, booked)| booked).sum();
                match what {
                    0 => {
                        let guest = limits.enter(network(number), at(0));
                        prop_assert_eq!(guest.is_ok(), held.len() < connections as usize);
                        held.extend(guest.ok().map(|guest| (guest, Vec::new())));
                    }
                    1 => if let Some((guest, booking)) = held.last_mut() {
                        let is_booked = limits.book(guest, octets, usize::MAX);
                        prop_assert_eq!(is_booked, booked + octets <= buffers);
                        booking.extend(is_booked.then_some(octets));
                    },
                    2 => if let Some((guest, booking)) = held.last_mut()
                        && let Some(octets) = booking.pop()
                    {
                        limits.unbook(guest, octets);
                    },
                    _ => if let Some((guest, _)) = held.pop() {
                        limits.leave(guest);
                    },
                }
                let all = model.iter().flatten();
                let octets = all.clone().flat_map(|(_, booking)| booking).sum::<usize>();
                prop_assert_eq!(limits.held(), (all.count() as u64, octets));
            }
            prop_assert_eq!(limits.evictions(), 0);
        }
    }
}
