//! What an honest node answers arrives whole, whatever the transport and the envelope.

#![expect(clippy::unwrap_used, reason = "a test whose stage cannot be set fails")]

use raida_client::testing::{self, ADMIN_KEY, FakeNode, Honest, ROOTS, STATS, VERSION};
use raida_client::wire::{AuthenticityNumber, Command, Status};
use raida_client::{AdminKey, Envelope, Options, Question, Target, Transport, Trouble};
use raida_client::{ask, audit, echo, stats, version, vote};

const LOCKER: AuthenticityNumber = AuthenticityNumber::new([0xFF; 16]);
const BOTH: [Transport; 2] = [Transport::Tcp, Transport::Udp];

fn node() -> Honest {
    let coins = [(0, 7), (-8, 9)].iter().filter_map(|(exponent, number)| testing::key_coin(*exponent, *number));
    Honest { coins: coins.collect(), lockers: vec![LOCKER], ..Honest::new(14) }
}

fn envelopes() -> Vec<Envelope> {
    let (first, second) = (testing::key_coin(0, 7).unwrap(), testing::key_coin(-8, 9).unwrap());
    vec![
        Envelope::Clear,
        Envelope::Coin(first.clone()),
        Envelope::Locker(LOCKER),
        Envelope::Coin256(first.clone()),
        Envelope::TwoCoins(first, second),
    ]
}

fn options(transport: Transport) -> Options {
    Options { transport, ..Options::default() }
}

#[test]
fn every_command_is_answered_under_every_envelope_over_both_transports() {
    let fake = FakeNode::start(&node()).unwrap();
    for transport in BOTH {
        for envelope in envelopes() {
            let target = Target { envelope, ..fake.target(14) };
            let options = options(transport);
            let trip = echo(&target, &options).unwrap().trip;
            assert_eq!((trip.peer, trip.attempts), (fake.address(), 1));
            assert_eq!(trip.execution.map(|time| time.as_micros()), Some(23));
            assert_eq!(version(&target, &options).unwrap().value, *VERSION);
            assert_eq!(stats(&target, &AdminKey::new(ADMIN_KEY), &options).unwrap().value, STATS);
            assert_eq!(audit(&target, &options).unwrap().value, testing::counts());
        }
    }
}

#[test]
fn vote_tells_whether_the_roots_are_the_same() {
    let fake = FakeNode::start(&node()).unwrap();
    let mut roots = ROOTS;
    assert!(vote(&fake.target(14), &roots, &Options::default()).unwrap().value);
    roots[479] ^= 1;
    assert!(!vote(&fake.target(14), &roots, &Options::default()).unwrap().value);
}

#[test]
fn wrong_admin_key_is_refused_with_38() {
    let fake = FakeNode::start(&node()).unwrap();
    let error = stats(&fake.target(14), &AdminKey::new([1; 16]), &Options::default()).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Refused(Status::ADMIN_AUTH)), "{error}");
    assert!(error.to_string().contains("check the admin key"), "{error}");
}

#[test]
fn raw_question_gives_any_status_as_a_reply() {
    let fake = FakeNode::start(&node()).unwrap();
    for transport in BOTH {
        let question = Question::raw(Command::GET_ALL_ROOTS, []);
        let reply = ask(&fake.target(14), &question, &options(transport)).unwrap();
        assert_eq!((reply.status, reply.is_verified), (Status::NOT_IMPLEMENTED, true));
        assert!(reply.payload.is_empty());
    }
}

#[test]
fn largest_possible_request_arrives_whole_by_tcp_and_one_octet_more_is_not_built() {
    let fake = FakeNode::start(&node()).unwrap();
    let echo = |len| Question::raw(Command::ECHO, vec![0xC3; len]);
    let options = options(Transport::Tcp);
    assert_eq!(ask(&fake.target(14), &echo(65_517), &options).unwrap().status, Status::SUCCESS);
    let error = ask(&fake.target(14), &echo(65_518), &options).unwrap_err();
    assert!(matches!(error.trouble(), Trouble::Build(_)), "{error}");
}

#[test]
fn unknown_key_coin_is_refused_by_the_status_of_its_type() {
    let fake = FakeNode::start(&Honest::new(14)).unwrap();
    let coin = testing::key_coin(0, 7).unwrap();
    for transport in BOTH {
        for (envelope, status) in [
            (Envelope::Coin(coin.clone()), Status::INVALID_ENCRYPTION),
            (Envelope::Coin256(coin.clone()), Status::ENCRYPTION_COIN_NOT_FOUND),
        ] {
            let target = Target { envelope, ..fake.target(14) };
            let error = echo(&target, &options(transport)).unwrap_err();
            assert!(matches!(error.trouble(), Trouble::Refused(found) if *found == status), "{error}");
        }
    }
}

/// The node decides these before the type counts, so a question with a long header gets a short one back.
#[test]
fn wrong_coin_id_is_told_under_every_envelope_by_a_short_header() {
    let fake = FakeNode::start(&node()).unwrap();
    for transport in BOTH {
        for envelope in envelopes() {
            let target = Target { coin_id: 7, envelope, ..fake.target(14) };
            let error = echo(&target, &options(transport)).unwrap_err();
            assert!(matches!(error.trouble(), Trouble::Refused(Status::INVALID_COIN_ID)), "{error}");
            assert_eq!(error.attempts(), 1);
        }
    }
}

#[test]
fn wrong_authenticity_number_is_told_by_the_node() {
    let fake = FakeNode::start(&node()).unwrap();
    let mut coin = testing::key_coin(0, 7).unwrap();
    coin.number = AuthenticityNumber::new([8; 16]);
    for (envelope, status) in
        [(Envelope::Coin(coin.clone()), Status::INVALID_CRC), (Envelope::Coin256(coin), Status::INVALID_HMAC)]
    {
        let error = echo(&Target { envelope, ..fake.target(14) }, &Options::default()).unwrap_err();
        assert!(matches!(error.trouble(), Trouble::Refused(found) if *found == status), "{error}");
    }
}
