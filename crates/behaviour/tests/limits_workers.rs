//! Workers that are busy, that panic, and whose clients have gone: nobody else notices.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use raida_behaviour::crowd::End;
use raida_behaviour::request::{answer, echo, echo_answer, echo_request, refusal, without_time};
use raida_behaviour::{Crowd, Fault, Node, ask, fault, process, wait_until};

const FAULTY: &str = env!("CARGO_BIN_EXE_faulty-node");

/// "The node is overloaded".
const REQUEST_RATE: u8 = 160;
/// "Internal error".
const INTERNAL: u8 = 252;

#[test]
fn requests_wait_while_all_workers_are_busy_and_none_is_lost() {
    let node = Node::faulty(FAULTY)
        .flag("--threads", 2)
        .config("workers.queue_max = 2\nworkers.completions_max = 4\ntimeouts.queue_ms = 60000")
        .start();
    let mut crowd = Crowd::of(node.address());
    (0..2).for_each(|number| crowd.join(&Fault::Hold.request(number)));
    crowd.until("both workers are busy", |_| fault::tally(node.address()).held == 2);
    (2..300).for_each(|number| crowd.join(&Fault::Defer.request(number)));
    crowd.until("all wait", |_| fault::tally(node.address()).deferred == 300);

    // What needs no worker is served meanwhile, over both transports.
    for number in 1000..1050 {
        assert_eq!(without_time(ask::tcp(node.address(), &echo_request(number))), echo_answer(number));
        assert_eq!(without_time(ask::udp(node.address(), &echo_request(number))), echo_answer(number));
    }
    assert_eq!(crowd.ended(), 0, "{crowd}");
    release(node.address());
    for (number, member) in (0..).zip(crowd.finish()) {
        assert_eq!(without_time(member.into_answer()), echo_answer(number), "client {number}");
    }
}

#[test]
fn who_waits_longer_than_the_queue_time_is_told_that_the_node_is_overloaded() {
    const QUEUE: Duration = Duration::from_millis(300);
    let node = Node::faulty(FAULTY)
        .flag("--threads", 2)
        .config("workers.completions_max = 4\ntimeouts.queue_ms = 300")
        .start();
    let mut taken = Crowd::of(node.address());
    (0..4).for_each(|number| taken.join(&Fault::Hold.request(number)));
    taken.until("four are with the workers", |_| {
        let tally = fault::tally(node.address());
        (tally.deferred, tally.held) == (4, 2)
    });
    let start = Instant::now();
    let mut waiting = Crowd::of(node.address());
    (10..60).for_each(|number| waiting.join(&Fault::Defer.request(number)));
    for (number, member) in (10..).zip(waiting.finish()) {
        assert_eq!(without_time(member.into_answer()), refusal(REQUEST_RATE, 0, echo(number)));
    }
    assert!(start.elapsed() >= QUEUE, "refused after {:?} already", start.elapsed());

    // What a worker has begun has no such limit; what only stood in its queue has. Workers who come back serve again.
    release(node.address());
    let mut served = 0;
    for (number, member) in (0..).zip(taken.finish()) {
        let answer = without_time(member.into_answer());
        served += u32::from(answer == echo_answer(number));
        assert!(
            [echo_answer(number), refusal(REQUEST_RATE, 0, echo(number))].contains(&answer),
            "{number}: {answer:?}"
        );
    }
    assert_eq!(served, 2, "as many as there are workers");
    assert_eq!(without_time(ask::tcp(node.address(), &Fault::Defer.request(70))), echo_answer(70));
}

#[test]
fn datagrams_over_the_limit_are_told_that_the_node_is_overloaded() {
    let node = Node::faulty(FAULTY).flag("--threads", 2).config("limits.udp_in_flight_max = 3").start();
    let held = ask::udp_socket(node.address());
    (0..3).for_each(|number| drop(held.send(&Fault::Hold.request(number))));
    wait_until("three are with the workers", || fault::tally(node.address()).deferred == 3);
    for number in 10..60 {
        let told = ask::udp(node.address(), &Fault::Defer.request(number));
        assert_eq!(without_time(told), refusal(REQUEST_RATE, 0, echo(number)));
        assert_eq!(without_time(ask::udp(node.address(), &echo_request(number))), echo_answer(number));
    }
    release(node.address());
    let mut answers: Vec<_> = (0..3).map(|_| without_time(ask::receive(&held).unwrap())).collect();
    answers.sort_unstable();
    assert_eq!(answers, (0..3).map(echo_answer).collect::<Vec<_>>());
    assert_eq!(without_time(ask::udp(node.address(), &Fault::Defer.request(70))), echo_answer(70));
}

#[test]
fn hundreds_of_panics_are_answered_and_cost_neither_worker_nor_node() {
    let node = Node::faulty(FAULTY).flag("--threads", 2).start();
    assert_eq!(without_time(ask::tcp(node.address(), &Fault::Defer.request(0))), echo_answer(0));
    let threads = process::threads(node.pid());
    for (number, fault) in (0..800).zip([Fault::PanicInline, Fault::PanicOnWorker].into_iter().cycle()) {
        let ask = if number % 4 < 2 { ask::tcp } else { ask::udp };
        broke_down(ask(node.address(), &fault.request(number)), number);
    }
    // Both workers are still there, and work side by side.
    let mut crowd = Crowd::of(node.address());
    (0..2).for_each(|number| crowd.join(&Fault::Hold.request(number)));
    crowd.until("both work", |_| fault::tally(node.address()).held == 2);
    release(node.address());
    crowd.finish().into_iter().zip(0..).for_each(|(member, number)| {
        assert_eq!(without_time(member.into_answer()), echo_answer(number));
    });
    assert_eq!(process::threads(node.pid()), threads);
}

