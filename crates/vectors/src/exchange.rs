//! Kind `exchange`: a request that passes the envelope, and a whole node's answer.

use std::iter::zip;

use raida_wire::{Challenge, CoinId, Command, LONG, Pending, Recipient, Request, Sender, Status};
use serde_json::Value;

use crate::case::{Case, Fields, Reason, same, same_octets};
use crate::player::{Player, State, Transport};
use crate::profile::coin_id;

/// Bytes 12 to 15 of an answer are the time that it took.
const TIME: std::ops::Range<usize> = 12..16;

/// Plays cases in file order, first over TCP, then over UDP, each time on a fresh node: some of them change coins.
/// Gives their outcomes in the same order.
pub(crate) fn play(
    vectors: &[&Value],
    state: Result<&State, &Reason>,
    player: &mut dyn Player,
) -> Vec<Result<(), Reason>> {
    let mut outcomes: Vec<_> =
        vectors.iter().map(|vector| Case::read(vector).and_then(|case| transports(&case).map(drop))).collect();
    if vectors.is_empty() {
        return outcomes;
    }
    for transport in [Transport::Tcp, Transport::Udp] {
        let started =
            state.map_err(Clone::clone).and_then(|state| player.start(state).map(|()| state).map_err(Reason::new));
        for (vector, outcome) in zip(vectors, &mut outcomes) {
            let Ok(case) = Case::read(vector) else { continue };
            if transports(&case).is_ok_and(|transports| transports.contains(&transport)) {
                let checked = started.clone().and_then(|state| check(&case, state, transport, player));
                let checked = checked.map_err(|reason| Reason::new(format_args!("over {transport}: {reason}")));
                *outcome = std::mem::replace(outcome, Ok(())).and(checked);
            }
        }
    }
    outcomes
}

fn transports(case: &Case<'_>) -> Result<&'static [Transport], Reason> {
    match case.given.text("transport")? {
        "any" => Ok(&[Transport::Tcp, Transport::Udp]),
        "tcp" => Ok(&[Transport::Tcp]),
        "udp" => Ok(&[Transport::Udp]),
        unknown => Err(Reason::new(format_args!("transport {unknown} is unknown"))),
    }
}

fn check(case: &Case<'_>, state: &State, transport: Transport, player: &mut dyn Player) -> Result<(), Reason> {
    let expect = case.expect;
    same("result", expect.text("result")?, "reply")?;
    let mut answer = player.ask(transport, &case.bytes).map_err(Reason::new)?;
    let fields =
        answer.first_chunk::<32>().ok_or_else(|| Reason::new(format_args!("answer has {} octets", answer.len())))?;
    same("status", Status(fields[2]), Status(expect.number("status")?))?;
    same("group", fields[3], expect.number("group")?)?;
    same_octets("echo", &fields[6..8], &expect.hex("echo")?)?;
    same_octets("signature", &fields[16..], &expect.hex("signature")?)?;
    let mut timeless = answer.clone();
    timeless.get_mut(TIME).unwrap_or_default().fill(0);
    let mut expected = expect.hex("response")?;
    expected.get_mut(TIME).unwrap_or_default().fill(0);
    same_octets("answer", &timeless, &expected)?;
    let response = pending(case, state.raida_id)?.read(&mut answer);
    let response = response.map_err(|error| Reason::new(format_args!("a client rejects the answer: {error}")))?;
    same_octets("payload", response.payload, &expect.hex("payload")?)?;
    records_after(expect, state, player)
}

/// What the client remembers of its request, so that it can open the answer.
fn pending(case: &Case<'_>, raida_id: u8) -> Result<Pending, Reason> {
    let part = |range: std::ops::Range<usize>| case.bytes.get(range).unwrap_or_default().to_vec();
    let odd = |_| Reason::new("the request has no short header with a challenge");
    let nonce: [u8; 8] = part(24..32).try_into().map_err(odd)?;
    if !case.expect.has("key") {
        return Ok(Pending::short(raida_id, None, &nonce, part(32..48).try_into().map_err(odd)?));
    }
    // The challenge is in the signature, under the key.
    let key: [u8; 16] = case.expect.array("key")?;
    let signature: [u8; 16] = case.expect.array("signature")?;
    let mut challenge = signature;
    zip(&mut challenge, key).for_each(|(octet, key)| *octet ^= key);
    Ok(Pending::short(raida_id, Some(&key), &nonce, challenge))
}

/// Asks the node for each coin that the exchange changed.
fn records_after(expect: Fields<'_>, state: &State, player: &mut dyn Player) -> Result<(), Reason> {
    if !expect.has("records_after") {
        return Ok(());
    }
    for record in expect.list("records_after")? {
        let record = Fields::new("record", record);
        let coin = coin_id(record, "den", "sn")?;
        let answer = player.ask(Transport::Tcp, &detect(coin, &record.array("an")?, state)?).map_err(Reason::new)?;
        same(&format!("status of Detect for {coin}"), answer.get(2).copied().map(Status), Some(Status::ALL_PASS))?;
    }
    Ok(())
}

fn detect(coin: CoinId, an: &[u8; 16], state: &State) -> Result<Vec<u8>, Reason> {
    let recipient = Recipient { raida_id: state.raida_id, coin_id: state.coin_id, shard: 0 };
    let sender = Sender::Nobody { echo: [0; 2], challenge: Challenge::new(*b"is it there?") };
    let mut octets = vec![0; LONG + 64];
    let payload = [coin.raw().0.as_slice(), an].concat();
    let (length, _) =
        Request::new(recipient, Command::DETECT, sender).build(&mut octets, &payload).map_err(Reason::new)?;
    octets.truncate(length);
    Ok(octets)
}
