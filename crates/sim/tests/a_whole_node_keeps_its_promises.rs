//! A whole node under clients and faults: what is promised is kept, and what happened happens again.

use std::time::Duration;

use raida_sim::seed;
use raida_sim::world::{Plan, World};

#[test]
fn coins_answers_and_resources_survive_every_plan() {
    seed::each(8, |seed| {
        let report = World::new(Plan::of(seed)).and_then(World::run);
        let report = report.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        assert!(report.answers > 0 && report.stops > 0, "{report:?}");
    });
}

#[test]
fn one_seed_gives_one_run_and_another_gives_another() {
    let run = |seed| {
        let plan = Plan::of(seed).with_clients(30).with_span(Duration::from_secs(300));
        World::new(plan).and_then(World::run)
    };
    let first = run(11);
    assert!(first.is_ok());
    assert_eq!(first, run(11));
    assert_ne!(first, run(12));
}
