//! Payloads of requests that carry coins and sums.

use raida_wire::payload::{Exchange, Fix, Payload, Sum};
use raida_wire::{AuthenticityNumber, CoinId, RawCoinId};
use serde_json::Value;

use crate::case::{Case, Reason, octets, same, same_octets};

pub(crate) fn check_detect_sum(case: &Case<'_>) -> Result<(), Reason> {
    let sum = Sum::read(Payload::new(&case.bytes)).map_err(Reason::new)?;
    check_sum(case, sum)?;
    same_octets("sum", sum.sum, &case.expect.array::<16>("sum")?)?;
    same("number of coins", sum.coins.len(), case.expect.number("coins")?)
}

pub(crate) fn check_pown_sum(case: &Case<'_>) -> Result<(), Reason> {
    let mut payload = Payload::new(&case.bytes);
    let delta = payload.take_last::<16>().map_err(Reason::new)?;
    check_sum(case, Sum::read(payload).map_err(Reason::new)?)?;
    same_octets("delta", delta, &case.given.array::<16>("delta")?)?;
    let shifted = numbers(case.given.list("ans")?)?.into_iter().map(|number| number.xor(delta));
    same_numbers("new number", shifted, numbers(case.expect.list("new_ans")?)?)
}

pub(crate) fn check_find(case: &Case<'_>) -> Result<(), Reason> {
    let records = Payload::new(&case.bytes).records().map_err(Reason::new)?;
    let given = case.given.list("coins")?;
    same("number of coins", records.len(), given.len())?;
    same("number of coins", records.len(), case.expect.number("coins")?)?;
    for (record, given) in records.iter().zip(given) {
        let Exchange { claim, pan } = Exchange::read(record);
        same("coin", claim.coin, coin(given)?.raw())?;
        let secret = |place: usize| number(given.get(place).unwrap_or(&Value::Null));
        same_numbers("number", [claim.an, pan], [secret(2)?, secret(3)?])?;
    }
    Ok(())
}

pub(crate) fn check_fix(case: &Case<'_>) -> Result<(), Reason> {
    let fix = Fix::read(Payload::new(&case.bytes)).map_err(Reason::new)?;
    check_coins(case, fix.coins)?;
    same_octets("pg", fix.pg, &case.given.array::<16>("pg")?)?;
    let given: Vec<_> = case.given.list("tickets")?.iter().map(Value::as_u64).collect();
    same("tickets", fix.tickets.map(|ticket| Some(u64::from(ticket))).to_vec(), given)?;
    let present = fix.tickets.iter().filter(|ticket| **ticket != 0).count();
    same("tickets present", present, case.expect.number("tickets_present")?)?;
    let [first, ..] = fix.coins else { return Err(Reason::new("there is no coin")) };
    let first = RawCoinId(*first).judge().ok_or_else(|| Reason::new("the coin is out of range"))?;
    let fixed = AuthenticityNumber::fixed(case.given.number("raida")?, first, fix.pg);
    same_octets("new number", fixed.octets(), &case.expect.array::<16>("new_an")?)
}

/// The coins are those given, and the sum is that of the numbers given.
fn check_sum(case: &Case<'_>, sum: Sum<'_>) -> Result<(), Reason> {
    check_coins(case, sum.coins)?;
    let numbers = numbers(case.given.list("ans")?)?;
    same("number of coins", numbers.len(), sum.coins.len())?;
    let total = numbers.iter().fold(AuthenticityNumber::new([0; 16]), |total, number| total.xor(number.octets()));
    same_octets("sum", sum.sum, total.octets())
}

fn check_coins(case: &Case<'_>, found: &[[u8; 5]]) -> Result<(), Reason> {
    let given = case.given.list("coins")?.iter().map(coin).collect::<Result<Vec<_>, _>>()?;
    same(
        "coins",
        found.iter().map(|coin| RawCoinId(*coin).judge()).collect(),
        given.into_iter().map(Some).collect::<Vec<_>>(),
    )
}

/// From a list that begins with a denomination and a serial number.
fn coin(value: &Value) -> Result<CoinId, Reason> {
    let part = |place| value.get(place).and_then(Value::as_i64);
    let coin = part(0).zip(part(1)).and_then(|(denomination, serial_number)| {
        CoinId::new(denomination.try_into().ok()?, serial_number.try_into().ok()?)
    });
    coin.ok_or_else(|| Reason::new("a coin is odd, expected a denomination and a serial number in range"))
}

fn number(value: &Value) -> Result<AuthenticityNumber, Reason> {
    let octets: Option<[u8; 16]> = value.as_str().and_then(octets).and_then(|octets| octets.try_into().ok());
    octets.map(Into::into).ok_or_else(|| Reason::new("a number is odd, expected 16 octets"))
}

fn numbers(values: &[Value]) -> Result<Vec<AuthenticityNumber>, Reason> {
    values.iter().map(number).collect()
}

/// Numbers of test cases are no secrets: they are printed.
fn same_numbers(
    what: &str,
    found: impl IntoIterator<Item = AuthenticityNumber>,
    expected: impl IntoIterator<Item = AuthenticityNumber>,
) -> Result<(), Reason> {
    let octets = |number: AuthenticityNumber| *number.octets();
    let (found, expected): (Vec<_>, Vec<_>) =
        (found.into_iter().map(octets).collect(), expected.into_iter().map(octets).collect());
    same_octets(what, found.as_flattened(), expected.as_flattened())
}
