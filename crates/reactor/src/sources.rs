//! What is known of each source, in a table that no attacker can make grow.

use std::net::IpAddr;

use raida_conn::Instant;

/// Knows something of each source: /24 for IPv4, /64 for IPv6.
///
/// The table has a fixed number of places in sets of [`WAYS`], and one look at one set finds a source or makes room for it.
/// What that guarantees, however many sources come:
///
/// - Nobody is ever turned away for want of a place. A source that finds its set full of others takes the place of the one
///   with the smallest [load](Known::load).
/// - Who is pushed out starts again from nothing, which errs on the side of serving: nobody honest pays for a full table.
/// - Who is pushed out had the smallest load of nine. A source that is at its limit is forgotten only when eight others of
///   its own set are at theirs, so nobody gets rid of what he has run up by sending from many networks a little.
/// - A source without load is as good as unknown: taking its place is no eviction and is not counted as one.
/// - Which set a source falls into depends on a secret key, so nobody can choose addresses that meet in one.
#[derive(Debug)]
pub struct Sources<T> {
    sets: Box<[Set<T>]>,
    key: u64,
    evictions: u64,
}

/// How many places a source can fall into.
pub const WAYS: usize = 8;

/// What a table knows of a source. The default: nothing.
pub trait Known: Default {
    /// How much would be lost with it; 0: nothing at all.
    fn load(&self, now: Instant) -> u64;
}

/// Where a source stands. It may be handed in again later, when another source may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Entry {
    place: u32,
    tenancy: u32,
}

/// Eight names fill one cache line, so a look-up that finds its source touches two.
#[derive(Debug)]
#[repr(align(64))]
struct Set<T> {
    names: [u64; WAYS],
    places: [Place<T>; WAYS],
}

#[derive(Debug, Default)]
struct Place<T> {
    known: T,
    /// Counts the tenants of this place, so that nothing of a former one is taken off the present one.
    tenancy: u32,
}

impl<T: Known> Sources<T> {
    /// A table of at least `places` places.
    #[must_use]
    pub fn new(places: usize, key: u64) -> Self {
        let sets = places.div_ceil(WAYS).next_power_of_two();
        // A free place bears the name 0 and knows nothing. For a source of that name, that is right.
        let set = || Set { names: [0; WAYS], places: std::array::from_fn(|_| Place::default()) };
        Self { sets: (0..sets).map(|_| set()).collect(), key, evictions: 0 }
    }

    /// How much memory a table of that many places takes, in octets.
    #[must_use]
    pub const fn footprint(places: usize) -> usize {
        places.div_ceil(WAYS).next_power_of_two() * size_of::<Set<T>>()
    }

    /// The place of the source that an address belongs to, which is found one where it had none.
    pub fn enter(&mut self, address: IpAddr, now: Instant) -> Entry {
        self.enter_as(source(address), now)
    }

    /// The same for the network around it: /16 for IPv4, /48 for IPv6. A table knows either sources or networks.
    pub fn enter_network(&mut self, address: IpAddr, now: Instant) -> Entry {
        self.enter_as(network(address), now)
    }

    fn enter_as(&mut self, name: u64, now: Instant) -> Entry {
        let number = self.set(name);
        let Some(set) = self.sets.get_mut(number) else { return Entry { place: u32::MAX, tenancy: 0 } };
        let way = set.find(name).unwrap_or_else(|| {
            let (way, is_eviction) = set.make_room(name, now);
            self.evictions += u64::from(is_eviction);
            way
        });
        let tenancy = set.places.get(way).map_or(0, |place| place.tenancy);
        Entry { place: u32::try_from(number * WAYS + way).unwrap_or(u32::MAX), tenancy }
    }

    /// What is known of the source that stands there; `None` where it has lost its place to another.
    pub fn get_mut(&mut self, entry: Entry) -> Option<&mut T> {
        let place = entry.place as usize;
        let place = self.sets.get_mut(place / WAYS)?.places.get_mut(place % WAYS)?;
        (place.tenancy == entry.tenancy).then_some(&mut place.known)
    }

    /// How many sources have lost their place to another so far.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Everything that is known.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.sets.iter().flat_map(|set| &set.places).map(|place| &place.known)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the set number is masked to the size of the table anyway")]
    fn set(&self, name: u64) -> usize {
        // Two rounds of multiply and fold: enough to make the set unguessable without the key.
        let fold = |word: u64, by: u64| {
            let product = u128::from(word) * u128::from(by | 1);
            (product as u64) ^ (product >> 64) as u64
        };
        let mixed =
            fold(fold(name ^ self.key, 0x9E37_79B9_7F4A_7C15), self.key.rotate_left(32) ^ 0xC2B2_AE3D_27D4_EB4F);
        mixed as usize & (self.sets.len() - 1)
    }
}

