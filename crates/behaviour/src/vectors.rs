//! The protocol's own test vectors: octets and expectations that no code of this project made.

use serde_json::Value;

/// One vector of `docs/protocol/vectors.json`.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its unique name.
    pub name: String,
    /// What is sent.
    pub octets: Vec<u8>,
    /// What stands under `given`.
    pub given: Value,
    /// What stands under `expect`.
    pub expect: Value,
}

/// All vectors of one kind, in file order.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn of_kind(kind: &str) -> Vec<Case> {
    let document: Value = serde_json::from_str(include_str!("../../../docs/protocol/vectors.json")).unwrap();
    let all = document["vectors"].as_array().unwrap();
    let cases: Vec<Case> = all.iter().filter(|vector| vector["kind"] == kind).map(Case::read).collect();
    assert!(!cases.is_empty(), "there is no vector of kind {kind}");
    cases
}

/// The octets that hexadecimal digits stand for.
#[must_use]
pub fn octets(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

impl Case {
    fn read(vector: &Value) -> Self {
        Self {
            name: vector["name"].as_str().unwrap().to_owned(),
            octets: octets(vector["bytes"].as_str().unwrap()),
            given: vector["given"].clone(),
            expect: vector["expect"].clone(),
        }
    }

    /// The octets under `expect` by this name, where it is there.
    #[must_use]
    pub fn expected_octets(&self, name: &str) -> Option<Vec<u8>> {
        self.expect[name].as_str().map(octets)
    }

    /// The octet under `expect` by this name, where it is there.
    #[must_use]
    pub fn expected_octet(&self, name: &str) -> Option<u8> {
        self.expect[name].as_u64().map(|number| u8::try_from(number).unwrap())
    }
}
