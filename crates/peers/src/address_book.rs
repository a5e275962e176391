//! Where the nodes of the network are.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use raida_client::Address;

use crate::exchange;

/// Where the nodes of the network are: as configured, and the IP addresses that these names had last.
#[derive(Debug)]
pub(crate) struct AddressBook {
    /// In the order of their ids.
    nodes: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    address: Address,
    known: ArcSwap<Vec<IpAddr>>,
}

impl AddressBook {
    /// Looks no name up yet: until [`look_up`](Self::look_up), only IP addresses are known.
    pub(crate) fn new(nodes: Vec<Address>) -> Self {
        let entry = |address: Address| {
            let known = address.host().parse().into_iter().collect();
            Entry { address, known: ArcSwap::from_pointee(known) }
        };
        Self { nodes: nodes.into_iter().map(entry).collect() }
    }

    pub(crate) fn address(&self, raida_id: u8) -> Option<&Address> {
        self.nodes.get(usize::from(raida_id)).map(|node| &node.address)
    }

    /// Whether a node is known to be at an address. Neither blocks nor looks names up.
    pub(crate) fn is_at(&self, raida_id: u8, place: IpAddr) -> bool {
        // A socket for both families shows IPv4 addresses inside IPv6 ones.
        let place = place.to_canonical();
        let node = self.nodes.get(usize::from(raida_id));
        node.is_some_and(|node| node.known.load().iter().any(|known| known.to_canonical() == place))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether there is anything to look up.
    pub(crate) fn has_names(&self) -> bool {
        self.nodes.iter().any(Entry::is_name)
    }

    /// Looks all names up, one after the other. What has no address now keeps those that it had. Blocks.
    pub(crate) fn look_up(&self) {
        for node in self.nodes.iter().filter(|node| node.is_name()) {
            if let Ok(found) = exchange::resolve(&node.address) {
                node.known.store(Arc::new(found.iter().map(|place| place.ip()).collect()));
            }
        }
    }
}

impl Entry {
    fn is_name(&self) -> bool {
        self.address.host().parse::<IpAddr>().is_err()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn names_are_known_once_they_were_looked_up() {
        let nodes = ["192.0.2.7:50000", "localhost:50001"].map(|text| text.parse().unwrap());
        let book = AddressBook::new(nodes.to_vec());
        assert!(book.has_names());
        let (node, here) = (Ipv4Addr::new(192, 0, 2, 7), Ipv4Addr::LOCALHOST);
        assert!(book.is_at(0, node.into()) && book.is_at(0, node.to_ipv6_mapped().into()));
        assert!(!book.is_at(0, here.into()) && !book.is_at(1, here.into()) && !book.is_at(2, node.into()));
        book.look_up();
        assert!(book.is_at(1, here.into()) || book.is_at(1, Ipv6Addr::LOCALHOST.into()));
    }
}
