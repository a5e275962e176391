//! The datagram road: the same statuses as over a connection, silence where the protocol wants silence.
#![expect(clippy::indexing_slicing, reason = "what goes wrong here fails the test")]

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{DEFER, ECHO, Held, INFLATE, PANIC, PANIC_LATER, RULES, request};
use raida_sim::{DATAGRAM_LIMIT, Rig, Weather, seed};
use raida_wire::{Status, vote};

const MS: Duration = Duration::from_millis(1);

fn peer(tag: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 1024 + tag))
}

fn calm(job_max: Duration) -> Rig {
    Rig::new(1, Weather::calm(), job_max, |settings| settings.datagrams_in_flight_max = 4)
}

/// What one datagram alone is answered.
fn ask(octets: &[u8]) -> (Vec<Vec<u8>>, Rig) {
    let mut rig = calm(MS);
    rig.sim().post(Duration::ZERO, peer(1), octets);
    rig.run_for(100 * MS);
    assert_eq!(rig.held(), Held::default());
    (rig.sim().answers(peer(1)).to_vec(), rig)
}

fn status_of(octets: &[u8]) -> Status {
    let (answers, _) = ask(octets);
    assert_eq!(answers.len(), 1);
    Status(answers[0][2])
}

#[test]
fn every_answer_that_arrives_is_right_whatever_the_network_does() {
    seed::each(200, |seed| {
        let mut rig = Rig::new(seed, Weather::rough(), 5 * MS, |_| {});
        for tag in 0..60u16 {
            let command = if tag % 3 == 0 { DEFER } else { ECHO };
            let (octets, _) = request(command, &tag.to_be_bytes(), tag);
            rig.sim().post(Duration::from_millis(u64::from(tag) % 7), peer(tag), &octets);
        }
        assert!(rig.run(Duration::from_secs(60)));
        let mut answered = 0;
        for tag in 0..60u16 {
            let (_, pending) = request(ECHO, &tag.to_be_bytes(), tag);
            for answer in rig.sim().answers(peer(tag)) {
                let mut answer = answer.clone();
                assert_eq!(
                    pending.read(&mut answer).expect("an answer to this very request").payload,
                    tag.to_be_bytes()
                );
                answered += 1;
            }
        }
        assert!(answered > 10);
        assert_eq!(rig.snapshot().datagrams_in, rig.snapshot().datagrams_out);
        assert_eq!(rig.held(), Held::default());
    });
}

#[test]
fn a_datagram_too_short_for_a_header_gets_no_answer() {
    let (octets, _) = request(ECHO, b"", 1);
    for len in 0..32 {
        let (answers, rig) = ask(&octets[..len]);
        assert_eq!((answers.len(), rig.snapshot().datagrams_too_short), (0, 1), "{len} octets");
    }
}

#[test]
fn an_answer_gone_astray_gets_no_answer() {
    let (octets, _) = request(ECHO, b"", 1);
    let mut foreign = octets;
    foreign[2] = RULES.raida_id + 1;
    let answer = ask(&foreign).0.remove(0);
    assert_eq!(Status(answer[2]), Status::INVALID_RAIDA_ID);
    let (answers, rig) = ask(&answer);
    assert_eq!((answers.len(), rig.snapshot().datagrams_astray), (0, 1));
}

#[test]
fn a_cut_body_and_a_long_datagram_are_refused() {
    let (octets, _) = request(ECHO, &[5; 100], 1);
    for len in 32..octets.len() {
        assert_eq!(status_of(&octets[..len]), Status::INVALID_PACKET_LENGTH, "{len} octets");
    }
    let mut padded = octets.clone();
    padded.resize(DATAGRAM_LIMIT, 0);
    assert_eq!(status_of(&padded), Status::SUCCESS);
    padded.push(0);
    assert_eq!(status_of(&padded), Status::INVALID_PACKET_LENGTH);
    padded.resize(65_507, 0);
    assert_eq!(status_of(&padded), Status::INVALID_PACKET_LENGTH);
}

#[test]
fn a_long_answer_becomes_use_tcp() {
    for (len, status, too_long) in [
        (DATAGRAM_LIMIT - 34, Status::SUCCESS, 0),
        (DATAGRAM_LIMIT - 33, Status::INVALID_UDP_FRAME_COUNT, 1),
        (1_000_000, Status::INVALID_UDP_FRAME_COUNT, 1),
    ] {
        let (answers, rig) = ask(&request(INFLATE, &u32::try_from(len).unwrap().to_be_bytes(), 1).0);
        assert_eq!((Status(answers[0][2]), rig.snapshot().datagrams_too_long), (status, too_long), "{len} octets");
    }
}

#[test]
fn a_panic_is_answered_with_252_at_both_places() {
    assert_eq!(status_of(&request(PANIC, b"", 1).0), Status::INTERNAL);
    assert_eq!(status_of(&request(PANIC_LATER, b"", 1).0), Status::INTERNAL);
}

#[test]
fn a_vote_packet_is_answered_at_the_first_look() {
    let mut question = [0; vote::REQUEST_LEN];
    vote::ask(&[0; vote::ROOTS_LEN], &[9; vote::NONCE_LEN], &mut question);
    let (answers, rig) = ask(&question);
    assert_eq!(vote::read(&answers[0], &[9; vote::NONCE_LEN]), Ok(true));
    assert_eq!((rig.snapshot().votes, rig.snapshot().requests), (1, 0));
    question[5] = 1;
    assert_eq!(vote::read(&ask(&question).0[0], &[9; vote::NONCE_LEN]), Ok(false));
    assert_eq!(Status(ask(&question[..496]).0[0][2]), Status::INVALID_ROUTING);
}

#[test]
fn beyond_the_limit_a_datagram_is_refused_and_nothing_queues() {
    let mut rig = calm(300 * MS);
    for tag in 0..20 {
        rig.sim().post(Duration::ZERO, peer(tag), &request(DEFER, b"x", tag).0);
    }
    rig.run_for(MS / 2);
    assert_eq!((rig.snapshot().in_flight, rig.snapshot().datagrams_overloaded), (4, 16));
    assert!(rig.run(Duration::from_secs(60)));
    let statuses: Vec<Status> = (0..20).map(|tag| Status(rig.sim().answers(peer(tag))[0][2])).collect();
    assert_eq!(statuses.iter().filter(|&&status| status == Status::SUCCESS).count(), 4);
    assert_eq!(statuses.iter().filter(|&&status| status == Status::REQUEST_RATE).count(), 16);
    // The four places are free again.
    rig.sim().post(Duration::ZERO, peer(99), &request(DEFER, b"x", 99).0);
    rig.run_for(2000 * MS);
    assert_eq!(Status(rig.sim().answers(peer(99))[0][2]), Status::SUCCESS);
    assert_eq!(rig.held(), Held::default());
}
