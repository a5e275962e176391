//! No key and no number in a log line, at any level, nor in `Debug` output.

use std::io;
use std::sync::{Arc, Mutex};

use raida_node::testing::{ADMIN_KEY, Coins, ask, node_of, settings, surroundings};
use raida_reactor::service::Transport;
use raida_wire::{AuthenticityNumber, Challenge, CoinId, Recipient, Request, Sender, registry};
use tracing_subscriber::fmt::MakeWriter;

const NUMBER: [u8; 16] = [0xA7; 16];
const WRONG: [u8; 16] = [0xB9; 16];
const LOCKER: [u8; 16] = [0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 255, 255, 255, 255];

/// Keeps every line that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::ErrorKind::Other)?.extend(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every way in which this many octets of a secret could be printed.
fn spellings(secret: &[u8; 16]) -> Vec<String> {
    let part = &secret[..3];
    let digits = |format: fn(&u8) -> String| part.iter().map(format).collect::<Vec<_>>();
    vec![
        digits(|octet| format!("{octet:02x}")).concat(),
        digits(|octet| format!("{octet:02X}")).concat(),
        digits(u8::to_string).join(", "),
        digits(|octet| format!("{octet:02x}")).join(" "),
    ]
}

fn assert_silent_about_secrets(text: &str) {
    for secret in [&NUMBER, &WRONG, &LOCKER, &ADMIN_KEY] {
        for spelling in spellings(secret) {
            assert!(!text.contains(&spelling), "{spelling} in {text}");
        }
    }
}

#[test]
fn defect_14_no_log_line_shows_a_secret_and_every_refusal_is_logged() {
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(lines.clone()).with_max_level(tracing::Level::TRACE).finish();
    let coin = CoinId::new(0, 5).expect("in range");
    let node = node_of(14, &Coins::new().with_coin(coin, NUMBER.into()).with_locker(LOCKER));
    let (number, wrong, locker) = (NUMBER.into(), WRONG.into(), AuthenticityNumber::new(LOCKER));
    let challenge = Challenge::new([1; 12]);
    let senders = [
        Sender::Nobody { echo: [1, 2], challenge },
        Sender::Coin { coin, number: &number, nonce: [0; 8], challenge },
        Sender::Coin { coin, number: &wrong, nonce: [0; 8], challenge },
        Sender::Locker { key: &locker, nonce: [0; 8], challenge },
        Sender::Coin256 { coin, number: &number, nonce: [0; 24] },
        Sender::Coin256 { coin, number: &wrong, nonce: [0; 24] },
        Sender::TwoCoins { first: (coin, &number), second: (coin, &wrong), nonce: [0; 19] },
    ];
    let name = coin.raw().0;
    let payloads = [
        ADMIN_KEY.to_vec(),
        WRONG.to_vec(),
        LOCKER.to_vec(),
        [&name[..], &NUMBER].concat(),
        [&name[..], &NUMBER, &NUMBER].concat(),
        [&name[..], &WRONG, &LOCKER].concat(),
        [&LOCKER[..], &name, &LOCKER].concat(),
    ];
    tracing::subscriber::with_default(subscriber, || {
        for sender in senders {
            for (entry, payload) in registry::all().iter().flat_map(|entry| payloads.iter().map(move |p| (entry, p))) {
                let recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };
                let request = Request::new(recipient, entry.command, sender);
                let mut octets = vec![0; request.built_len(payload.len())];
                request.build(&mut octets, payload).expect("it fits");
                ask(&node, &octets, Transport::Tcp).expect("an answer");
            }
        }
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).expect("text");
    for status in ["37 INVALID_CRC", "204 INVALID_HMAC", "38 ADMIN_AUTH", "16 INVALID_PACKET_LENGTH"] {
        assert!(text.contains(status), "{status} is not in {text}");
    }
    assert!(text.contains("127.0.0.1:40000"), "who asked is not in {text}");
    assert_silent_about_secrets(&text);
}

#[test]
fn debug_shows_no_secret() {
    let coin = CoinId::new(0, 5).expect("in range");
    let coins = Coins::new().with_coin(coin, NUMBER.into()).with_locker(LOCKER);
    let shown = format!("{coins:?} {:?} {:?} {:?}", settings(1), surroundings(&coins), node_of(1, &coins));
    assert_silent_about_secrets(&shown);
}
