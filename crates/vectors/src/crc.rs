//! Kind `crc`: the checksum, alone and within a challenge.

use raida_wire::crc::crc32;
use raida_wire::{Challenge, Command, Head, Key, Recipient, Request, Rules, Sender, Status, open};

use crate::case::{Case, Reason, same, same_octets};

pub(crate) fn check(case: &Case<'_>) -> Result<(), Reason> {
    let data = case.given.hex("data")?;
    if !case.expect.has("challenge_valid") {
        let crc = crc32(&data).to_be_bytes();
        same_octets("CRC", &crc, &case.bytes)?;
        return same_octets("CRC", &crc, &case.expect.array::<4>("crc32_be")?);
    }
    let octets: [u8; 16] = case.bytes.as_slice().try_into().map_err(|_| Reason::new("a challenge has 16 octets"))?;
    if case.expect.flag("challenge_valid")? {
        let data = case.given.array("data")?;
        same_octets("challenge", Challenge::new(data).octets(), &octets)?;
        same("parsed challenge", Challenge::parse(octets), Some(Challenge::new(data)))
    } else {
        same("parsed challenge", Challenge::parse(octets), None)?;
        same("status", status_of(octets)?, Status(case.expect.number("status")?))
    }
}

/// What a node says to an Echo with this challenge.
fn status_of(challenge: [u8; 16]) -> Result<Status, Reason> {
    let recipient = Recipient { raida_id: 0, coin_id: 6, shard: 0 };
    let sender = Sender::Nobody { echo: [0; 2], challenge: Challenge::new([0; 12]) };
    let mut octets = [0; 50];
    Request::new(recipient, Command::ECHO, sender).build(&mut octets, &[]).map_err(Reason::new)?;
    octets[32..48].copy_from_slice(&challenge);
    let (header, body) = octets.split_at_mut(32);
    let rules = Rules { raida_id: 0, coin_id: 6, body_max: u16::MAX };
    match Head::judge(header, &rules) {
        Ok(Some(head)) => {
            Ok(open(&head, body, &Key::None).map_or_else(|refusal| refusal.status(), |_| Status::SUCCESS))
        }
        Ok(None) | Err(_) => Err(Reason::new("header of a plain Echo is not accepted")),
    }
}
