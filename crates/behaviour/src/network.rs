//! Many nodes that know each other: each has to be told the others' ports before it starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::path::Path;

use crate::Node;
use crate::node::Builder;

/// Nodes in folders that outlive their processes, on ports in a row.
#[derive(Debug)]
pub struct Network {
    /// The nodes; `None` where one is down.
    pub nodes: Vec<Option<Node>>,
    addresses: Vec<SocketAddr>,
    _claims: Vec<UdpSocket>,
    folder: tempfile::TempDir,
}

impl Network {
    /// Of so many nodes, none of which runs yet.
    #[must_use]
    pub fn of(count: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ports, claims) = free_ports(count);
        let addresses: Vec<_> = ports.map(|port| ([127, 0, 0, 1], port).into()).collect();
        Self { nodes: addresses.iter().map(|_| None).collect(), addresses, _claims: claims, folder }
    }

    /// Where they are or will be.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The folder of one node, with its `data`.
    #[must_use]
    pub fn folder(&self, place: usize) -> std::path::PathBuf {
        let folder = self.folder.path().join(place.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A folder for whatever else a test has.
    #[must_use]
    pub fn shared(&self) -> &Path {
        self.folder.path()
    }

    /// Starts one node on what its folder holds.
    pub fn start(&mut self, place: usize, builder: Builder) {
        let folder = self.folder(place);
        self.nodes[place] = Some(builder.listen(self.addresses[place]).start_in(&folder));
    }

    /// Ends one node with SIGKILL.
    pub fn kill(&mut self, place: usize) {
        self.nodes[place] = None;
    }

    /// One that runs.
    #[must_use]
    pub fn node(&self, place: usize) -> &Node {
        self.nodes[place].as_ref().unwrap()
    }
}

/// Where a port is claimed for as long as a network has it, so that nobody takes it while its node is down. No node listens
/// there.
const CLAIMS: [u8; 4] = [127, 255, 255, 254];

/// So many free ports in a row, below those that the system gives to outgoing connections, and the claims to them.
fn free_ports(count: u16) -> (Range<u16>, Vec<UdpSocket>) {
    // Who begins elsewhere has less to try.
    let begin = 26_000 + u16::try_from(std::process::id() % 100).unwrap() * 50;
    let mut rows = (begin..32_700 - count).step_by(usize::from(count)).map(|first| first..first + count);
    rows.find_map(|row| Some((row.clone(), row.map(claim).collect::<Option<_>>()?))).expect("free ports in a row")
}

fn claim(port: u16) -> Option<UdpSocket> {
    let claim = UdpSocket::bind((Ipv4Addr::from(CLAIMS), port)).ok()?;
    let is_free = TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok();
    is_free.then_some(claim)
}
