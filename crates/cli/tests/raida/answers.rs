//! What is shown of good answers.

use raida_client::testing::{Honest, ROOTS};
use serde_json::{Value, json};

use crate::{node, raida};

/// Every line of JSON has these keys, whatever happened.
const KEYS: [&str; 12] = [
    "attempts",
    "command",
    "error",
    "execution_us",
    "latency_us",
    "node",
    "ok",
    "raida_id",
    "result",
    "status",
    "status_name",
    "transport",
];

fn keys(line: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn echo_tells_success_by_both_transports() {
    let (fake, name) = node(&Honest::new(7));
    for (flag, transport) in [("--tcp", "tcp"), ("--udp", "udp")] {
        let run = raida(["echo", "--json", flag, "--node", &name]);
        let line = run.json();
        assert_eq!((run.code, keys(&line)), (Some(0), KEYS.to_vec()));
        assert!(line["latency_us"].as_u64().is_some());
        for (key, expected) in [
            ("command", json!("echo")),
            ("node", json!(fake.address().to_string())),
            ("raida_id", json!(7)),
            ("transport", json!(transport)),
            ("ok", json!(true)),
            ("status", json!(250)),
            ("status_name", json!("SUCCESS")),
            ("execution_us", json!(23)),
            ("attempts", json!(1)),
            ("result", json!({})),
            ("error", Value::Null),
        ] {
            assert_eq!(line[key], expected, "{key}");
        }
    }
}

#[test]
fn table_has_node_status_latency_and_meaning() {
    let (fake, name) = node(&Honest::new(7));
    let run = raida(["version", "--node", &name]);
    let words = run.words();
    assert_eq!(words[0], ["NODE", "RAIDA", "STATUS", "LATENCY", "VERSION", "MEANING"]);
    assert_eq!(words[1][..4], [&fake.address().to_string(), "7", "250", "SUCCESS"]);
    assert_eq!(words[1][5..7], ["ms", "20250323"]);
    assert_eq!((run.code, words.len(), run.err.as_str()), (Some(0), 2, ""));
}

#[test]
fn version_is_an_object_of_its_own() {
    let (_fake, name) = node(&Honest::new(0));
    assert_eq!(raida(["version", "--json", "--node", &name]).json()["result"], json!({ "version": "20250323" }));
}

#[test]
fn audit_shows_all_15_denominations_and_their_sum() {
    let (fake, name) = node(&Honest::new(0));
    for transport in ["--tcp", "--udp"] {
        let run = raida(["audit", transport, "--node", &name]);
        let words = run.words();
        assert_eq!(words[3], ["DENOMINATION", "ONE", "IS", "WORTH", &fake.address().to_string()]);
        assert_eq!(words[4], ["-8", "0.00000001", "1"]);
        assert_eq!(words[12], ["0", "1", "9"]);
        assert_eq!(words[18], ["6", "1000000", "15"]);
        assert_eq!(words[19], ["all", "coins:", "16543209.87654321"]);
        assert_eq!((run.code, words.len()), (Some(0), 20));
    }
    let issued = &raida(["audit", "--json", "--node", &name]).json()["result"]["issued"];
    assert_eq!(issued.as_array().map(Vec::len), Some(15));
    assert_eq!(issued[0], json!({ "denomination": -8, "coins": 1 }));
    assert_eq!(issued[14], json!({ "denomination": 6, "coins": 15 }));
}

#[test]
fn vote_tells_whether_the_roots_are_the_same_and_both_is_well() {
    let (_fake, name) = node(&Honest::new(0));
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots");
    std::fs::write(&roots, ROOTS).unwrap();
    let roots = roots.to_str().unwrap();
    for (roots, word, is_match) in [(roots, "same", true), ("zero", "different", false)] {
        let run = raida(["vote", "--node", &name, "--roots", roots]);
        assert_eq!((run.code, run.words()[1].last().copied()), (Some(0), Some(word)), "{run:?}");
        let run = raida(["vote", "--json", "--udp", "--node", &name, "--roots", roots]);
        let line = run.json();
        assert_eq!((run.code, keys(&line)), (Some(0), KEYS.to_vec()));
        assert_eq!((&line["result"], &line["ok"]), (&json!({ "match": is_match }), &json!(true)));
        assert_eq!((&line["status"], &line["transport"]), (&Value::Null, &json!("udp")));
    }
}

#[test]
fn failure_has_the_same_keys_and_a_kind_message_and_advice() {
    let (fake, _) = node(&Honest::new(7));
    let name = format!("{}@3", fake.address());
    let run = raida(["echo", "--json", "--node", &name]);
    let line = run.json();
    assert_eq!((run.code, keys(&line)), (Some(1), KEYS.to_vec()));
    assert_eq!((&line["ok"], &line["result"], &line["latency_us"]), (&json!(false), &Value::Null, &Value::Null));
    assert_eq!(line["error"]["kind"], "answer");
    assert_eq!(line["error"]["message"], "node 7 answered, expected 3");
    assert_eq!(line["error"]["advice"], "ask the node by its own RAIDA id");
}

#[test]
fn status_of_a_refusal_is_told_by_name_and_meaning() {
    let (_fake, name) = node(&Honest::new(7));
    let run = raida(["echo", "--coin-id", "9", "--node", &name]);
    assert!(run.out.contains("7 INVALID_COIN_ID") && run.out.contains("addressed to another coin network"), "{run:?}");
    assert!(run.err.contains("ask for the coin id that the node serves"), "{run:?}");
    assert_eq!(run.code, Some(1));
    let line = raida(["echo", "--json", "--coin-id", "9", "--node", &name]).json();
    assert_eq!((&line["status"], &line["status_name"]), (&json!(7), &json!("INVALID_COIN_ID")));
    assert_eq!((&line["error"]["kind"], line["latency_us"].is_null()), (&json!("refused"), false));
}
