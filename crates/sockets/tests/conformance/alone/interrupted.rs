//! Signals in the middle of everything.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::rig::{Rig, Seen};
use raida_reactor::backend::Backend;

#[test]
fn a_loop_that_signals_interrupt_all_the_time_serves_as_ever() {
    let seen = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&seen)).unwrap();
    let mut rig = Rig::new();
    let (mut client, token) = rig.connect_listed(0);
    let (signals, over) = (AtomicU32::new(0), AtomicBool::new(false));
    // SAFETY: takes nothing and cannot fail.
    #[expect(unsafe_code, reason = "the standard library cannot signal a thread")]
    let this_thread = unsafe { libc::pthread_self() };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // SAFETY: needs a thread that has not been joined. It runs until this scope ends.
                #[expect(unsafe_code, reason = "the standard library cannot signal a thread")]
                let sent = unsafe { libc::pthread_kill(this_thread, libc::SIGUSR1) };
                assert_eq!(sent, 0);
                signals.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(50));
            }
        });
        let mut rounds = 0u8;
        while rounds < 200 || signals.load(Ordering::Relaxed) < 50 {
            rig.backend.receive(token);
            rig.settle();
            // The wait comes before the octets: only signals can end it.
            rig.backend.wait(Some(Duration::from_millis(1))).unwrap();
            client.write_all(&[rounds]).unwrap();
            assert!(matches!(rig.next(), Seen::Received { octets, .. } if octets == [rounds]));
            rig.send(token, &[rounds]);
            assert!(matches!(rig.next(), Seen::Sent { .. }));
            client.read_exact(&mut [0; 1]).unwrap();
            rounds = rounds.saturating_add(1);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(seen.load(Ordering::Relaxed));
}
