//! Rules between keys.

use std::collections::BTreeMap;

use crate::key::{Key, MIRRORS_AGREED};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::setting::whole;
use crate::tables::{Config, Integrity, Network, Peers, Server, Timeouts};

/// The first key of each pair must not be more than the second. Both count in the same unit.
const AT_MOST: &[(Key, Key)] = &[
    (Timeouts::progress, Timeouts::request),
    (Timeouts::write_progress, Timeouts::write),
    (Server::udp_payload_max, Network::udp_receive_buffer),
    (Peers::connect, Peers::total),
];

/// Every rule that these values break.
pub(crate) fn broken(config: &Config, origins: &BTreeMap<String, Origin>) -> Vec<Problem> {
    let values = config.values();
    let number = |wanted: &Key| {
        let (_, value) = values.iter().find(|(key, _)| key.path() == wanted.path())?;
        whole(value.as_ref()?)
    };
    let origin = |key: &Key| origins.get(&key.path()).cloned().unwrap_or(Origin::Preset);
    let judge = |(key, bound): &(Key, Key)| {
        let (found, most) = (number(key)?, number(bound)?);
        (found > most).then(|| Problem::Contradiction {
            key: key.path(),
            found: found.to_string(),
            origin: origin(key),
            bound: bound.path(),
            most: most.to_string(),
            bound_origin: origin(bound),
        })
    };
    AT_MOST.iter().filter_map(judge).chain(healing(&config.integrity, origin(&Integrity::heal))).collect()
}

/// Healing takes mirrors enough for an agreement, and a key to their pages.
fn healing(integrity: &Integrity, origin: Origin) -> impl Iterator<Item = Problem> {
    let needs = [
        (Integrity::mirrors, integrity.mirrors.len(), MIRRORS_AGREED),
        (Integrity::mirror_keys, integrity.mirror_keys.len(), 1),
    ];
    let is_on = integrity.heal;
    needs.into_iter().filter(move |(_, found, expected)| is_on && found < expected).map(
        move |(list, found, expected)| Problem::Lacking {
            key: Integrity::heal.path(),
            origin: origin.clone(),
            list: list.path(),
            found,
            expected,
        },
    )
}
