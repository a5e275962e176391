//! The reference and the example that are shipped agree with the code.

#![expect(clippy::expect_used, reason = "a test may panic, also in its shared parts")]

use std::path::{Path, PathBuf};

use raida_config::{Config, ConfigFile, Sources, reference};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn example() -> String {
    std::fs::read_to_string(shipped("deploy/raida.toml")).expect("is shipped")
}

/// The example with every setting that it only mentions switched on: those have no blank behind their `#`.
fn switched_on() -> String {
    let switch = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|first: char| first.is_ascii_alphabetic()) => setting.to_owned(),
        _ => line.to_owned(),
    };
    example().lines().map(switch).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_reference_is_up_to_date() {
    let written = std::fs::read_to_string(shipped("docs/CONFIGURATION.md")).expect("is shipped");
    let command = "cargo run -p raida-config --example reference > docs/CONFIGURATION.md";
    assert!(written == reference(), "docs/CONFIGURATION.md is out of date: {command}");
}

#[test]
fn the_example_loads_without_a_notice() {
    let file = Some(ConfigFile::read(&shipped("deploy/raida.toml")).expect("is shipped"));
    let loaded = Config::load(&Sources { file, ..Sources::default() }).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
}

#[test]
fn every_setting_that_the_example_mentions_loads_with_the_value_it_has_anyway() {
    let file = Some(ConfigFile::from_text("deploy/raida.toml", switched_on()));
    let loaded = Config::load(&Sources { file, ..Sources::default() }).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let plain = Some(ConfigFile::from_text("deploy/raida.toml", example()));
    assert_eq!(loaded.config, Config::load(&Sources { file: plain, ..Sources::default() }).expect("right").config);
}

#[test]
fn the_example_mentions_every_key() {
    let (text, switched) = (Config::load(&Sources::default()).expect("right").print(), switched_on());
    for name in text.lines().filter_map(|line| Some(line.split_once(" = ")?.0)) {
        let mentioned = switched.lines().any(|line| line.starts_with(&format!("{name} =")));
        assert!(mentioned, "{name} is missing in deploy/raida.toml");
    }
}
