//! No descriptors left. A program of its own, because it takes them all.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::rig::{PATIENCE, Rig, Seen, connect};
use raida_reactor::backend::Backend;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

#[test]
fn waiting_connections_are_closed_instead_of_left_and_the_next_ones_are_served() {
    let mut rig = Rig::new();
    let address = rig.address();
    let waiting: Vec<_> = (0..100).map(|_| connect(address)).collect();
    let spare = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // Once: io_uring goes by the limit of the moment at which it was told to accept.
    lower_the_limit();
    let hoard = take_all_descriptors();

    // The reserve descriptor lets it close those who wait, a bounded number at a time, one turn each.
    let mut closed = 0;
    for expected in [64, 36, 0] {
        rig.backend.accept(0);
        let Seen::AcceptFailed { listener: 0, error, shed } = rig.next() else { panic!("it cannot accept") };
        assert_eq!((error.raw_os_error(), shed), (Some(libc::EMFILE), expected));
        closed += shed as usize;
        // Nothing is in flight, so nothing spins.
        rig.settle();
    }
    assert_eq!(closed, waiting.len());
    for mut client in waiting {
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    }

    // No edge came and none will: the next attempt alone finds out that there are descriptors again.
    spare.connect_timeout(&address.into(), PATIENCE).unwrap();
    drop(hoard);
    rig.backend.accept(0);
    let Seen::Accepted { peer, .. } = rig.next() else { panic!("it can accept again") };
    assert_eq!(Some(peer), spare.local_addr().unwrap().as_socket());

    // The reserve is there again for the next time.
    let late = connect(address);
    let _hoard = take_all_descriptors();
    rig.backend.accept(0);
    assert!(matches!(rig.next(), Seen::AcceptFailed { shed: 1, .. }));
    drop(late);
}

/// Makes it quick to take them all.
fn lower_the_limit() {
    let next = File::open("/dev/null").unwrap().as_raw_fd();
    let limit = getrlimit(Resource::Nofile);
    let current = Some(u64::try_from(next).unwrap() + 40).min(limit.maximum);
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
}

/// Opens until there is nothing left.
fn take_all_descriptors() -> Vec<OwnedFd> {
    std::iter::from_fn(|| File::open("/dev/null").ok().map(OwnedFd::from)).collect()
}
