//! The payloads of requests are those of the protocol's vectors.

use std::num::NonZeroU32;

use raida_wire::{AuthenticityNumber, CoinId};
use serde_json::Value;

use crate::authentication::{Renewal, renewals, summed};
use crate::envelope::KeyCoin;
use crate::healing::fix_payload;
use crate::layout::Layout;

/// The vector of this name: what is given, and the octets.
fn vector(name: &str) -> (Value, Vec<u8>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vector = file["vectors"].as_array().unwrap().iter().find(|vector| vector["name"] == name).unwrap().clone();
    (vector["given"].clone(), octets(&vector["bytes"]))
}

fn octets(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn number(hex: &Value) -> AuthenticityNumber {
    AuthenticityNumber::new(octets(hex).try_into().unwrap())
}

fn id(coin: &Value) -> CoinId {
    let exponent = coin[0].as_i64().unwrap().try_into().unwrap();
    CoinId::new(exponent, coin[1].as_u64().unwrap().try_into().unwrap()).unwrap()
}

fn coins(given: &Value) -> Vec<KeyCoin> {
    let pairs = given["coins"].as_array().unwrap().iter().zip(given["ans"].as_array().unwrap());
    pairs.map(|(coin, an)| KeyCoin { coin: id(coin), number: number(an) }).collect()
}

#[test]
fn detect_sum_is_the_vector() {
    let (given, expected) = vector("body/detect-sum");
    assert_eq!(summed(Layout::DETECT_SUM, &coins(&given)).finish(), expected);
}

#[test]
fn pown_sum_is_the_vector() {
    let (given, expected) = vector("body/pown-sum");
    let payload = summed(Layout::POWN_SUM, &coins(&given)).number(&number(&given["delta"])).finish();
    assert_eq!(payload, expected);
}

#[test]
fn find_and_pown_are_the_vector() {
    let (given, expected) = vector("body/find");
    let renewal = |coin: &Value| Renewal { coin: id(coin), number: number(&coin[2]), proposed: number(&coin[3]) };
    let list: Vec<_> = given["coins"].as_array().unwrap().iter().map(renewal).collect();
    assert_eq!(renewals(&list), expected);
}

#[test]
fn fix_is_the_vector() {
    let (given, expected) = vector("body/fix");
    let list: Vec<_> = given["coins"].as_array().unwrap().iter().map(id).collect();
    let tickets = given["tickets"].as_array().unwrap().iter();
    let tickets: Vec<_> = tickets.map(|ticket| NonZeroU32::new(ticket.as_u64().unwrap().try_into().unwrap())).collect();
    let chosen = octets(&given["pg"]).try_into().unwrap();
    assert_eq!(fix_payload(&list, &chosen, &tickets.try_into().unwrap()), expected);
}
