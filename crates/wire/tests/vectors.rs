//! The protocol's own test vectors hold.

use std::collections::BTreeMap;

use raida_vectors::Outcome;

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors.json");

#[test]
fn every_vector_of_the_wire_format_passes() {
    let report = raida_vectors::check_file(OWN).unwrap();
    assert_eq!(report.failed(), 0, "{report}");

    let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, outcome) in report.cases() {
        if *outcome == Outcome::Passed {
            *passed.entry(name.split('/').next().unwrap()).or_default() += 1;
        }
    }
    // Requests are the four families req, rej, udp and tcp: 96 together.
    let expected = [
        ("body", 19),
        ("crc", 6),
        ("key", 4),
        ("merkle", 10),
        ("rej", 53),
        ("req", 22),
        ("resp", 16),
        ("tcp", 10),
        ("udp", 11),
        ("vote", 7),
    ];
    assert_eq!(passed, BTreeMap::from(expected));
}
