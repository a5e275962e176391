//! The floor over io_uring.
//!
//! Why it cannot be leaner:
//!
//! - One accept serves for all connections, one poll for all datagrams. A connection costs one entry, to receive. To link
//!   the answer to it would save a completion, and with it the chance to look at the request before it is answered: no
//!   server could do that.
//! - What has nothing to wait for is a call, as on epoll: `send` with `MSG_MORE`, `shutdown`, `close`. Through the ring
//!   they cost the same with few connections in flight, and more with many (docs/performance.md).
//! - The ring has a single issuer and runs its work when we wait, so nothing interrupts the loop; one system call submits
//!   all that has come up and waits.
//! - The kernel is not asked who connected. Memory is each connection's own, and none is handed to and fro.
//! - Datagrams come and go as they do for the floor over epoll, 64 with one call.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, Result};

use crate::floor::Shape;
use crate::floor::epoll::{BATCH, answer_all};
use crate::sys::{Batch, Happened, Ring};

/// Connections at once.
const CONNECTIONS: usize = 16_384;

pub(super) fn serve(shape: &Shape, listener: &OwnedFd, datagrams: &OwnedFd, say: impl FnOnce()) -> Result<()> {
    let mut ring = Ring::new(CONNECTIONS).context("no io_uring here")?;
    ring.accept(listener)?;
    ring.watch(datagrams)?;
    say();
    let (mut batch, mut got) = (Batch::named(BATCH), vec![0; CONNECTIONS]);
    loop {
        let outcome = ring.turn(|ring, happened| match happened {
            Happened::Nothing => Ok(()),
            Happened::Datagrams => answer_all(&mut batch, datagrams.as_fd()).map_err(io::Error::other),
            Happened::Received(place, outcome) => {
                let Some(got) = got.get_mut(place) else { return Ok(()) };
                received(shape, ring, place, got, outcome)
            }
        });
        outcome.context("waiting for completions")?;
    }
}

fn received(shape: &Shape, ring: &mut Ring, place: usize, got: &mut usize, outcome: i32) -> io::Result<()> {
    let Ok(octets @ 1..) = usize::try_from(outcome) else {
        *got = 0;
        ring.close(place);
        return Ok(());
    };
    *got += octets;
    let whole = *got / shape.request;
    if whole == 0 {
        return ring.receive(place, *got);
    }
    *got = 0;
    if shape.persistent {
        return ring.answer(place, whole * shape.answer);
    }
    ring.answer_and_close(place, shape.answer);
    Ok(())
}
