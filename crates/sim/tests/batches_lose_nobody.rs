//! Requests that are answered together, among others, under all weather: whoever asks gets its one answer, a blocked road
//! holds up nobody on the other, and a stop leaves nothing behind.
#![expect(clippy::expect_used, reason = "what goes wrong here fails the test")]

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{BATCH, DEFER, ECHO, FORGET_IN_BATCH, Held, PANIC_IN_BATCH, PANIC_LATER, PROVE, request};
use raida_sim::dice::Dice;
use raida_sim::{ClientId, End, Rig, Script, Weather, seed};
use raida_wire::{Command, Pending, Status};
use raida_workers::BatcherConfig;

const MS: Duration = Duration::from_millis(1);

/// One client, who asks once, and what it asked.
struct Asker {
    id: ClientId,
    command: Command,
    tag: u16,
    pending: Pending,
}

fn peer(tag: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1024 + tag))
}

fn ask(rig: &mut Rig, at: Duration, command: Command, tag: u16) -> Asker {
    let (octets, pending) = request(command, &tag.to_be_bytes(), tag);
    let id = rig.sim().connect(at, peer(tag), Script::new().send(&octets));
    Asker { id, command, tag, pending }
}

/// The status of its one answer, which is its own and whole, and after which the node has closed in order.
fn status_of(rig: &Rig, asker: &Asker) -> Status {
    let client = rig.reactor.backend().client(asker.id);
    let mut received = client.received().to_vec();
    assert_eq!(client.end().map(|(end, _)| end), Some(End::Closed), "{client:?}");
    assert_eq!(received.len(), asker.pending.response_len(&received), "one answer, nothing more: {client:?}");
    let response = asker.pending.read(&mut received).expect("an answer to this very request");
    if response.status == Status::SUCCESS {
        assert_eq!(response.payload, asker.tag.to_be_bytes());
    }
    response.status
}

/// When its connection ended.
fn end_of(rig: &Rig, asker: &Asker) -> Duration {
    let (_, when) = rig.reactor.backend().client(asker.id).end().expect("it has ended");
    Duration::from_micros(when.as_micros())
}

