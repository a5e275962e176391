//! Kind `request`: how far the envelope of a request goes.

use raida_wire::header::{Keying, View};
use raida_wire::{
    AuthenticityNumber, Challenge, CoinId, Datagram, Head, RawCoinId, Recipient, Refusal, Request, Sender, Session,
    Status, header_len, judge_datagram, open,
};

use crate::case::{Case, Fields, Reason, same, same_octets};
use crate::profile::{Keys, Profile};

pub(crate) fn check(case: &Case<'_>, profile: &Profile) -> Result<(), Reason> {
    let trailing = if case.given.has("trailing") { case.given.hex("trailing")? } else { Vec::new() };
    let stream = || receive_stream(&[case.bytes.as_slice(), &trailing].concat(), profile);
    let datagram = || receive_datagram(&case.bytes, profile);
    match case.given.text("transport")? {
        "tcp" => check_fate(case, profile, &stream()?),
        "udp" => check_fate(case, profile, &datagram()?),
        "any" => {
            check_fate(case, profile, &stream()?).map_err(|reason| Reason::new(format_args!("over TCP, {reason}")))?;
            check_fate(case, profile, &datagram()?).map_err(|reason| Reason::new(format_args!("over UDP, {reason}")))
        }
        unknown => Err(Reason::new(format_args!("transport {unknown} is unknown"))),
    }
}

/// What becomes of octets that a node receives.
enum Fate {
    Accepted(Box<Accepted>),
    Refused(Refusal),
    Dropped,
    /// The node waits until it has so many octets.
    Incomplete(usize),
}

struct Accepted {
    head: Head,
    keys: Keys,
    session: Session,
    /// The body after opening: challenge, payload and what follows them, in clear.
    body: Vec<u8>,
    payload: Vec<u8>,
}

/// As a TCP reader does it.
fn receive_stream(octets: &[u8], profile: &Profile) -> Result<Fate, Reason> {
    let head = match Head::judge(octets, &profile.rules) {
        Ok(Some(head)) => head,
        Ok(None) => return Ok(Fate::Incomplete(header_len(octets).unwrap_or(raida_wire::DECIDING))),
        Err(refusal) => return Ok(Fate::Refused(refusal)),
    };
    let keys = match profile.keys(&head) {
        Ok(keys) => keys,
        Err(status) => return Ok(Fate::Refused(head.refuse(status))),
    };
    match head.check_length(&profile.rules) {
        Err(refusal) => Ok(Fate::Refused(refusal)),
        Ok(()) if octets.len() < head.request_len() => Ok(Fate::Incomplete(head.request_len())),
        Ok(()) => open_body(octets, head, keys),
    }
}

/// As a UDP reader does it.
fn receive_datagram(octets: &[u8], profile: &Profile) -> Result<Fate, Reason> {
    let octets = octets.get(..profile.datagram_max).unwrap_or(octets);
    let head = match judge_datagram(octets, &profile.rules) {
        Datagram::Request(head) => head,
        Datagram::Refuse(refusal) => return Ok(Fate::Refused(refusal)),
        Datagram::Drop(_) => return Ok(Fate::Dropped),
        Datagram::Vote(_) => return Err(Reason::new("datagram is a vote packet")),
    };
    let keys = match profile.keys(&head) {
        Ok(keys) => keys,
        Err(status) => return Ok(Fate::Refused(head.refuse(status))),
    };
    match head.check_datagram(octets.len(), &profile.rules) {
        Err(refusal) => Ok(Fate::Refused(refusal)),
        Ok(()) => open_body(octets, head, keys),
    }
}

fn open_body(octets: &[u8], head: Head, keys: Keys) -> Result<Fate, Reason> {
    let body = octets.get(head.header_len()..head.request_len());
    let mut body = body.ok_or_else(|| Reason::new("the request ends before its body does"))?.to_vec();
    let opened = open(&head, &mut body, &keys.lend()).map(|(payload, session)| (payload.to_vec(), session));
    Ok(match opened {
        Ok((payload, session)) => Fate::Accepted(Box::new(Accepted { head, keys, session, body, payload })),
        Err(refusal) => Fate::Refused(refusal),
    })
}

