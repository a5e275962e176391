//! An Echo from both ends, octet by octet: the client builds it, the node opens it and answers, the client reads.
//!
//! The octets are those of appendix A of the protocol.

#![expect(clippy::indexing_slicing, reason = "every range comes from the call that filled it")]

use std::error::Error;

use raida_wire::{Challenge, Command, HEADROOM, Head, Key, Recipient, Request, Rules, Sender, Status, TAILROOM, open};

fn main() -> Result<(), Box<dyn Error>> {
    let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
    let challenge = Challenge::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let request = Request::new(recipient, Command::ECHO, Sender::Nobody { echo: [0xAA, 0xBB], challenge });
    let mut octets = [0; 128];
    let (length, pending) = request.build(&mut octets, b"")?;
    print("request", &octets[..length]);

    let rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };
    let head = Head::judge(&octets[..length], &rules).map_err(|refusal| refusal.status().to_string())?;
    let head = head.ok_or("the header is not complete")?;
    println!("  {} by {:?}, body of {} octets", head.command(), head.encryption(), head.body_len());
    head.check_length(&rules).map_err(|refusal| refusal.status().to_string())?;
    let body = &mut octets[head.header_len()..head.request_len()];
    let (payload, session) = open(&head, body, &Key::None).map_err(|refusal| refusal.status().to_string())?;
    println!("  opened, payload of {} octets", payload.len());

    let mut buffer = [0; HEADROOM + TAILROOM];
    let lies_at = session.seal(&mut buffer, 0, Status::SUCCESS, rules.raida_id, 23, &[0; 24]);
    print("response", &buffer[lies_at.clone()]);

    let response = pending.read(&mut buffer[lies_at])?;
    println!("  {} after {} us, verified: {}", response.status, response.elapsed_us, response.is_verified);
    Ok(())
}

fn print(what: &str, octets: &[u8]) {
    println!("{what}, {} octets:", octets.len());
    for line in octets.chunks(16) {
        let pairs: Vec<String> = line.iter().map(|octet| format!("{octet:02X}")).collect();
        println!("    {}", pairs.join(" "));
    }
}
