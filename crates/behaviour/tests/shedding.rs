//! More work than there are workers: who waits is told so in time, and what is quick to answer is answered.

use std::io::Write;
use std::time::{Duration, Instant};

use raida_behaviour::request::{echo_answer, echo_request, plain, refusal, without_time};
use raida_behaviour::{Fault, Node, ask, fault, wait_until};

const OVERLOAD: u8 = 160;

/// What clients wait for an answer.
const CLIENTS_PATIENCE: Duration = Duration::from_secs(3);

#[test]
fn who_waits_behind_a_worker_that_hangs_is_told_in_time_and_echoes_are_answered() {
    let node = Node::faulty(env!("CARGO_BIN_EXE_faulty-node")).config("server.threads = 1").start();
    let mut held = ask::connect(node.address());
    held.write_all(&Fault::Hold.request(1)).unwrap();
    wait_until("the only worker hangs", || fault::tally(node.address()).held == 1);

    let start = Instant::now();
    let mut waiting: Vec<_> = (2..20).map(|number| (number, ask::connect(node.address()))).collect();
    waiting.iter_mut().for_each(|(number, stream)| stream.write_all(&Fault::Defer.request(*number)).unwrap());
    let socket = ask::udp_socket(node.address());
    (100..110).for_each(|number| assert!(socket.send(&Fault::Defer.request(number)).is_ok()));
    // Meanwhile, what costs nothing is answered at once.
    for number in 200..250 {
        assert_eq!(without_time(ask::tcp(node.address(), &echo_request(number))), echo_answer(number));
        assert_eq!(without_time(ask::udp(node.address(), &echo_request(number))), echo_answer(number));
    }
    for number in 100..110 {
        let answer = ask::receive(&socket).expect("a refusal at least");
        assert_eq!(without_time(answer), overloaded(number));
    }
    for (number, mut stream) in waiting {
        assert_eq!(without_time(ask::read_to_close(&mut stream)), overloaded(number));
    }
    let waited = start.elapsed();
    println!("everybody was told within {waited:?}");
    assert!(waited < 2 * CLIENTS_PATIENCE, "told after {waited:?}");

    assert_eq!(without_time(ask::tcp(node.address(), &Fault::Release.request(9))), echo_answer(9));
    assert_eq!(without_time(ask::read_to_close(&mut held)), echo_answer(1), "what was worked on is answered");
    assert_eq!(without_time(ask::tcp(node.address(), &Fault::Defer.request(3))), echo_answer(3), "and all is well");
}

#[test]
fn echoes_are_answered_beside_the_longest_requests() {
    let node = Node::builder().config("limits.inline_bytes_per_turn_max = 70000").start();
    // Detect with as many coins as there may be. They are nobody's, but each has to be looked up.
    let coins: Vec<u8> = (0..3119u32).flat_map(|number| [&[0][..], &number.to_be_bytes(), &[1; 16]].concat()).collect();
    let long = plain(1, 10, &coins, 5);
    std::thread::scope(|scope| {
        let flood =
            (0..2).map(|_| scope.spawn(|| (0..30).map(|_| ask::tcp(node.address(), &long)).collect::<Vec<_>>()));
        let flood: Vec<_> = flood.collect();
        for number in 0..100 {
            assert_eq!(without_time(ask::udp(node.address(), &echo_request(number))), echo_answer(number));
        }
        let answers: Vec<_> = flood.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(answers.len(), 60);
        assert!(answers.iter().all(|answer| answer[2] == answers[0][2] && answer[2] != OVERLOAD), "{:?}", answers[0]);
    });
}

fn overloaded(number: u32) -> Vec<u8> {
    refusal(OVERLOAD, 0, raida_behaviour::request::echo(number))
}