impl<T: Known> Set<T> {
    fn find(&self, name: u64) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    /// Gives the place with the smallest load to another source; says which, and whether anything was lost with it.
    #[cold]
    fn make_room(&mut self, name: u64, now: Instant) -> (usize, bool) {
        let loads = self.places.iter().map(|place| place.known.load(now));
        let (way, load) = loads.enumerate().min_by_key(|(_, load)| *load).unwrap_or_default();
        if let (Some(place), Some(known)) = (self.places.get_mut(way), self.names.get_mut(way)) {
            *place = Place { known: T::default(), tenancy: place.tenancy.wrapping_add(1) };
            *known = name;
        }
        (way, load > 0)
    }
}

/// The network an address belongs to, as one word: what one customer of a provider has for nothing.
fn network(address: IpAddr) -> u64 {
    let bits = if address.to_canonical().is_ipv4() { 8 } else { 16 };
    source(address) >> bits << bits
}

/// The source an address belongs to, as one word: /24 for IPv4, /64 for IPv6. IPv4 in IPv6 clothes counts as IPv4.
#[must_use]
pub fn source(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8) | 1 << 63,
        // No IPv6 network in use begins with the 40 bits that mark the others.
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h, ..] = address.octets();
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    /// A load and nothing else.
    #[derive(Debug, Default, PartialEq)]
    struct Load(u64);

    impl Known for Load {
        fn load(&self, _now: Instant) -> u64 {
            self.0
        }
    }

    const NOW: Instant = Instant::from_micros(0);

    fn network(number: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, number, 1).into()
    }

    #[test]
    fn a_network_is_wider_than_a_source() {
        let of = |text: &str| super::network(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.255.9"));
        assert_ne!(of("192.0.2.1"), of("192.1.2.1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:2:2::1"));
    }

    #[test]
    fn one_network_is_one_source() {
        let v4 = |a, b, c, d| source(Ipv4Addr::new(a, b, c, d).into());
        let v6 = |text: &str| source(text.parse::<Ipv6Addr>().unwrap().into());
        assert_eq!(v4(192, 0, 2, 1), v4(192, 0, 2, 254));
        assert_ne!(v4(192, 0, 2, 1), v4(192, 0, 3, 1));
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:192.0.2.7"), v4(192, 0, 2, 1));
    }

    #[test]
    fn a_flood_of_networks_pushes_out_nobody_with_more_to_lose() {
        let mut sources = Sources::<Load>::new(256, 77);
        let heavy = sources.enter(network(1), NOW);
        sources.get_mut(heavy).unwrap().0 = 100;
        for number in 0..20_000u128 {
            let address = Ipv6Addr::from_bits((0x2001_0DB8 << 96) | (number << 64));
            let entry = sources.enter(address.into(), NOW);
            sources.get_mut(entry).unwrap().0 += 1;
        }
        assert_eq!(sources.get_mut(heavy), Some(&mut Load(100)));
        assert_eq!(sources.enter(network(1), NOW), heavy);
        assert!(sources.evictions() > 19_000);
        assert!(sources.iter().count() <= 256);
    }

    #[test]
    fn a_source_without_load_gives_way_unnoticed() {
        let mut sources = Sources::<Load>::new(8, 77);
        for number in 0..200 {
            let entry = sources.enter(network(number), NOW);
            assert!(sources.get_mut(entry).is_some());
        }
        assert_eq!(sources.evictions(), 0);
    }

    proptest! {
        /// One set of eight places. The model: whoever has a place, with his load.
        #[test]
        fn the_smallest_load_of_a_full_set_gives_way(moves in prop::collection::vec((0u8..12, 0u64..6), 0..300)) {
            let (mut sources, mut model) = (Sources::<Load>::new(8, 7), HashMap::<u8, (Entry, u64)>::new());
            let mut evictions = 0;
            for (number, load) in moves {
                let entry = sources.enter(network(number), NOW);
                if let Some((known, held)) = model.get(&number) {
                    prop_assert_eq!(*known, entry);
                    prop_assert_eq!(sources.get_mut(entry), Some(&mut Load(*held)));
                } else {
                    let gone = model.iter().find(|(_, (former, _))| former.place == entry.place);
                    if let Some((gone, (former, held))) = gone.map(|(gone, known)| (*gone, *known)) {
                        prop_assert!(model.values().all(|(_, others)| *others >= held));
                        prop_assert!(sources.get_mut(former).is_none(), "what he knew is not his successor's");
                        evictions += u64::from(held > 0);
                        model.remove(&gone);
                    }
                    prop_assert_eq!(sources.get_mut(entry), Some(&mut Load(0)));
                }
                sources.get_mut(entry).unwrap().0 = load;
                model.insert(number, (entry, load));
                prop_assert_eq!(sources.evictions(), evictions);
            }
        }
    }
}
