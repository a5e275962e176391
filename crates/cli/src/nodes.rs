//! The nodes that the command line names.

use std::str::FromStr;

use raida_client::{Address, Target};

use crate::arguments::Nodes;

/// `HOST:PORT` or `HOST:PORT@ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeArgument {
    address: Address,
    raida_id: Option<u8>,
}

impl Nodes {
    /// One target per `--node`, in their order, asked in clear.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.nodes.iter().map(|node| node.target(self.raida_id)).collect()
    }
}

impl NodeArgument {
    /// Its own id counts first, then the one for all, then the port.
    fn target(&self, raida_id_of_all: Option<u8>) -> Target {
        let target = Target::new(self.address.clone());
        Target { raida_id: self.raida_id.or(raida_id_of_all).unwrap_or(target.raida_id), ..target }
    }
}

impl FromStr for NodeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, raida_id) = match text.rsplit_once('@') {
            Some((address, id)) => (address, Some(raida_id(id).ok_or("the RAIDA id behind @ is not from 0 to 24")?)),
            None => (text, None),
        };
        Ok(Self { address: address.parse().map_err(|error: raida_client::AddressError| error.to_string())?, raida_id })
    }
}

fn raida_id(text: &str) -> Option<u8> {
    text.parse().ok().filter(|id| *id <= 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(node: &str, of_all: Option<u8>) -> u8 {
        node.parse::<NodeArgument>().unwrap().target(of_all).raida_id
    }

    #[test]
    fn own_id_counts_before_that_of_all_and_that_before_the_port() {
        assert_eq!(id("x:50007@3", Some(4)), 3);
        assert_eq!(id("x:50007", Some(4)), 4);
        assert_eq!(id("x:50007", None), 7);
        assert_eq!(id("x:443", None), 0);
        assert_eq!(id("[::1]:50024", None), 24);
    }

    #[test]
    fn id_above_24_and_address_without_port_are_refused() {
        for text in ["x:1@25", "x:1@", "x:1@-1", "x@3", "x", "@3", ""] {
            assert!(text.parse::<NodeArgument>().is_err(), "{text}");
        }
    }
}