#[test]
fn deferred_and_batched_requests_are_each_answered_once() {
    seed::each(300, |seed| {
        let mut dice = Dice::new(seed.rotate_left(9));
        let mut rig = Rig::new(seed, Weather::rough(), 40 * MS, |settings| {
            settings.completions_max = 5;
            settings.wait_for_worker = Duration::from_secs(60);
        });
        let kinds = [ECHO, DEFER, DEFER, PANIC_LATER, BATCH, BATCH, BATCH, PROVE, PROVE, FORGET_IN_BATCH];
        let askers: Vec<_> = (0..60)
            .map(|tag| {
                let command = kinds.get(dice.index(kinds.len())).copied().unwrap_or(ECHO);
                ask(&mut rig, Duration::from_millis(dice.below(200)), command, tag)
            })
            .collect();
        assert!(rig.run(Duration::from_secs(60)), "still busy");
        for asker in &askers {
            let breaks = matches!(asker.command, PANIC_LATER | FORGET_IN_BATCH);
            let expected = if breaks { Status::INTERNAL } else { Status::SUCCESS };
            assert_eq!(status_of(&rig, asker), expected, "{}", asker.command);
        }
        let of = |kinds: [Command; 3]| askers.iter().filter(|asker| kinds.contains(&asker.command)).count() as u64;
        let figures = rig.snapshot();
        assert_eq!(
            (figures.deferred, figures.batched),
            (of([DEFER, PANIC_LATER, PROVE]), of([BATCH, FORGET_IN_BATCH, PROVE]))
        );
        assert!(figures.waited > 0, "the test fills both roads");
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn a_full_batcher_makes_requests_wait_and_loses_none() {
    // Two places in the batcher, and two in a batch: refused by the batcher itself, not only for want of permits.
    let batcher = BatcherConfig { queue_capacity: 2, batch_max: 2, ..BatcherConfig::default() };
    seed::each(50, |seed| {
        let mut rig = Rig::with_batcher(&batcher, seed, Weather::rough(), 10 * MS, |settings| {
            settings.wait_for_worker = Duration::from_secs(60);
        });
        let askers: Vec<_> = (0..80).map(|tag| ask(&mut rig, u32::from(tag) * MS / 4, BATCH, tag)).collect();
        assert!(rig.run(Duration::from_secs(60)), "still busy");
        assert!(askers.iter().all(|asker| status_of(&rig, asker) == Status::SUCCESS));
        assert!(rig.snapshot().waited > 40, "the test fills the batcher");
        assert_eq!((rig.snapshot().batched, rig.held()), (80, Held::default()));
    });
}

#[test]
fn a_stuck_batch_holds_up_no_other_request_and_is_waited_for_only_so_long() {
    seed::each(50, |seed| {
        let mut rig = Rig::new(seed, Weather::calm(), 2 * MS, |settings| {
            settings.completions_max = 3;
            settings.wait_for_worker = 500 * MS;
        });
        rig.set_batch_max(Duration::from_secs(3600));
        let batched: Vec<_> = (0..20).map(|tag| ask(&mut rig, Duration::ZERO, BATCH, tag)).collect();
        let deferred: Vec<_> = (100..150).map(|tag| ask(&mut rig, u32::from(tag) * MS, DEFER, tag)).collect();
        rig.run_for(2000 * MS);
        for asker in &deferred {
            assert_eq!(status_of(&rig, asker), Status::SUCCESS);
            assert!(end_of(&rig, asker) < u32::from(asker.tag) * MS + 300 * MS, "it waited for the batch");
        }
        assert_eq!((rig.snapshot().in_flight, rig.snapshot().in_batch, rig.snapshot().waiting), (3, 3, 0));
        assert!(rig.run(Duration::from_secs(7200)), "still busy");
        let statuses: Vec<_> = batched.iter().map(|asker| status_of(&rig, asker)).collect();
        let count = |status| statuses.iter().filter(|&&found| found == status).count();
        assert_eq!((count(Status::SUCCESS), count(Status::REQUEST_RATE)), (3, 17));
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn stuck_workers_hold_up_no_batch() {
    let mut rig = Rig::new(3, Weather::calm(), Duration::from_secs(3600), |settings| {
        settings.completions_max = 3;
        settings.wait_for_worker = Duration::from_secs(3600);
    });
    rig.set_batch_max(2 * MS);
    let deferred: Vec<_> = (0..20).map(|tag| ask(&mut rig, Duration::ZERO, DEFER, tag)).collect();
    let batched: Vec<_> = (100..150).map(|tag| ask(&mut rig, u32::from(tag) * MS, BATCH, tag)).collect();
    rig.run_for(2000 * MS);
    assert!(batched.iter().all(|asker| status_of(&rig, asker) == Status::SUCCESS));
    assert!(deferred.iter().all(|asker| rig.reactor.backend().client(asker.id).received().is_empty()));
    assert_eq!((rig.snapshot().in_flight, rig.snapshot().waiting), (3, 17));
}

#[test]
fn a_batch_that_panics_is_answered_whole_and_the_next_ones_go_on() {
    seed::each(100, |seed| {
        let mut rig = Rig::new(seed, Weather::rough(), 10 * MS, |_| {});
        let kind = |tag| if tag % 10 == 4 { PANIC_IN_BATCH } else { BATCH };
        let mut askers: Vec<_> = (0..40).map(|tag| ask(&mut rig, u32::from(tag) * MS, kind(tag), tag)).collect();
        askers.push(ask(&mut rig, Duration::from_secs(30), BATCH, 99));
        assert!(rig.run(Duration::from_secs(60)), "still busy");
        for asker in &askers {
            let status = status_of(&rig, asker);
            let is_its_own_fault = asker.command == PANIC_IN_BATCH;
            assert!(status == Status::INTERNAL || status == Status::SUCCESS && !is_its_own_fault, "{status}");
        }
        assert_eq!(askers.last().map(|last| status_of(&rig, last)), Some(Status::SUCCESS), "alone, after all panics");
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn a_peer_that_resets_while_it_waits_for_the_batch_gives_its_place_up() {
    seed::each(50, |seed| {
        let mut rig = Rig::new(seed, Weather::rough(), 30 * MS, |settings| {
            settings.completions_max = 2;
            settings.wait_for_worker = Duration::from_secs(60);
        });
        let stays: Vec<_> = (0..30).map(|tag| ask(&mut rig, Duration::ZERO, BATCH, tag)).collect();
        for tag in 100..130 {
            let command = [BATCH, DEFER, PROVE].get(usize::from(tag) % 3).copied().unwrap_or(BATCH);
            let script = Script::new().send(&request(command, b"", tag).0).wait(40 * MS).reset();
            rig.sim().connect(Duration::ZERO, peer(tag), script);
        }
        assert!(rig.run(Duration::from_secs(60)), "still busy");
        assert!(stays.iter().all(|asker| status_of(&rig, asker) == Status::SUCCESS));
        assert!(rig.snapshot().answers_with(Status::SUCCESS) < 60, "nobody works for those who have gone");
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn datagrams_by_both_roads_are_answered_and_each_road_has_its_own_limit() {
    let mut rig = Rig::new(1, Weather::calm(), 300 * MS, |settings| settings.datagrams_in_flight_max = 4);
    for tag in 0..40 {
        let command = if tag % 2 == 0 { DEFER } else { BATCH };
        rig.sim().post(Duration::ZERO, peer(tag), &request(command, &tag.to_be_bytes(), tag).0);
    }
    rig.run_for(MS / 2);
    let figures = rig.snapshot();
    assert_eq!((figures.in_flight, figures.in_batch, figures.datagrams_overloaded), (8, 4, 32));
    assert!(rig.run(Duration::from_secs(60)), "still busy");
    let mut served = 0;
    for tag in 0..40u16 {
        let [answer] = rig.sim().answers(peer(tag)) else { panic!("one answer for {tag}") };
        let (mut answer, pending) = (answer.clone(), request(BATCH, b"", tag).1);
        let response = pending.read(&mut answer).expect("an answer to this very request");
        match response.status {
            Status::SUCCESS => served += u32::from(response.payload == tag.to_be_bytes()),
            status => assert_eq!(status, Status::REQUEST_RATE),
        }
    }
    assert_eq!((served, rig.held()), (8, Held::default()));
}

#[test]
fn datagrams_in_rough_weather_get_right_answers_or_none() {
    seed::each(100, |seed| {
        let mut rig = Rig::new(seed, Weather::rough(), 5 * MS, |_| {});
        let kinds = [DEFER, BATCH, PROVE, FORGET_IN_BATCH];
        let kind = |tag: u16| kinds.get(usize::from(tag) % kinds.len()).copied().unwrap_or(ECHO);
        for tag in 0..60 {
            rig.sim().post(u32::from(tag % 7) * MS, peer(tag), &request(kind(tag), &tag.to_be_bytes(), tag).0);
        }
        assert!(rig.run(Duration::from_secs(60)), "still busy");
        for tag in 0..60u16 {
            for answer in rig.sim().answers(peer(tag)).to_vec() {
                let (mut answer, pending) = (answer, request(kind(tag), b"", tag).1);
                let response = pending.read(&mut answer).expect("an answer to this very request");
                match response.status {
                    Status::SUCCESS => assert_eq!(response.payload, tag.to_be_bytes()),
                    status => assert_eq!((status, kind(tag)), (Status::INTERNAL, FORGET_IN_BATCH)),
                }
            }
        }
        let figures = rig.snapshot();
        assert_eq!(figures.datagrams_in, figures.datagrams_out, "none is forgotten, none answered twice");
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn a_stop_under_load_answers_every_batch_that_was_accepted() {
    seed::each(200, |seed| {
        let mut dice = Dice::new(seed ^ 0xBA7C);
        let mut rig = Rig::new(seed, Weather::rough(), 60 * MS, |settings| settings.completions_max = 6);
        let askers: Vec<_> = (0..50)
            .map(|tag| {
                let command = [BATCH, BATCH, PROVE, DEFER].get(dice.index(4)).copied().unwrap_or(BATCH);
                ask(&mut rig, Duration::from_millis(dice.below(150)), command, tag)
            })
            .collect();
        rig.run_for(Duration::from_millis(dice.below(200)));
        rig.handle().shutdown();
        let drained = rig.run_down();
        assert_eq!((drained.cut, drained.abandoned), (0, 0), "5 s are enough for all of them");
        assert_eq!(rig.held(), Held::default());
        let figures = rig.snapshot();
        assert_eq!(figures.answers_with(Status::SUCCESS), figures.requests - figures.wait_timeouts);
        // The last packets arrive.
        while !rig.sim().is_quiet() {
            raida_reactor::backend::Backend::wait(rig.sim(), Some(MS)).expect("a simulation does not break");
        }
        for asker in &askers {
            let has_answer = !rig.reactor.backend().client(asker.id).received().is_empty();
            assert!(!has_answer || status_of(&rig, asker) == Status::SUCCESS);
        }
    });
}

#[test]
fn one_seed_gives_one_run() {
    let run = |seed| {
        let mut rig = Rig::new(seed, Weather::rough(), 20 * MS, |settings| settings.completions_max = 4);
        let kind = |tag: u16| if tag.is_multiple_of(3) { DEFER } else { BATCH };
        (0..40).for_each(|tag| drop(ask(&mut rig, u32::from(tag) * MS, kind(tag), tag)));
        assert!(rig.run(Duration::from_secs(60)), "still busy");
        rig.sim().trace()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}
