//! Exchange cases against a player that knows all answers, and against players that are a little wrong.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use raida_vectors::{Player, State, Transport, check_str, check_str_with};
use serde_json::{Value, json};

const OWN: &str = include_str!("../../../docs/protocol/vectors.json");

/// Gives the answers that the file expects, after `spoil` has had its way with them.
struct Actor<F> {
    cases: Vec<Value>,
    starts: usize,
    spoil: F,
}

impl<F: FnMut(Transport, usize, &mut Vec<u8>)> Player for Actor<F> {
    fn start(&mut self, state: &State) -> Result<(), String> {
        self.starts += 1;
        assert_eq!((state.coin_id, state.records.len()), (6, 96));
        Ok(())
    }

    fn ask(&mut self, transport: Transport, request: &[u8]) -> Result<Vec<u8>, String> {
        let asked = self.cases.iter().position(|case| octets(&case["bytes"]) == request);
        // What is not in the file is Detect for a coin that an exchange has changed: 241.
        let mut answer =
            asked.map_or_else(|| vec![0, 0, 241], |place| octets(&self.cases[place]["expect"]["response"]));
        if let Some(time) = answer.get_mut(12..16) {
            time.fill(7);
        }
        (self.spoil)(transport, asked.unwrap_or(usize::MAX), &mut answer);
        if answer.is_empty() { Err("the node is gone".to_owned()) } else { Ok(answer) }
    }
}

fn actor<F: FnMut(Transport, usize, &mut Vec<u8>)>(spoil: F) -> Actor<F> {
    let document: Value = serde_json::from_str(OWN).unwrap();
    let cases = document["vectors"].as_array().unwrap().iter().filter(|case| case["kind"] == "exchange");
    Actor { cases: cases.cloned().collect(), starts: 0, spoil }
}

fn octets(digits: &Value) -> Vec<u8> {
    let digits = digits.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// How many exchanges fail.
fn failing(spoil: impl FnMut(Transport, usize, &mut Vec<u8>)) -> usize {
    let mut player = actor(spoil);
    let document: Value = serde_json::from_str(OWN).unwrap();
    let exchanges = json!({ "profile": document["profile"], "vectors": player.cases });
    check_str_with(&exchanges.to_string(), &mut player).unwrap().failed()
}

#[test]
fn every_exchange_is_played_over_both_transports_on_a_node_of_its_own() {
    let mut asked = [0, 0];
    let mut player = actor(|transport, case, _: &mut Vec<u8>| {
        asked[usize::from(transport == Transport::Udp)] += usize::from(case != usize::MAX);
    });
    let report = check_str_with(OWN, &mut player).unwrap();
    assert_eq!((report.failed(), report.skipped(), player.starts), (0, 6, 2), "{report}");
    assert_eq!(asked, [44, 44]);
    assert_eq!(check_str(OWN).unwrap().skipped(), 6 + 44, "nobody plays them");
}

#[test]
fn any_changed_octet_fails_on_either_transport() {
    for wrong in [Transport::Tcp, Transport::Udp] {
        for place in [0, 2, 3, 5, 6, 11, 16, 31] {
            let spoil = |transport, case, answer: &mut Vec<u8>| {
                if transport == wrong && case != usize::MAX {
                    answer[place] ^= 1;
                }
            };
            assert_eq!(failing(spoil), 44, "{wrong}, octet {place}");
        }
    }
    let payload = |_, case, answer: &mut Vec<u8>| {
        if case != usize::MAX && answer.len() > 32 {
            answer[32] ^= 1;
        }
    };
    assert_eq!(failing(payload), 9);
}

#[test]
fn a_change_that_was_not_made_fails() {
    let unchanged = |_, case, answer: &mut Vec<u8>| {
        if case == usize::MAX {
            answer[2] = 242;
        }
    };
    assert_eq!(failing(unchanged), 5);
}

#[test]
fn silence_and_half_an_answer_fail() {
    assert_eq!(failing(|_, _, answer| answer.clear()), 44);
    assert_eq!(failing(|_, _, answer| answer.truncate(31)), 44);
}
