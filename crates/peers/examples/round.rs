//! Runs one integrity cycle and prints its report.
//!
//! ```sh
//! cargo run -p raida-peers --example round                                # among 24 nodes that it makes up
//! cargo run -p raida-peers --example round -- 192.0.2.1:50007 192.0.2.2:50007   # among these, for RAIDA 7
//! ```
//!
//! The coins are those of an empty store in a temporary folder, so others agree only while they have none either.

use std::error::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::{env, io, thread};

use raida_peers::{Address, Circle, Cycle};
use raida_store::{Options, Store};
use raida_wire::vote;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(Store::open(folder.path(), &Options::new([7; 32]))?);
    let named: Vec<Address> = env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let peers = if named.is_empty() { made_up(&store)? } else { named };
    let cycle = Cycle::new(Circle::mirrors(7, 6, peers, None)?);
    println!("{:#?}", cycle.run(&Arc::downgrade(&store), &|| false)?);
    Ok(())
}

/// Nodes that do nothing but vote: 20 have the same roots, 4 have others.
fn made_up(store: &Store) -> io::Result<Vec<Address>> {
    let start = |number| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, mut roots) = (socket.local_addr()?, *store.roots());
        roots[0] ^= u8::from(number >= 20);
        thread::spawn(move || answer_votes(&socket, &roots));
        Ok(address.into())
    };
    (0..24).map(start).collect()
}

fn answer_votes(socket: &UdpSocket, roots: &[u8; vote::ROOTS_LEN]) -> io::Result<()> {
    let mut datagram = [0; 1440];
    loop {
        let (len, asker) = socket.recv_from(&mut datagram)?;
        if let Some(request) = datagram.get(..len).and_then(vote::Request::parse) {
            socket.send_to(&vote::answer(&request, roots), asker)?;
        }
    }
}