fn check_fate(case: &Case<'_>, profile: &Profile, fate: &Fate) -> Result<(), Reason> {
    match (case.expect.text("result")?, fate) {
        ("accept", Fate::Accepted(accepted)) => {
            check_fields(case, accepted)?;
            check_secrets(case.expect, accepted)?;
            check_rebuilt(case, accepted)
        }
        ("reject", Fate::Refused(refusal)) => check_refusal(case.expect, profile, refusal),
        ("drop", Fate::Dropped) => Ok(()),
        ("incomplete", Fate::Incomplete(need)) => same("need", *need, case.expect.number("need")?),
        (result @ ("accept" | "reject" | "drop" | "incomplete"), fate) => {
            Err(Reason::new(format_args!("the request is {}, expected {result}", name(fate))))
        }
        (unknown, _) => Err(Reason::new(format_args!("result {unknown} is unknown"))),
    }
}

fn name(fate: &Fate) -> String {
    match fate {
        Fate::Accepted(_) => "accepted".to_owned(),
        Fate::Refused(refusal) => format!("refused with {}", refusal.status()),
        Fate::Dropped => "dropped".to_owned(),
        Fate::Incomplete(need) => format!("incomplete, {need} octets needed"),
    }
}

/// What stands in the header, and the payload.
fn check_fields(case: &Case<'_>, accepted: &Accepted) -> Result<(), Reason> {
    let (expect, head) = (case.expect, &accepted.head);
    let (view, _) = View::split(&case.bytes).ok_or_else(|| Reason::new("header is not complete"))?;
    same("header_len", head.header_len(), expect.number("header_len")?)?;
    same("version", view.version(), expect.number("version")?)?;
    same("split", view.split_id(), expect.number("split")?)?;
    same("raida", head.header().raida_id, expect.number("raida")?)?;
    same("shard", head.shard(), expect.number("shard")?)?;
    same("group", head.command().group, expect.number("group")?)?;
    same("command", head.command().code, expect.number("command")?)?;
    same("coin_id", head.header().coin_id, expect.number("coin_id")?)?;
    same("enc_type", head.encryption().code(), expect.number("enc_type")?)?;
    same("body_len", head.body_len(), expect.number("body_len")?)?;
    same_octets("echo", &head.echo(), &expect.hex("echo")?)?;
    same_octets("payload", &accepted.payload, &expect.hex("payload")?)
}

/// Challenge, signature, nonce, key, and whose key it is.
fn check_secrets(expect: Fields<'_>, accepted: &Accepted) -> Result<(), Reason> {
    let session = &accepted.session;
    let is_long = accepted.head.encryption().is_long();
    if !is_long {
        let challenge = accepted.body.get(..Challenge::LEN).unwrap_or_default();
        same_octets("challenge", challenge, &expect.hex("challenge")?)?;
        same_octets("signature", session.signature(), &expect.hex("signature")?)?;
    }
    match accepted.head.header().keying {
        Keying::None { .. } => return same("authenticated", session.is_authenticated(), false),
        Keying::Coin { coin, nonce } => {
            same_octets("nonce", &nonce, &expect.hex("nonce")?)?;
            check_coin(expect, "key_den", "key_sn", coin)?;
        }
        Keying::Locker { prefix, nonce } => {
            same_octets("nonce", &nonce, &expect.hex("nonce")?)?;
            same_octets("locker_prefix", &prefix, &expect.hex("locker_prefix")?)?;
        }
        Keying::Coin256 { coin, nonce } => {
            same_octets("nonce", &nonce, &expect.hex("nonce")?)?;
            check_coin(expect, "key_den", "key_sn", coin)?;
        }
        Keying::TwoCoins { first, second, nonce } => {
            same_octets("nonce", &[&second.0[..], &nonce].concat(), &expect.hex("nonce")?)?;
            check_coin(expect, "key_den", "key_sn", first)?;
            check_coin(expect, "key2_den", "key2_sn", second)?;
        }
    }
    same("authenticated", session.is_authenticated(), true)?;
    same_octets("key", session.key().octets(), &expect.hex("key")?)
}

fn check_coin(expect: Fields<'_>, denomination: &str, serial_number: &str, coin: RawCoinId) -> Result<(), Reason> {
    same(denomination, coin.denomination(), expect.number(denomination)?)?;
    same(serial_number, coin.serial_number(), expect.number(serial_number)?)
}

