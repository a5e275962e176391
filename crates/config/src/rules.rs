//! Rules between keys.

use std::collections::BTreeMap;

use crate::key::Key;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::setting::whole;
use crate::tables::{Config, Network, Server, Timeouts};

/// The first key of each pair must not be more than the second. Both count in the same unit.
const AT_MOST: &[(Key, Key)] = &[
    (Timeouts::progress, Timeouts::request),
    (Timeouts::write_progress, Timeouts::write),
    (Server::udp_payload_max, Network::udp_receive_buffer),
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
    AT_MOST.iter().filter_map(judge).collect()
}
