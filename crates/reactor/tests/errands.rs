//! What other threads may ask of a running reactor.

use std::sync::Arc;
use std::time::Duration;

use raida_reactor::counters::Counters;
use raida_reactor::testing::{Manners, RULES};
use raida_reactor::workers::Roads;
use raida_reactor::{Policy, Reactor, Settings};
use raida_sim::{Sim, Weather};

#[test]
fn a_reactor_that_turns_answers_and_one_that_does_not_is_found_out() {
    let service = Arc::new(Manners::default());
    let roads = Roads::start(&service, &raida_workers::Config::default(), &Default::default()).unwrap();
    let sim = Sim::new(3, Weather::calm());
    let (clock, settings) = (sim.clock(), Settings::new(Policy::new(RULES)));
    let mut reactor = Reactor::new(sim, service, clock, settings.clone(), roads, Arc::new(Counters::default()));
    let handle = reactor.handle();

    let (ping, list) = (handle.ping(), handle.connections(10));
    assert!(ping.try_recv().is_err(), "nobody has turned it yet");
    let adopted = handle.adopt(Settings { drain: Duration::ZERO, ..settings });
    assert!(adopted.try_recv().is_err(), "and it goes on by its old bounds");
    reactor.turn().unwrap();
    assert_eq!(adopted.try_recv(), Ok(()));
    assert_eq!((ping.try_recv(), list.try_recv()), (Ok(()), Ok(vec![])));

    handle.shutdown();
    let drained = reactor.run().unwrap();
    assert_eq!(drained.cut, 0);
    let late = handle.ping();
    reactor.turn().unwrap();
    assert!(late.try_recv().is_err(), "one that has ended turns no more");
}
