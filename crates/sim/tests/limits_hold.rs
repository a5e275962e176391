//! Limits on one source and on one turn: who breaks one is told so or closed, and nobody else notices.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use raida_reactor::Settings;
use raida_reactor::bucket::Rate;
use raida_reactor::buffer::LARGE;
use raida_reactor::testing::{DEFER, ECHO, Held, INFLATE, request};
use raida_sim::{ClientId, Rig, Script, Weather, seed};
use raida_wire::{Command, Pending, Status, vote};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn peer(network: u8, tag: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, network, 1], 1024 + tag))
}

fn rate(per_second: u32) -> Option<Rate> {
    NonZeroU32::new(per_second).map(Rate::new)
}

fn ask(rig: &mut Rig, at: Duration, network: u8, command: Command, tag: u16) -> (ClientId, Pending) {
    let (octets, pending) = request(command, &tag.to_be_bytes(), tag);
    (rig.sim().connect(at, peer(network, tag), Script::new().send_together(&octets)), pending)
}

/// The status of its one whole answer, if it got one.
fn status_of(rig: &Rig, (id, pending): &(ClientId, Pending)) -> Option<Status> {
    let mut received = rig.reactor.backend().client(*id).received().to_vec();
    pending.read(&mut received).ok().map(|response| response.status)
}

fn count<T: PartialEq>(found: &[T], wanted: &T) -> usize {
    found.iter().filter(|found| *found == wanted).count()
}

#[test]
fn a_source_that_connects_too_often_is_refused_and_then_closed_and_the_others_are_served() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| settings.source_requests = rate(10));
    let flood: Vec<_> = (0..200).map(|tag| ask(&mut rig, MS, 1, ECHO, tag)).collect();
    let others: Vec<_> = (0..50).map(|tag| ask(&mut rig, MS, 2 + tag, ECHO, tag.into())).collect();
    let later = ask(&mut rig, 3 * SECOND, 1, ECHO, 999);
    assert!(rig.run(60 * SECOND));
    let statuses: Vec<_> = flood.iter().map(|client| status_of(&rig, client)).collect();
    assert_eq!(count(&statuses, &Some(Status::SUCCESS)), 20);
    assert_eq!(count(&statuses, &Some(Status::REQUEST_RATE)), 20);
    assert_eq!(count(&statuses, &None), 160);
    assert!(others.iter().chain([&later]).all(|client| status_of(&rig, client) == Some(Status::SUCCESS)));
    let figures = rig.snapshot();
    assert_eq!((figures.requests_over_rate, figures.refused_rate, figures.refused_source), (20, 160, 0));
    assert_eq!(rig.held(), Held::default());
}

#[test]
fn on_a_lasting_connection_every_request_counts() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| {
        settings.policy.requests_max = 100;
        settings.source_requests = rate(2);
    });
    let (octets, _) = request(ECHO, b"", 1);
    let script = (1..=10).fold(Script::new(), |script, number| script.send_together(&octets).wait_for(32 * number));
    rig.sim().connect(Duration::ZERO, peer(1, 1), script);
    assert!(rig.run(60 * SECOND));
    assert_eq!((rig.snapshot().answers_with(Status::SUCCESS), rig.snapshot().requests_over_rate), (4, 1));
}

