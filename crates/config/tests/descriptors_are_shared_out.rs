//! Connections never need more descriptors than the process may have.

#![expect(clippy::expect_used, reason = "a test may panic, also in its shared parts")]

use proptest::prelude::*;
use raida_config::limits::{TooFewDescriptors, derive};
use raida_config::{Config, ConfigFile, Sources};

fn config(text: &str) -> Config {
    let file = Some(ConfigFile::from_text("raida.toml", text));
    Config::load(&Sources { file, ..Sources::default() }).expect("right").config
}

#[test]
fn a_low_process_limit_lowers_the_number_of_connections_and_says_so() {
    let plan = derive(1024, &config("")).expect("enough");
    assert_eq!(u64::from(plan.connections_max) + plan.reserved, 1024);
    assert_eq!(
        plan.to_string(),
        "connections limited to 953 (limits.connections_max is 65535): RLIMIT_NOFILE is 1024, of which 71 are kept back"
    );
}

#[test]
fn a_high_process_limit_leaves_the_configuration_alone() {
    for high in [65_535 + 71, 1 << 20, u64::MAX] {
        let plan = derive(high, &config("")).expect("enough");
        assert_eq!((plan.connections_max, plan.is_limited()), (65_535, false));
    }
    assert!(derive(65_535 + 70, &config("")).expect("enough").is_limited());
}

#[test]
fn sockets_and_threads_are_kept_back() {
    let one = derive(4096, &config("")).expect("enough").reserved;
    let eight = derive(4096, &config("network.reactors = 8\n")).expect("enough").reserved;
    assert_eq!(eight - one, 7 * 7);
    let narrow = derive(4096, &config("network.listen = [\"127.0.0.1:0\"]\n")).expect("enough").reserved;
    assert_eq!(one - narrow, 2);
}

#[test]
fn connections_to_other_nodes_are_kept_back() {
    let nodes: Vec<_> = (0..25).map(|id| format!("\"raida{id}.example.com:1\"")).collect();
    let reserved = |more: &str| derive(4096, &config(&format!("{more}\n"))).expect("enough").reserved;
    let (alone, peers) = (reserved(""), format!("server.raida_servers = [{}]", nodes.join(",")));
    assert_eq!(reserved(&peers) - alone, 2 * 24);
    assert_eq!(reserved(&format!("{peers}\npeers.fixes_max = 5")) - alone, 5 * 24);
    assert_eq!(reserved("server.synchronization_enabled = true") - alone, 24);
}

#[test]
fn a_process_without_room_for_one_connection_does_not_start() {
    let error = derive(71, &config("")).expect_err("none left");
    assert_eq!(error, TooFewDescriptors { descriptors: 71, reserved: 71 });
    assert_eq!(error.to_string(), "RLIMIT_NOFILE is 71, expected at least 72");
    assert_eq!(derive(72, &config("")).expect("one left").connections_max, 1);
    assert!(derive(0, &config("")).is_err());
}

proptest! {
    #[test]
    fn the_plan_fits_whatever_the_limit(limit in prop_oneof![any::<u64>(), 0u64..200_000], wanted in 1u32..1_048_577, reactors in 1u32..65) {
        let config = config(&format!("limits.connections_max = {wanted}\nnetwork.reactors = {reactors}\n"));
        match derive(limit, &config) {
            Ok(plan) => {
                prop_assert!((1..=wanted).contains(&plan.connections_max));
                prop_assert!(u64::from(plan.connections_max) + plan.reserved <= limit);
            }
            Err(error) => prop_assert!(limit <= error.reserved),
        }
    }
}
