//! The nodes that the command line names.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, ensure};
use raida_client::{Address, NODES, Target};

use crate::arguments::Nodes;

/// `HOST:PORT` or `HOST:PORT@ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeArgument {
    address: Address,
    raida_id: Option<u8>,
}

/// `HOST:PORT` of RAIDA 0; the others follow on the next ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkArgument(Vec<Address>);

impl Nodes {
    /// One target per node, in the order in which they are named, asked in clear.
    pub(crate) fn targets(&self) -> Result<Vec<Target>> {
        match (&self.network, &self.nodes_file) {
            (Some(NetworkArgument(addresses)), _) => {
                let target = |(id, address): (u8, &Address)| Target { raida_id: id, ..Target::new(address.clone()) };
                Ok((0..).zip(addresses).map(target).collect())
            }
            (None, Some(path)) => {
                let nodes = read(path).with_context(|| format!("nodes file {}", path.display()))?;
                Ok(nodes.iter().map(|node| node.target(self.raida_id)).collect())
            }
            (None, None) => Ok(self.nodes.iter().map(|node| node.target(self.raida_id)).collect()),
        }
    }
}

/// The nodes in a file.
fn read(path: &Path) -> Result<Vec<NodeArgument>> {
    let text = fs::read_to_string(path)?;
    let lines =
        (1..).zip(text.lines()).map(|(number, line)| (number, line.split('#').next().unwrap_or_default().trim()));
    let nodes = lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| line.parse().map_err(|error: String| anyhow!("line {number}: {error}")));
    let nodes: Vec<_> = nodes.collect::<Result<_>>()?;
    ensure!(!nodes.is_empty(), "it names no node");
    Ok(nodes)
}

impl FromStr for NetworkArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first: Address = text.parse().map_err(|error: raida_client::AddressError| error.to_string())?;
        let host = first.to_string();
        let (host, _) = host.rsplit_once(':').unwrap_or((&host, ""));
        let ports = (first.port()..=u16::MAX).take(NODES);
        let addresses: Vec<_> = ports.filter_map(|port| format!("{host}:{port}").parse().ok()).collect();
        if addresses.len() == NODES {
            Ok(Self(addresses))
        } else {
            Err("there are not 25 ports from there on".to_owned())
        }
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
    fn network_has_25_ports_in_a_row() {
        let NetworkArgument(addresses) = "[::1]:50000".parse().unwrap();
        assert_eq!((addresses.len(), addresses[24].to_string()), (25, "[::1]:50024".to_owned()));
        assert_eq!("x:65511".parse::<NetworkArgument>().unwrap().0[24].port(), 65_535);
        assert!("x:65512".parse::<NetworkArgument>().is_err());
    }

    #[test]
    fn nodes_file_has_a_node_per_line_and_an_error_names_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nodes");
        fs::write(&path, "# ours\nx:50003\n\n y:1@24 # far away\n").unwrap();
        let ids: Vec<_> = read(&path).unwrap().iter().map(|node| node.target(None).raida_id).collect();
        assert_eq!(ids, [3, 24]);
        fs::write(&path, "x:50003\ny").unwrap();
        assert!(read(&path).unwrap_err().to_string().starts_with("line 2: "));
        fs::write(&path, "# none").unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    fn id_above_24_and_address_without_port_are_refused() {
        for text in ["x:1@25", "x:1@", "x:1@-1", "x@3", "x", "@3", ""] {
            assert!(text.parse::<NodeArgument>().is_err(), "{text}");
        }
    }
}
