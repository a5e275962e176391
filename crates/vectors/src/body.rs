//! Kind `body`: payloads and parts of payloads.

use raida_wire::audit::{self, Counts};
use raida_wire::stats::{self, Stats};
use raida_wire::{Denomination, Month, RawCoinId, bitfield};
use serde_json::Value;

use crate::case::{Case, Fields, Reason, same, same_octets};
use crate::payload;
use crate::profile::coin_id;

pub(crate) fn check(case: &Case<'_>) -> Result<(), Reason> {
    let given = case.given;
    if given.has("results") {
        return check_bitfield(case);
    }
    if given.has("year") {
        return check_month(case);
    }
    if given.has("den") {
        return check_coin_id(case);
    }
    match (given.number::<u8>("group")?, given.number::<u8>("command")?) {
        (0, 2) => check_stats(case),
        (0, 3) => check_audit(case),
        (1, 11) => payload::check_detect_sum(case),
        (1, 21) => payload::check_pown_sum(case),
        (2, 60) => payload::check_find(case),
        (2, 80) => payload::check_fix(case),
        (group, command) => Err(Reason::new(format_args!("there are no body cases for command {group}/{command}"))),
    }
}

fn check_bitfield(case: &Case<'_>) -> Result<(), Reason> {
    let passed = |value: &Value| match value.as_u64() {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        Some(_) | None => Err(Reason::new("a result is neither 0 nor 1")),
    };
    let results = case.given.list("results")?.iter().map(passed).collect::<Result<Vec<bool>, _>>()?;
    let mut bits = vec![0; bitfield::len(results.len())];
    let written = bitfield::write(results.iter().copied(), &mut bits);
    same("length", written, bits.len())?;
    same_octets("bitfield", &bits, &case.bytes)?;
    same_octets("bitfield", &bits, &case.expect.hex("bitfield")?)?;
    let read: Vec<bool> = (0..results.len()).map(|coin| bitfield::get(&bits, coin)).collect();
    same("results as a client reads them", read, results)
}

fn check_month(case: &Case<'_>) -> Result<(), Reason> {
    let Month(month) = Month::of(case.given.number("year")?, case.given.number("month")?);
    same_octets("month", &[month], &case.bytes)?;
    same("month", month, case.expect.number("mfs")?)
}

fn check_coin_id(case: &Case<'_>) -> Result<(), Reason> {
    let coin = coin_id(case.given, "den", "sn")?;
    let RawCoinId(octets) = coin.raw();
    same_octets("coin id", &octets, &case.bytes)?;
    same("coin as read", RawCoinId(octets).judge(), Some(coin))?;
    same("value", coin.denomination.value(), case.expect.number("value_in_1e-8")?)
}

fn check_stats(case: &Case<'_>) -> Result<(), Reason> {
    let counters = Stats {
        echoes: case.given.number("echoes")?,
        coins_powned: case.given.number("coins_powned")?,
        value_powned: case.given.number("value_powned")?,
        udp_datagrams: case.given.number("udp_datagrams")?,
    };
    let mut payload = [0; stats::LEN];
    counters.emit(&mut payload);
    same_octets("payload", &payload, &case.bytes)?;
    same("length", payload.len(), case.expect.number("length")?)?;
    same("counters as a client reads them", Stats::parse(&payload), Ok(counters))
}

fn check_audit(case: &Case<'_>) -> Result<(), Reason> {
    let given: Fields<'_> = case.given.fields("counts")?;
    let mut counts = Counts::default();
    for (count, denomination) in counts.0.iter_mut().zip(Denomination::all()) {
        *count = given.number(&denomination.to_string())?;
    }
    let mut payload = [0; audit::LEN];
    counts.emit(&mut payload);
    same_octets("payload", &payload, &case.bytes)?;
    same("length", payload.len(), case.expect.number("length")?)?;
    same("counts as a client reads them", Counts::parse(&payload), Ok(counts))
}
