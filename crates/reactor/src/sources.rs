//! How many connections each source holds, in a table that no attacker can make grow.

use std::net::IpAddr;

/// Counts connections by source: /24 for IPv4, /64 for IPv6.
///
/// The table has a fixed number of places in sets of [`WAYS`]. A source that finds its set full of others takes the place
/// of the one with the fewest connections; the evicted one starts again from nothing, which errs on the side of serving.
/// Which set a source falls into depends on a secret key, so nobody can choose addresses that push others out.
#[derive(Debug)]
pub struct Sources {
    places: Box<[Place]>,
    key: u64,
    limit: u32,
    evictions: u64,
}

/// How many places a source can fall into.
pub const WAYS: usize = 8;

/// Proof that a connection was counted; hand it back with [`Sources::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Entry {
    place: u32,
    tenancy: u32,
}

#[derive(Clone, Debug, Default)]
struct Place {
    source: u64,
    /// Connections counted here; 0: the place is free.
    held: u32,
    /// Counts evictions from this place, so that the evicted one's connections are not taken off its successor.
    tenancy: u32,
}

impl Sources {
    /// A table of at least `places` places in which no source may hold more than `limit` connections.
    #[must_use]
    pub fn new(places: usize, limit: u32, key: u64) -> Self {
        let sets = places.div_ceil(WAYS).next_power_of_two();
        Self { places: vec![Place::default(); sets * WAYS].into(), key, limit, evictions: 0 }
    }

    /// Gives the table another limit. Who holds more keeps what it has.
    pub const fn relimit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Counts one more connection from `address`, or `None` where its source holds as many as it may.
    pub fn admit(&mut self, address: IpAddr) -> Option<Entry> {
        let source = source(address);
        let first = self.set(source) * WAYS;
        let limit = self.limit;
        let set = self.places.get_mut(first..first + WAYS)?;
        let known = set.iter().position(|place| place.held > 0 && place.source == source);
        let (way, place) = match known {
            Some(way) => (way, set.get_mut(way)?),
            None => set.iter_mut().enumerate().min_by_key(|(_, place)| place.held)?,
        };
        if known.is_none() {
            if limit == 0 {
                return None;
            }
            if place.held > 0 {
                self.evictions += 1;
                place.tenancy = place.tenancy.wrapping_add(1);
            }
            (place.source, place.held) = (source, 0);
        }
        if place.held >= limit {
            return None;
        }
        place.held += 1;
        Some(Entry { place: u32::try_from(first + way).ok()?, tenancy: place.tenancy })
    }

    /// Takes a counted connection off again.
    pub fn release(&mut self, entry: Entry) {
        if let Some(place) = self.places.get_mut(entry.place as usize)
            && place.tenancy == entry.tenancy
        {
            place.held = place.held.saturating_sub(1);
        }
    }

    /// How many sources have lost their place to another so far.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Connections counted now, over all sources in the table.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.places.iter().map(|place| u64::from(place.held)).sum()
    }

    #[expect(clippy::cast_possible_truncation, reason = "the set number is masked to the size of the table anyway")]
    fn set(&self, source: u64) -> usize {
        // Two rounds of multiply and fold: enough to make the set unguessable without the key.
        let fold = |word: u64, by: u64| {
            let product = u128::from(word) * u128::from(by | 1);
            (product as u64) ^ (product >> 64) as u64
        };
        let mixed =
            fold(fold(source ^ self.key, 0x9E37_79B9_7F4A_7C15), self.key.rotate_left(32) ^ 0xC2B2_AE3D_27D4_EB4F);
        mixed as usize & (self.places.len() / WAYS - 1)
    }
}

/// The source an address belongs to, as one word. IPv4 in IPv6 clothes counts as IPv4.
fn source(address: IpAddr) -> u64 {
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

    #[test]
    fn neighbours_share_a_source_and_strangers_do_not() {
        let v4 = |a, b, c, d| source(Ipv4Addr::new(a, b, c, d).into());
        let v6 = |text: &str| source(text.parse::<Ipv6Addr>().unwrap().into());
        assert_eq!(v4(192, 0, 2, 1), v4(192, 0, 2, 254));
        assert_ne!(v4(192, 0, 2, 1), v4(192, 0, 3, 1));
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:192.0.2.7"), v4(192, 0, 2, 1));
    }

    proptest! {
        #[test]
        fn a_table_with_room_agrees_with_a_map(limit in 0u32..4, moves in prop::collection::vec((any::<bool>(), 0u8..6), 0..300)) {
            // One set of eight places and six sources: nobody is ever evicted.
            let (mut sources, mut model) = (Sources::new(8, limit, 7), HashMap::<u8, Vec<Entry>>::new());
            for (admit, network) in moves {
                let held = model.entry(network).or_default();
                if admit {
                    let entry = sources.admit(Ipv4Addr::new(10, 0, network, 1).into());
                    prop_assert_eq!(entry.is_some(), held.len() < limit as usize);
                    held.extend(entry);
                } else if let Some(entry) = held.pop() {
                    sources.release(entry);
                }
            }
            prop_assert_eq!(sources.evictions(), 0);
        }

        #[test]
        fn a_crowded_table_never_refuses_below_the_limit(moves in prop::collection::vec((any::<bool>(), 0u8..60), 0..400)) {
            let (mut sources, mut model) = (Sources::new(16, 3, 99), HashMap::<u8, Vec<Entry>>::new());
            for (admit, network) in moves {
                let held = model.entry(network).or_default();
                if admit {
                    let entry = sources.admit(Ipv4Addr::new(10, 0, network, 1).into());
                    prop_assert!(entry.is_some() || held.len() >= 3);
                    held.extend(entry);
                } else if let Some(entry) = held.pop() {
                    sources.release(entry);
                }
            }
            model.into_values().flatten().for_each(|entry| sources.release(entry));
            prop_assert_eq!(sources.held(), 0);
        }
    }
}
