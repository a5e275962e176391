//! Kind `response`: sealed by a node, read by a client.

use raida_wire::response::{FRAME_COUNT, Form};
use raida_wire::{
    AuthenticityNumber, Challenge, CoinId, Encryption, HEADROOM, Head, Pending, Recipient, Request, Rules, Sender,
    Session, Status, TAILROOM, open, registry,
};

use crate::case::{Case, Fields, Reason, same, same_octets};
use crate::profile::{Profile, coin_id};

pub(crate) fn check(case: &Case<'_>, profile: &Profile) -> Result<(), Reason> {
    let pending = pending(case.given)?;
    let mut octets = case.bytes.clone();
    match (case.expect.text("result")?, pending.read(&mut octets)) {
        ("accept", Ok(response)) => {
            let header_len = case.bytes.len() - response.header.body_size as usize;
            same("header_len", header_len, case.expect.number("header_len")?)?;
            same("size as told from the header", pending.response_len(&case.bytes), case.bytes.len())?;
            check_fields(case.expect, &response)?;
            check_sealed(case, profile)
        }
        ("reject", Err(error)) => same("reason", error.reason(), case.expect.text("reason")?),
        ("accept", Err(error)) => Err(Reason::new(format_args!("the response is rejected: {error}"))),
        ("reject", Ok(_)) => Err(Reason::new("the response is accepted, expected reject")),
        (unknown, _) => Err(Reason::new(format_args!("result {unknown} is unknown"))),
    }
}

/// What the client remembers of its request.
fn pending(given: Fields<'_>) -> Result<Pending, Reason> {
    let raida_id = given.number("raida")?;
    Ok(match encryption(given)? {
        Encryption::None => Pending::short(raida_id, None, &given.array("request_nonce")?, given.array("challenge")?),
        Encryption::Coin | Encryption::Locker => {
            let key = given.array("key")?;
            Pending::short(raida_id, Some(&key), &given.array("request_nonce")?, given.array("challenge")?)
        }
        Encryption::Coin256 | Encryption::TwoCoins => {
            Pending::long(raida_id, &given.array("key")?, &given.array("request_nonce")?)
        }
    })
}

fn check_fields(expect: Fields<'_>, response: &raida_wire::Response<'_>) -> Result<(), Reason> {
    same("status", response.status, Status(expect.number("status")?))?;
    same("group", response.group, expect.number("group")?)?;
    same("execution_us", response.elapsed_us, expect.number("execution_us")?)?;
    same("body_size", response.header.body_size, expect.number("body_size")?)?;
    same_octets("payload", response.payload, &expect.hex("payload")?)?;
    match response.header.form {
        Form::Short { echo, signature } => {
            same_octets("echo", &echo, &expect.hex("echo")?)?;
            same_octets("signature", &signature, &expect.hex("signature")?)?;
            same("frame_count", FRAME_COUNT, expect.number("frame_count")?)
        }
        Form::Long { nonce, .. } => {
            same_octets("nonce_field", &nonce, &expect.hex("nonce_field")?)?;
            same_octets("iv", &nonce[..16], &expect.hex("iv")?)?;
            same_octets("echo", &nonce[22..], &expect.hex("echo")?)
        }
    }
}

/// A node that answers the same request seals the same octets.
fn check_sealed(case: &Case<'_>, profile: &Profile) -> Result<(), Reason> {
    let given = case.given;
    let session = session(given, profile)?;
    let payload = given.hex("payload")?;
    let random = if given.has("response_nonce") { given.array("response_nonce")? } else { [0; 24] };
    let mut buffer = [&[0; HEADROOM][..], &payload, &[0; TAILROOM]].concat();
    let status = Status(given.number("status")?);
    let (raida_id, elapsed_us) = (given.number("raida")?, given.number("execution_us")?);
    let lies_at = session.seal(&mut buffer, payload.len(), status, raida_id, elapsed_us, &random);
    same("length as told beforehand", session.sealed_len(payload.len()), lies_at.len())?;
    same_octets("response as a node seals it", buffer.get(lies_at).unwrap_or_default(), &case.bytes)
}

