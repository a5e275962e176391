//! A check that can not fail is none: every vector that passes fails once any of its expectations is changed or
//! missing, and nothing in a file can make the checker panic.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, also in its shared parts"
)]

use raida_vectors::{Outcome, Report, check_str};
use serde_json::{Value, json};

const OWN: &str = include_str!("../../../docs/protocol/vectors.json");

/// What only explains, and what may be absent.
const NOTES: [&str; 2] = ["bit_order", "endianness"];
const OPTIONAL: [&str; 1] = ["response"];

/// Checks these vectors under the profile.
fn check_all(document: &Value, vectors: &[Value]) -> Report {
    check_str(&json!({ "profile": document["profile"], "vectors": vectors }).to_string()).unwrap()
}

/// Fails unless every one of these vectors fails. Their names say what is odd.
fn assert_all_fail(document: &Value, vectors: &[Value]) {
    let report = check_all(document, vectors);
    for (name, outcome) in report.cases() {
        assert!(matches!(outcome, Outcome::Failed(_)), "not checked: {name}");
    }
    assert_eq!(report.failed(), vectors.len());
}

/// A copy whose name says what is odd about it.
fn copy(vector: &Value, oddity: impl std::fmt::Display) -> Value {
    let mut copy = vector.clone();
    copy["name"] = json!(format!("{}: {oddity}", vector["name"]));
    copy
}

/// Another value of the same kind.
fn changed(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => json!(number.as_i64().unwrap() ^ 1),
        Value::String(text) if text.is_empty() => json!("00"),
        Value::String(text) if text.starts_with('0') => json!(format!("1{}", &text[1..])),
        Value::String(text) => json!(format!("0{}", &text[1..])),
        Value::Array(list) => {
            let mut list = list.clone();
            let last = list.last_mut().unwrap();
            *last = changed(last);
            json!(list)
        }
        other => panic!("no vector has {other} here"),
    }
}

fn passing() -> (Value, Vec<Value>) {
    let document: Value = serde_json::from_str(OWN).unwrap();
    let report = check_str(OWN).unwrap();
    let vectors = document["vectors"].as_array().unwrap().iter().zip(report.cases());
    let passing = vectors.filter(|(_, (_, outcome))| **outcome == Outcome::Passed).map(|(vector, _)| vector.clone());
    (document.clone(), passing.collect())
}

#[test]
fn any_changed_expectation_fails() {
    let (document, vectors) = passing();
    let mut odd = Vec::new();
    for vector in &vectors {
        for (key, value) in vector["expect"].as_object().unwrap() {
            if !NOTES.contains(&key.as_str()) {
                let mut vector = copy(vector, format_args!("expect.{key} changed"));
                vector["expect"][key] = changed(value);
                odd.push(vector);
            }
        }
    }
    assert!(odd.len() > 900, "{}", odd.len());
    assert_all_fail(&document, &odd);
}

#[test]
fn any_missing_expectation_fails() {
    let (document, vectors) = passing();
    let mut odd = Vec::new();
    for vector in &vectors {
        for key in vector["expect"].as_object().unwrap().keys() {
            if !NOTES.contains(&key.as_str()) && !OPTIONAL.contains(&key.as_str()) {
                let mut vector = copy(vector, format_args!("expect.{key} missing"));
                vector["expect"].as_object_mut().unwrap().remove(key);
                odd.push(vector);
            }
        }
    }
    assert_all_fail(&document, &odd);
}

#[test]
fn any_changed_octet_of_an_answer_or_a_payload_fails() {
    let (document, vectors) = passing();
    let mut odd = Vec::new();
    for vector in &vectors {
        let is_exact = ["crc", "key", "body", "response", "merkle", "page"].contains(&vector["kind"].as_str().unwrap())
            && vector["expect"]["result"] != "reject"
            && vector["expect"]["challenge_valid"] != false;
        let octets = vector["bytes"].as_str().unwrap();
        for place in (0..octets.len()).filter(|_| is_exact) {
            let mut vector = copy(vector, format_args!("digit {place} changed"));
            let digit = if octets.as_bytes()[place] == b'0' { "1" } else { "0" };
            vector["bytes"] = json!([&octets[..place], digit, &octets[place + 1..]].concat());
            odd.push(vector);
        }
    }
    assert_all_fail(&document, &odd);
}

#[test]
fn odd_parts_of_a_vector_fail() {
    let (document, vectors) = passing();
    let mut odd = Vec::new();
    for vector in &vectors {
        for key in ["kind", "given", "bytes", "expect"] {
            for oddity in [json!(null), json!(-1), json!("0g"), json!([])] {
                let mut vector = copy(vector, format_args!("{key} is {oddity}"));
                vector[key] = oddity;
                odd.push(vector);
            }
        }
    }
    assert_all_fail(&document, &odd);
}

#[test]
fn odd_fields_never_panic() {
    let (document, vectors) = passing();
    let oddities = [json!(null), json!(-1), json!(1.5), json!("x"), json!(""), json!([]), json!({}), json!(u64::MAX)];
    let mut odd = Vec::new();
    for vector in &vectors {
        for part in ["given", "expect"] {
            for key in vector[part].as_object().unwrap().keys() {
                for oddity in &oddities {
                    let mut vector = copy(vector, format_args!("{part}.{key} is {oddity}"));
                    vector[part][key] = oddity.clone();
                    odd.push(vector);
                }
            }
        }
    }
    let report = check_all(&document, &odd);
    assert_eq!(report.passed() + report.failed() + report.skipped(), odd.len());
}

#[test]
fn unknown_kind_fails_and_unwritten_kind_is_skipped() {
    let file = |kind: &str| {
        let vector = json!({ "name": "a", "kind": kind, "given": {}, "bytes": "", "expect": {} });
        check_str(&json!({ "profile": {}, "vectors": [vector] }).to_string()).unwrap().to_string()
    };
    for kind in ["exchange", "feed"] {
        assert_eq!(file(kind), "0 passed, 0 failed, 1 skipped");
    }
    assert_eq!(file("riddle"), "a: kind riddle is unknown\n0 passed, 1 failed, 0 skipped");
}

#[test]
fn broken_profile_fails_the_cases_that_need_it() {
    let mut document: Value = serde_json::from_str(OWN).unwrap();
    document["profile"].as_object_mut().unwrap().remove("lockers");
    let report = check_str(&document.to_string()).unwrap();
    assert_eq!((report.passed(), report.failed()), (39, 96 + 16 + 7));
}

#[test]
fn unknown_keys_are_tolerated() {
    let (document, mut vectors) = passing();
    for vector in &mut vectors {
        vector["surplus"] = json!(1);
        vector["given"]["surplus"] = json!("x");
        vector["expect"]["surplus"] = json!([]);
    }
    assert_eq!(check_all(&document, &vectors).passed(), vectors.len());
}

#[test]
fn file_without_vectors_is_an_error() {
    for text in ["", "[]", "{}", r#"{"vectors": 3}"#] {
        assert!(check_str(text).is_err(), "{text}");
    }
    assert!(raida_vectors::check_file("/nonexistent/vectors.json").is_err());
}

#[test]
fn a_file_of_another_schema_is_refused_by_its_name() {
    for (schema, is_known) in [(json!(1), true), (json!(2), false), (json!("1"), false), (json!(null), false)] {
        let checked = check_str(&json!({ "schema": schema, "profile": {}, "vectors": [] }).to_string());
        let said = checked.err().map(|error| error.to_string());
        let expected = (!is_known).then(|| format!("file has schema {schema}, expected schema 1"));
        assert_eq!(said, expected);
    }
}
