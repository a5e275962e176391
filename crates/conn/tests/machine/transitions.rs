//! Any inputs in any order: the machine does what the model does, and keeps its invariants.

use proptest::collection::vec;
use proptest::prelude::*;
use raida_conn::{Instant, Policy};

use crate::host::Memory;
use crate::model::Model;
use crate::requests::{policy, stream};
use crate::session::{Input, Seen, Session};

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// The driver does the step that is out: the next octets of the stream (this many), an answer of this length, a send
    /// of so many octets.
    Obey(usize),
    /// Something that nobody asked for, perhaps.
    Force(Input),
    /// So many microseconds pass.
    Pass(u64),
    /// The deadline is looked at when it is reached, 1 µs early (0), exactly (1) or 1 µs late (2).
    Deadline(u64),
    /// From now on memory is like this.
    Memory(Memory),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_driver_that_obeys_sees_what_the_model_says(
        policy in policies(),
        stream in stream(),
        events in vec(prop_oneof![30 => obeyed(), 1 => forced(), 2 => timely(), 1 => memory()], 1..80),
    ) {
        compare(policy, &stream, events);
    }

    #[test]
    fn a_driver_out_of_its_mind_sees_what_the_model_says(
        policy in policies(),
        stream in stream(),
        events in vec(prop_oneof![2 => obeyed(), 3 => forced(), 1 => timely(), 1 => memory()], 1..80),
    ) {
        compare(policy, &stream, events);
    }
}

/// Runs the machine and the model side by side. The session checks the machine's own promises with every input.
fn compare(policy: Policy, mut stream: &[u8], events: Vec<Event>) {
    let mut session = Session::new(policy);
    let mut model = Model::new(session.now, &session.policy);
    let mut out = Seen::Receive;
    for event in events {
        let input = match event {
            Event::Obey(amount) => obey(&out, &mut stream, amount),
            Event::Force(input) => input,
            Event::Pass(micros) => {
                session.now += micros;
                continue;
            }
            Event::Deadline(offset) => {
                let reached = session.connection.deadline().map_or(0, Instant::as_micros) + offset;
                session.now = session.now.max(reached.saturating_sub(1));
                Input::Expired
            }
            Event::Memory(memory) => {
                session.host.memory = memory;
                continue;
            }
        };
        let expected = model.give(session.now, &input, session.host.memory);
        let seen = session.give(input.clone());
        assert_eq!(seen, expected, "after {input:?}");
        assert_eq!(session.phase(), model.phase);
        assert_eq!(session.connection.deadline().map(Instant::as_micros), model.due().map(|(at, _)| at));
        assert_eq!(session.host.held, model.buffers());
        if seen != Seen::Wait {
            out = seen;
        }
    }
}

/// The input that answers a step.
fn obey(out: &Seen, stream: &mut &[u8], amount: usize) -> Input {
    match out {
        Seen::Receive | Seen::Linger if stream.is_empty() => Input::Ended,
        Seen::Receive | Seen::Linger => {
            let (now, later) = stream.split_at(amount.clamp(1, stream.len()));
            *stream = later;
            Input::Received(now.to_vec())
        }
        Seen::Process(..) | Seen::Refuse(_) => Input::Responded(amount),
        Seen::Send(_) => Input::Sent(amount),
        Seen::Close(_) | Seen::Wait => Input::Expired,
    }
}

fn policies() -> impl Strategy<Value = Policy> {
    (prop_oneof![2 => Just(1u32), 3 => 0..5u32], prop_oneof![Just(64usize << 10), 0..200usize])
        .prop_map(|(requests_max, linger_octets)| Policy { requests_max, linger_octets, ..policy() })
}

fn obeyed() -> impl Strategy<Value = Event> {
    prop_oneof![0..60usize, 0..600usize, Just(usize::MAX >> 1)].prop_map(Event::Obey)
}

fn forced() -> impl Strategy<Value = Event> {
    prop_oneof![
        vec(any::<u8>(), 0..100).prop_map(Input::Received),
        stream().prop_map(Input::Received),
        Just(Input::LeftUnread),
        Just(Input::Ended),
        Just(Input::Failed),
        (0..100usize).prop_map(Input::Responded),
        (0..100usize).prop_map(Input::Sent),
        Just(Input::Sent(usize::MAX)),
        Just(Input::Expired),
        Just(Input::Stop),
        Just(Input::Abort),
    ]
    .prop_map(Event::Force)
}

fn timely() -> impl Strategy<Value = Event> {
    prop_oneof![(0..3_000_000u64).prop_map(Event::Pass), (0..3u64).prop_map(Event::Deadline)]
}

fn memory() -> impl Strategy<Value = Event> {
    prop_oneof![3 => Just(Memory::Exact), 2 => Just(Memory::Ample), 1 => Just(Memory::Short), 1 => Just(Memory::None)]
        .prop_map(Event::Memory)
}