#[test]
fn a_panic_over_a_batch_or_over_a_key_is_answered_and_costs_no_node() {
    let node = Node::faulty(FAULTY).start();
    for number in 0..20 {
        let mut key = echo_request(number);
        (key[3], key[16]) = (3, 1);
        for request in [Fault::PanicInBatch.request(number), key] {
            for ask in [ask::tcp, ask::udp] {
                broke_down(ask(node.address(), &request), number);
            }
        }
    }
    assert_eq!(without_time(ask::tcp(node.address(), &Fault::Defer.request(1))), echo_answer(1));
}

#[test]
fn thousands_of_clients_that_go_before_their_answer_leave_nothing_behind() {
    // So little that 256 lost buffers would be the end: whoever needs one after that is refused. The queues are short so
    // that their memory has been touched soon.
    let limits = "limits.buffers_bytes_max = 1048576\nworkers.queue_max = 32\nworkers.completions_max = 128";
    let node = Node::faulty(FAULTY).flag("--threads", 8).config(limits).start();
    let mut memory = Memory::new(100 << 10);
    let before = process::descriptors_at_rest(node.pid());
    for _ in 0..6 {
        for number in 0..400 {
            gone(&node, &echo_request(number), number);
            gone(&node, &Fault::Defer.request(number), number);
        }
        wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
        gone_while_served(&node, 100);
        wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
        memory.look(&node);
    }
    assert!(memory.stands_still(), "{memory:?}");
    assert_eq!(without_time(ask::tcp(node.address(), &Fault::Defer.request(1))), echo_answer(1));
}

#[test]
fn clients_that_go_in_the_middle_of_a_long_answer_leave_nothing_behind() {
    // More than the kernel takes at once; a round of lost ones would be 32 MiB. What the allocator keeps varies by 8.
    let mut memory = Memory::new(16 << 20);
    let node = Node::faulty(FAULTY).flag("--threads", 2).start();
    let before = process::descriptors_at_rest(node.pid());
    for _ in 0..4 {
        (0..8).for_each(|number| gone(&node, &Fault::Answer(4 << 20).request(number), number));
        wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
        memory.look(&node);
    }
    assert!(memory.stands_still(), "{memory:?}");
    assert_eq!(without_time(ask::tcp(node.address(), &Fault::Defer.request(1))), echo_answer(1));
}

#[test]
fn clients_that_go_while_all_workers_are_busy_free_their_places() {
    let node = Node::faulty(FAULTY)
        .flag("--threads", 2)
        .config("workers.completions_max = 8\ntimeouts.queue_ms = 60000")
        .start();
    let before = process::descriptors_at_rest(node.pid());
    let mut crowd = Crowd::of(node.address());
    (0..2).for_each(|number| crowd.join(&Fault::Hold.request(number)));
    crowd.until("both workers are busy", |_| fault::tally(node.address()).held == 2);
    (2..202).for_each(|number| crowd.join(&Fault::Defer.request(number)));
    crowd.until("all wait", |_| fault::tally(node.address()).deferred == 202);
    (2..202).for_each(|who| crowd.leave(who, who % 2 == 0));
    // A reset is noticed at once, except where the request is with the workers already: that is so for six of them at
    // most. A mere close says that nothing more will be sent, so the answer is still owed.
    let still_there = before + 2 + 100;
    wait_until("those who are gone for good have no place any more", || {
        (still_there..=still_there + 6).contains(&process::descriptors(node.pid()))
    });
    release(node.address());
    for (number, member) in (0..).zip(crowd.finish()) {
        match member.end() {
            Some(End::Left) => assert_eq!(member.answer(), b""),
            _ => assert_eq!(without_time(member.into_answer()), echo_answer(number)),
        }
    }
    wait_until("every descriptor is back", || process::descriptors(node.pid()) == before);
}

fn release(node: SocketAddr) {
    assert_eq!(without_time(ask::tcp(node, &Fault::Release.request(9))), echo_answer(9));
}

/// 252: under a valid signature from the node itself, or without one where the panic was outside of it.
fn broke_down(got: Vec<u8>, number: u32) {
    let got = without_time(got);
    assert!(got == answer(INTERNAL, 0, number) || got == refusal(INTERNAL, 0, echo(number)), "{got:?}");
}

/// A client that goes right behind its request, or when the answer has begun to come; by a reset or by a close.
fn gone(node: &Node, request: &[u8], number: u32) {
    let mut stream = ask::connect(node.address());
    stream.write_all(request).unwrap();
    if number % 4 >= 2 {
        assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    }
    if number.is_multiple_of(2) { drop(stream) } else { ask::reset(stream) }
}

/// Clients that go while their requests are with the workers: most by a reset.
fn gone_while_served(node: &Node, count: u32) {
    let deferred = fault::tally(node.address()).deferred;
    let mut crowd = Crowd::of(node.address());
    (0..count).for_each(|number| crowd.join(&Fault::Sleep(10).request(number)));
    crowd.until("all are served", |_| fault::tally(node.address()).deferred == deferred + count);
    (0..count).zip(0..).for_each(|(number, who)| crowd.leave(who, number % 4 != 0));
}

/// What a node held after each round of the same.
#[derive(Debug)]
struct Memory {
    rounds: Vec<u64>,
    growth_max: u64,
}

impl Memory {
    fn new(growth_max: u64) -> Self {
        Self { rounds: Vec::new(), growth_max }
    }

    fn look(&mut self, node: &Node) {
        self.rounds.push(process::resident_memory(node.pid()));
    }

    /// Whether some round took next to nothing: what is lost is lost in every round.
    fn stands_still(&self) -> bool {
        self.rounds.iter().zip(self.rounds.iter().skip(1)).any(|(before, after)| *after < before + self.growth_max)
    }
}
