//! More deferred requests than there is room for: over connections they wait, in order, and are answered or told so.

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, Held, request};
use raida_sim::{ClientId, Rig, Script, Weather, seed};
use raida_wire::{Pending, Status};

const MS: Duration = Duration::from_millis(1);

fn rig(seed: u64, wait: Duration, job_max: Duration) -> Rig {
    Rig::new(seed, Weather::rough(), job_max, |settings| {
        settings.completions_max = 3;
        settings.wait_for_worker = wait;
    })
}

fn ask(rig: &mut Rig, tag: u16) -> (ClientId, Pending) {
    let (octets, pending) = request(DEFER, &tag.to_be_bytes(), tag);
    let peer = SocketAddr::from(([10, 0, 0, 1], 1024 + tag));
    (rig.sim().connect(u32::from(tag) * MS, peer, Script::new().send(&octets)), pending)
}

/// The status of its one whole answer.
fn status_of(rig: &Rig, (id, pending): &(ClientId, Pending)) -> Option<Status> {
    let mut received = rig.reactor.backend().client(*id).received().to_vec();
    pending.read(&mut received).ok().map(|response| response.status)
}

#[test]
fn a_flood_is_answered_to_the_last_request() {
    seed::each(50, |seed| {
        let mut rig = rig(seed, Duration::from_secs(60), 10 * MS);
        let clients: Vec<_> = (0..100).map(|tag| ask(&mut rig, tag)).collect();
        assert!(rig.run(Duration::from_secs(60)));
        assert!(clients.iter().all(|client| status_of(&rig, client) == Some(Status::SUCCESS)));
        assert!(rig.snapshot().waited > 50, "the test saturates the workers");
        assert_eq!((rig.snapshot().deferred, rig.held()), (100, Held::default()));
    });
}

#[test]
fn who_came_first_is_served_first() {
    let mut rig = Rig::new(1, Weather::calm(), 10 * MS, |settings| settings.completions_max = 2);
    let clients: Vec<_> = (0..50).map(|tag| ask(&mut rig, tag).0).collect();
    assert!(rig.run(Duration::from_secs(60)));
    assert!(rig.snapshot().waited > 30);
    let ends = clients.iter().filter_map(|&id| rig.reactor.backend().client(id).end());
    assert!(ends.map(|(_, when)| when).is_sorted());
}

#[test]
fn who_waits_too_long_is_told_to_come_back_later() {
    seed::each(50, |seed| {
        let mut rig = rig(seed, 500 * MS, 400 * MS);
        let clients: Vec<_> = (0..40).map(|tag| ask(&mut rig, tag)).collect();
        assert!(rig.run(Duration::from_secs(60)));
        let statuses: Vec<Status> = clients.iter().filter_map(|client| status_of(&rig, client)).collect();
        let overloaded = statuses.iter().filter(|&&status| status == Status::REQUEST_RATE).count() as u64;
        let served = statuses.iter().filter(|&&status| status == Status::SUCCESS).count() as u64;
        assert_eq!(served + overloaded, 40);
        assert!(overloaded > 0 && served > 0);
        let figures = rig.snapshot();
        assert_eq!(figures.wait_timeouts + figures.queue_timeouts, overloaded);
        assert!(figures.wait_timeouts > 0 && figures.queue_timeouts > 0, "in connections and in queues");
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn a_peer_that_resets_while_waiting_gives_its_place_up() {
    seed::each(50, |seed| {
        let mut rig = rig(seed, Duration::from_secs(60), 20 * MS);
        let clients: Vec<_> = (0..60u16)
            .map(|tag| {
                let (octets, pending) = request(DEFER, &tag.to_be_bytes(), tag);
                let script = Script::new().send(&octets);
                let script = if tag % 3 == 0 { script.wait(50 * MS).reset() } else { script };
                let peer = SocketAddr::from(([10, 0, 0, 1], 1024 + tag));
                (rig.sim().connect(Duration::ZERO, peer, script), pending)
            })
            .collect();
        assert!(rig.run(Duration::from_secs(60)));
        for (tag, client) in clients.iter().enumerate() {
            assert!(tag % 3 == 0 || status_of(&rig, client) == Some(Status::SUCCESS));
        }
        let figures = rig.snapshot();
        assert!(figures.answers_with(Status::SUCCESS) < 60, "nobody works for those who have gone");
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn no_memory_is_an_answer_too() {
    seed::each(20, |seed| {
        // Room for the answer and the request of one deferred request, no more.
        let mut rig = Rig::new(seed, Weather::rough(), 100 * MS, |settings| settings.buffer_octets_max = 2 * 4096);
        let mut clients: Vec<_> = (0..10).map(|tag| ask(&mut rig, tag)).collect();
        let (octets, pending) = request(ECHO, &[7; 9000], 77);
        let peer = SocketAddr::from(([10, 0, 0, 1], 80));
        clients.push((
            rig.sim().connect(Duration::ZERO, peer, Script::new().trickle(&octets[..40], MS).send(&octets[40..])),
            pending,
        ));
        assert!(rig.run(Duration::from_secs(60)));
        let statuses: Vec<Status> = clients.iter().filter_map(|client| status_of(&rig, client)).collect();
        assert!(statuses.contains(&Status::SUCCESS));
        assert_eq!((statuses.len(), statuses.last()), (11, Some(&Status::MEMORY_ALLOC)));
        assert!(statuses.iter().all(|status| matches!(*status, Status::SUCCESS | Status::MEMORY_ALLOC)));
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn peers_that_never_finish_cannot_keep_the_others_from_being_answered() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| settings.buffer_octets_max = 4 * 65_664);
    let (half, _) = request(ECHO, &[7; 60_000], 1);
    for network in 1..21 {
        let peer = SocketAddr::from(([10, 0, network, 2], 1024));
        rig.sim().connect(Duration::ZERO, peer, Script::new().send(&half[..200]));
    }
    // While those are being waited for: requests that come whole, one for the I/O thread and one for a worker.
    let clients = [ECHO, DEFER].map(|command| {
        let (octets, pending) = request(command, &[7; 100], 2);
        let peer = SocketAddr::from(([10, 0, 0, 1], 80));
        (rig.sim().connect(100 * MS, peer, Script::new().send_together(&octets)), pending)
    });
    assert!(rig.run(Duration::from_secs(60)));
    let statuses = clients.map(|client| status_of(&rig, &client));
    assert_eq!(statuses, [Some(Status::SUCCESS); 2]);
    assert_eq!(rig.snapshot().refusals_with(Status::MEMORY_ALLOC), 17, "the pool was full");
    assert_eq!(rig.held(), Held::default());
}
