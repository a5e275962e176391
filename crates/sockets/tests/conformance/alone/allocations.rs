//! After the start nothing is allocated. A program of its own, because it counts what it allocates.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, also in its shared parts"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Tested;
use crate::rig::{PATIENCE, Rig, connect, datagram_client};
use raida_reactor::backend::{Backend, Completion};
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting per thread.
struct Counting;

#[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
// SAFETY: every call is passed on as it is; counting in a thread-local cell does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn requests_and_datagrams_are_served_without_allocating() {
    let mut rig = Rig::new();
    let address = rig.address();
    let datagrams = datagram_client("127.0.0.1");
    let mut buffer = Some(Buffer::zeroed(4096));
    let mut serve = |round: u32| {
        let mut client = connect(address);
        rig.backend.accept(0);
        let token = Token::new(round % 64, round);
        adopt(&mut rig.backend, token);
        // The first octets come late, so that the connection is waited for.
        rig.backend.receive(token);
        assert!(rig.backend.next().is_none());
        exchange(&mut rig.backend, &mut client, token, &mut buffer);
        rig.backend.watch(token);
        assert!(rig.backend.next().is_none());
        rig.close(token, false);

        datagrams.send_to(b"datagram", address).unwrap();
        rig.backend.receive_datagrams(0);
        let to = echo_datagram(&mut rig.backend);
        rig.backend.send_datagram(to, buffer.take().unwrap(), 0..4);
        let Some(Completion::Returned(back)) = rig.backend.next() else { panic!("the buffer comes back") };
        buffer = Some(back);
        for len in [8, 4] {
            assert_eq!(datagrams.recv(&mut [0; 100]).unwrap(), len);
        }
    };
    (0..10).for_each(&mut serve);
    let before = ALLOCATIONS.get();
    (10..1000).for_each(&mut serve);
    assert_eq!(ALLOCATIONS.get() - before, 0);
    // The counter counts.
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}

fn adopt(backend: &mut Tested, token: Token) {
    loop {
        match backend.next() {
            Some(Completion::Accepted { socket, .. }) => return backend.adopt(token, socket),
            Some(other) => panic!("a connection comes first, not {other:?}"),
            None => backend.wait(Some(PATIENCE)).unwrap(),
        }
    }
}

fn exchange(backend: &mut Tested, client: &mut TcpStream, token: Token, buffer: &mut Option<Buffer>) {
    client.write_all(b"request").unwrap();
    loop {
        match backend.next() {
            Some(Completion::Received { octets, .. }) => {
                assert_eq!(octets, b"request");
                backend.send(token, buffer.take().unwrap(), 0..6);
            }
            Some(Completion::Sent { buffer: back, .. }) => {
                *buffer = Some(back);
                return client.read_exact(&mut [0; 6]).unwrap();
            }
            Some(other) => panic!("neither is expected: {other:?}"),
            None => backend.wait(Some(PATIENCE)).unwrap(),
        }
    }
}

fn echo_datagram(backend: &mut Tested) -> raida_reactor::datagrams::ReplyTo {
    let to = loop {
        match backend.next() {
            Some(Completion::Datagrams { batch, .. }) => {
                let datagram = batch.iter_mut().next().expect("a batch is not empty");
                datagram.answer.as_mut()[..8].copy_from_slice(&datagram.octets.as_ref()[..8]);
                datagram.answer_range = 0..8;
                break datagram.reply_to;
            }
            Some(other) => panic!("datagrams come first, not {other:?}"),
            None => backend.wait(Some(PATIENCE)).unwrap(),
        }
    };
    backend.answer_datagrams(0);
    to
}