/// The session of an opened request with these parts. What it asks is not given beyond its group, and does not matter.
fn session(given: Fields<'_>, profile: &Profile) -> Result<Session, Reason> {
    let group: u8 = given.number("group")?;
    let entry = registry::all().iter().find(|entry| entry.command.group == group);
    let command = entry.ok_or_else(|| Reason::new(format_args!("group {group} has no commands")))?.command;
    let rules = Rules { raida_id: given.number("raida")?, ..profile.rules };
    let recipient = Recipient { raida_id: rules.raida_id, coin_id: rules.coin_id, shard: 0 };
    let secrets = Secrets::read(given, profile)?;
    let mut octets = [0; raida_wire::LONG + 34];
    let request = Request::new(recipient, command, secrets.sender());
    let (length, _) = request.build(&mut octets, &[]).map_err(Reason::new)?;
    let head = Head::judge(&octets, &rules).ok().flatten().ok_or_else(|| Reason::new("the request is not accepted"))?;
    let body = octets.get_mut(head.header_len()..length).ok_or_else(|| Reason::new("the request has no body"))?;
    let opened = open(&head, body, &secrets.key());
    opened.map(|(_, session)| session).map_err(|refusal| Reason::new(format_args!("the request: {}", refusal.status())))
}

/// What the sender of the request knew.
enum Secrets {
    None { echo: [u8; 2], challenge: Challenge },
    Coin { coin: CoinId, number: AuthenticityNumber, nonce: [u8; 8], challenge: Challenge },
    Locker { keys: [AuthenticityNumber; 1], nonce: [u8; 8], challenge: Challenge },
    Coin256 { coin: CoinId, number: AuthenticityNumber, nonce: [u8; 24] },
    TwoCoins { coins: [CoinId; 2], numbers: [AuthenticityNumber; 2], nonce: [u8; 19] },
}

impl Secrets {
    fn read(given: Fields<'_>, profile: &Profile) -> Result<Self, Reason> {
        let challenge = || {
            Challenge::parse(given.array("challenge")?).ok_or_else(|| Reason::new("given.challenge is not a challenge"))
        };
        Ok(match encryption(given)? {
            Encryption::None => {
                let [.., a, b] = given.array::<8>("request_nonce")?;
                Self::None { echo: [a, b], challenge: challenge()? }
            }
            Encryption::Coin => {
                // The name of the key coin is not part of a short response: any coin will do.
                let coin = CoinId::new(0, 0).ok_or_else(|| Reason::new("coin 0:0 does not exist"))?;
                let (number, nonce) = (given.array("key")?.into(), given.array("request_nonce")?);
                Self::Coin { coin, number, nonce, challenge: challenge()? }
            }
            Encryption::Locker => {
                let (keys, nonce) = ([given.array("key")?.into()], given.array("request_nonce")?);
                Self::Locker { keys, nonce, challenge: challenge()? }
            }
            Encryption::Coin256 => {
                let coin = coin_id(given, "key_den", "key_sn")?;
                Self::Coin256 { coin, number: profile.coin(coin)?.clone(), nonce: given.array("request_nonce")? }
            }
            Encryption::TwoCoins => {
                let coins = [coin_id(given, "key_den", "key_sn")?, coin_id(given, "key2_den", "key2_sn")?];
                let [first, second] = coins;
                let numbers = [profile.coin(first)?.clone(), profile.coin(second)?.clone()];
                let [_, _, _, _, _, nonce @ ..] = given.array::<24>("request_nonce")?;
                Self::TwoCoins { coins, numbers, nonce }
            }
        })
    }

    fn sender(&self) -> Sender<'_> {
        match self {
            Self::None { echo, challenge } => Sender::Nobody { echo: *echo, challenge: *challenge },
            Self::Coin { coin, number, nonce, challenge } => {
                Sender::Coin { coin: *coin, number, nonce: *nonce, challenge: *challenge }
            }
            Self::Locker { keys: [key], nonce, challenge } => {
                Sender::Locker { key, nonce: *nonce, challenge: *challenge }
            }
            Self::Coin256 { coin, number, nonce } => Sender::Coin256 { coin: *coin, number, nonce: *nonce },
            Self::TwoCoins { coins: [first, second], numbers: [first_number, second_number], nonce } => {
                Sender::TwoCoins { first: (*first, first_number), second: (*second, second_number), nonce: *nonce }
            }
        }
    }

    fn key(&self) -> raida_wire::Key<'_> {
        match self {
            Self::None { .. } => raida_wire::Key::None,
            Self::Coin { number, .. } | Self::Coin256 { number, .. } => raida_wire::Key::Coin(number),
            Self::Locker { keys, .. } => raida_wire::Key::Lockers(keys),
            Self::TwoCoins { numbers: [first, second], .. } => raida_wire::Key::TwoCoins(first, second),
        }
    }
}

fn encryption(given: Fields<'_>) -> Result<Encryption, Reason> {
    let code = given.number("enc_type")?;
    Encryption::from_code(code).ok_or_else(|| Reason::new(format_args!("encryption type {code} does not exist")))
}
