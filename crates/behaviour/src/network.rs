//! Many nodes that know each other: each has to be told the others' ports before it starts.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use crate::Node;
use crate::node::Builder;

/// Nodes in folders that outlive their processes, on ports in a row.
#[derive(Debug)]
pub struct Network {
    /// The nodes; `None` where one is down.
    pub nodes: Vec<Option<Node>>,
    addresses: Vec<SocketAddr>,
    folder: tempfile::TempDir,
}

impl Network {
    /// Of so many nodes, none of which runs yet.
    #[must_use]
    pub fn of(count: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let addresses: Vec<_> = free_ports(count).map(|port| ([127, 0, 0, 1], port).into()).collect();
        Self { nodes: addresses.iter().map(|_| None).collect(), addresses, folder }
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

/// So many free ports in a row, below those that the system gives to outgoing connections; others for each call, and as good
/// as always for each process that looks for some at the same time.
fn free_ports(count: u16) -> impl Iterator<Item = u16> {
    static NEXT: LazyLock<Mutex<u16>> = LazyLock::new(|| {
        let place = u16::try_from(std::process::id() % 100).unwrap();
        Mutex::new(26_000 + place * 50)
    });
    let is_free =
        |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let mut next = NEXT.lock().unwrap();
    let first = (*next..32_700 - count).step_by(usize::from(count)).find(|first| (*first..first + count).all(is_free));
    let first = first.expect("free ports in a row");
    *next = first + count;
    first..first + count
}