#[test]
fn half_sent_requests_of_one_source_leave_buffers_to_the_others() {
    seed::each(20, |seed| {
        let set = |settings: &mut Settings| {
            settings.buffer_octets_max = 8 * LARGE;
            settings.source_buffer_octets_max = 2 * LARGE;
        };
        let mut rig = Rig::new(seed, Weather::rough(), MS, set);
        let (half, _) = request(ECHO, &[7; 60_000], 1);
        for tag in 0..20 {
            rig.sim().connect(Duration::ZERO, peer(1, tag), Script::new().send(&half[..200]));
        }
        let (octets, pending) = request(ECHO, &[7; 9000], 77);
        let script = Script::new().trickle(&octets[..40], MS).send(&octets[40..]);
        let other = (rig.sim().connect(500 * MS, peer(2, 0), script), pending);
        assert!(rig.run(60 * SECOND));
        assert_eq!(status_of(&rig, &other), Some(Status::SUCCESS));
        assert!(rig.snapshot().buffers_over_source > 0);
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn datagrams_over_the_rate_are_sent_to_tcp_or_dropped_and_votes_and_echoes_go_on() {
    let mut rig = Rig::new(1, Weather::calm(), MS, |settings| {
        settings.source_datagrams = rate(5);
        settings.source_votes = rate(1000);
    });
    for tag in 0..100 {
        rig.sim().post(MS, peer(1, tag), &request(DEFER, b"", tag).0);
        rig.sim().post(MS, peer(1, 100 + tag), &request(ECHO, b"", tag).0);
    }
    let mut question = [0; vote::REQUEST_LEN];
    vote::ask(&[0; vote::ROOTS_LEN], &[9; vote::NONCE_LEN], &mut question);
    rig.sim().post(2 * MS, peer(1, 300), &question);
    rig.sim().post(2 * MS, peer(2, 1), &request(DEFER, b"", 1).0);
    assert!(rig.run(60 * SECOND));
    let answers =
        |range: std::ops::Range<u16>| range.map(|tag| rig.reactor.backend().answers(peer(1, tag))).collect::<Vec<_>>();
    let flood: Vec<_> = answers(0..100).iter().map(|answers| answers.first().map(|answer| Status(answer[2]))).collect();
    assert_eq!(count(&flood, &Some(Status::SUCCESS)), 10);
    assert_eq!(count(&flood, &Some(Status::INVALID_UDP_FRAME_COUNT)), 45);
    assert_eq!(count(&flood, &None), 45);
    assert!(answers(100..200).iter().all(|answers| answers.len() == 1), "every echo is answered");
    assert_eq!(vote::read(&answers(300..301)[0][0], &[9; vote::NONCE_LEN]), Ok(true));
    assert_eq!(rig.reactor.backend().answers(peer(2, 1)).len(), 1, "and every other source");
    let figures = rig.snapshot();
    assert_eq!((figures.datagrams_slipped, figures.datagrams_over_rate), (45, 45));
    assert!(figures.datagram_octets_out <= figures.datagram_octets_in);
}

#[test]
fn what_nobody_works_on_is_refused_in_time_and_never_runs() {
    let mut rig = Rig::new(1, Weather::calm(), 3600 * SECOND, |settings| settings.wait_for_worker = SECOND);
    let asked: Vec<_> = (0..10).map(|tag| ask(&mut rig, MS, 1, DEFER, tag)).collect();
    (100..110).for_each(|tag| rig.sim().post(MS, peer(1, tag), &request(DEFER, b"", tag).0));
    rig.run_for(SECOND + 100 * MS);
    // One is at the worker; whoever else waits in its queue has been told by now.
    let connected = asked.iter().filter_map(|client| status_of(&rig, client));
    let answers = (100..110).flat_map(|tag| rig.reactor.backend().answers(peer(1, tag)));
    let told: Vec<_> = connected.chain(answers.map(|answer| Status(answer[2]))).collect();
    assert_eq!(told, [Status::REQUEST_RATE; 19]);
    assert_eq!((rig.snapshot().queue_timeouts, rig.snapshot().in_flight), (19, 20));
    assert!(rig.run(7200 * SECOND));
    assert_eq!(rig.snapshot().answers_with(Status::SUCCESS), 1, "what was refused has not run");
    assert_eq!(rig.held(), Held::default());
}

#[test]
fn long_requests_beyond_a_turns_worth_go_to_the_workers_and_echoes_do_not_wait() {
    let mut rig = Rig::new(1, Weather::calm(), 5 * MS, |settings| settings.inline_octets_per_turn = 3000);
    let (long, _) = request(INFLATE, &[[0, 0, 0, 9].as_slice(), &[7; 1000]].concat(), 1);
    let crowd: Vec<_> =
        (0..100).map(|tag| rig.sim().connect(MS, peer(1, tag), Script::new().send_together(&long))).collect();
    let echoes: Vec<_> = (0..20).map(|tag| ask(&mut rig, MS, 2, ECHO, tag)).collect();
    assert!(rig.run(60 * SECOND));
    let ended =
        |id: ClientId| rig.reactor.backend().client(id).end().map(|(_, when)| when.as_micros()).unwrap_or(u64::MAX);
    assert!(crowd.iter().all(|id| rig.reactor.backend().client(*id).received().len() == 32 + 9 + 2));
    let last_echo = echoes.iter().map(|(id, _)| ended(*id)).max();
    let last_long = crowd.iter().map(|id| ended(*id)).max();
    assert!(last_echo < last_long, "{last_echo:?} {last_long:?}");
    let figures = rig.snapshot();
    assert!(figures.put_off > 50 && figures.put_off < 100, "{}", figures.put_off);
    assert_eq!(figures.deferred, figures.put_off);
}