/// A client that has the same fields writes the same octets, and reads the node's answer.
fn check_rebuilt(case: &Case<'_>, accepted: &Accepted) -> Result<(), Reason> {
    let Accepted { head, session, .. } = accepted;
    let header = head.header();
    let recipient = Recipient { raida_id: header.raida_id, coin_id: header.coin_id, shard: header.shard };
    let number = AuthenticityNumber::new(session.key().octets().try_into().unwrap_or_default());
    let sender = sender(accepted, &number)?;
    let request = Request::new(recipient, head.command(), sender).with_presentation(header.presentation);
    let mut built = vec![0; request.built_len(accepted.payload.len()).max(raida_wire::LONG)];
    let (length, pending) = if head.body_len() == 0 {
        let (front, _) = built.split_first_chunk_mut().ok_or_else(|| Reason::new("no room for a header"))?;
        request.build_bodyless(front)
    } else {
        request.build(&mut built, &accepted.payload).map_err(Reason::new)?
    };
    let mut sent = case.bytes.get(..head.request_len()).unwrap_or_default().to_vec();
    if matches!(header.keying, Keying::None { .. }) {
        blank_ignored(&mut sent);
    }
    same_octets("request as a client builds it", built.get(..length).unwrap_or_default(), &sent)?;

    let mut buffer = [0; raida_wire::HEADROOM];
    let lies_at = session.seal(&mut buffer, 0, Status::SUCCESS, header.raida_id, 1, &[7; 24]);
    let answer = buffer.get_mut(lies_at).ok_or_else(|| Reason::new("the answer lies outside its buffer"))?;
    let response = pending.read(answer).map_err(|error| Reason::new(format_args!("reading the answer: {error}")))?;
    same("status of the answer", response.status, Status::SUCCESS)
}

/// Octets 17 to 21 and 24 to 29 of a type 0 header mean nothing; a client writes zeros.
fn blank_ignored(request: &mut [u8]) {
    for (place, octet) in request.iter_mut().enumerate() {
        if matches!(place, 17..=21 | 24..=29) {
            *octet = 0;
        }
    }
}

/// Who sent an accepted request. `number` is the key of types 1 and 2.
fn sender<'k>(accepted: &'k Accepted, number: &'k AuthenticityNumber) -> Result<Sender<'k>, Reason> {
    let challenge = accepted.body.first_chunk().copied().and_then(Challenge::parse);
    let challenge = || challenge.ok_or_else(|| Reason::new("the challenge is not in front of the payload"));
    let coin = |name: RawCoinId| name.judge().ok_or_else(|| Reason::new("a key coin is out of range"));
    Ok(match (accepted.head.header().keying, &accepted.keys) {
        (Keying::None { echo }, _) if accepted.body.is_empty() => {
            Sender::Nobody { echo, challenge: Challenge::new([0; 12]) }
        }
        (Keying::None { echo }, _) => Sender::Nobody { echo, challenge: challenge()? },
        (Keying::Coin { coin: name, nonce }, _) => {
            Sender::Coin { coin: coin(name)?, number, nonce, challenge: challenge()? }
        }
        (Keying::Locker { nonce, .. }, _) => Sender::Locker { key: number, nonce, challenge: challenge()? },
        (Keying::Coin256 { coin: name, nonce }, Keys::Coin(number)) => {
            Sender::Coin256 { coin: coin(name)?, number, nonce }
        }
        (Keying::TwoCoins { first, second, nonce }, Keys::TwoCoins(first_number, second_number)) => {
            let (first, second): (CoinId, CoinId) = (coin(first)?, coin(second)?);
            Sender::TwoCoins { first: (first, first_number), second: (second, second_number), nonce }
        }
        (Keying::Coin256 { .. } | Keying::TwoCoins { .. }, _) => return Err(Reason::new("keys of another type")),
    })
}

/// The header that says no.
fn check_refusal(expect: Fields<'_>, profile: &Profile, refusal: &Refusal) -> Result<(), Reason> {
    let mut octets = [0; raida_wire::LONG];
    let length = refusal.write(&mut octets, profile.rules.raida_id, 0, &[0xA5; 24]);
    let response = octets.get(..length).unwrap_or_default();
    same("status", refusal.status(), Status(expect.number("status")?))?;
    same("response_header_len", length, expect.number("response_header_len")?)?;
    same("group", octets[3], expect.number("group")?)?;
    if length == raida_wire::SHORT {
        same_octets("echo", &octets[6..8], &expect.hex("echo")?)?;
        same_octets("signature", &octets[16..32], &expect.hex("signature")?)?;
    }
    if expect.has("response") { same_octets("response", response, &expect.hex("response")?) } else { Ok(()) }
}
