//! Envelopes at their edges: lockers, keys of the wrong kind, bodies that are missing, buffers without room.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic, also in its shared parts"
)]

use raida_wire::{
    AuthenticityNumber, Challenge, CoinId, Command, Encryption, HEADROOM, Head, Key, LONG, Recipient, Request, Rules,
    SHORT, Sender, Session, Status, TAILROOM, open,
};

const RULES: Rules = Rules { raida_id: 14, coin_id: 6, body_max: u16::MAX };
const RECIPIENT: Recipient = Recipient { raida_id: 14, coin_id: 6, shard: 0 };

fn challenge() -> Challenge {
    Challenge::new([3; 12])
}

fn build(sender: Sender<'_>, command: Command, payload: &[u8]) -> Vec<u8> {
    let request = Request::new(RECIPIENT, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    request.build(&mut octets, payload).unwrap();
    octets
}

fn serve(octets: &mut [u8], key: &Key<'_>) -> Result<Session, Status> {
    let head = Head::judge(octets, &RULES).map_err(|refusal| refusal.status())?.expect("a whole header");
    let opened = open(&head, &mut octets[head.header_len()..], key);
    opened.map(|(_, session)| session).map_err(|refusal| refusal.status())
}

fn senders() -> [Sender<'static>; 5] {
    const NUMBER: &AuthenticityNumber = &AuthenticityNumber::new([8; 16]);
    let (coin, challenge) = (CoinId::new(1, 5).unwrap(), challenge());
    [
        Sender::Nobody { echo: [1, 2], challenge },
        Sender::Coin { coin, number: NUMBER, nonce: [4; 8], challenge },
        Sender::Locker { key: NUMBER, nonce: [4; 8], challenge },
        Sender::Coin256 { coin, number: NUMBER, nonce: [4; 24] },
        Sender::TwoCoins { first: (coin, NUMBER), second: (coin, NUMBER), nonce: [4; 19] },
    ]
}

#[test]
fn sixteenth_locker_is_tried_and_the_seventeenth_is_not() {
    let key = AuthenticityNumber::new([0xAB; 16]);
    let decoys = (0..16).map(|i| AuthenticityNumber::new([i; 16]));
    let mut lockers: Vec<_> = decoys.collect();
    let sender = Sender::Locker { key: &key, nonce: [1; 8], challenge: challenge() };
    let octets = build(sender, Command::PEEK, &[7; 16]);

    lockers[15] = key.clone();
    assert!(serve(&mut octets.clone(), &Key::Lockers(&lockers)).is_ok());
    lockers.insert(0, AuthenticityNumber::new([0x99; 16]));
    assert_eq!(serve(&mut octets.clone(), &Key::Lockers(&lockers)).err(), Some(Status::INVALID_CRC));
    assert_eq!(serve(&mut octets.clone(), &Key::Lockers(&[])).err(), Some(Status::INVALID_ENCRYPTION));
}

#[test]
fn key_of_another_kind_is_an_unknown_key() {
    let number = AuthenticityNumber::new([8; 16]);
    let keys =
        [Key::None, Key::Coin(&number), Key::Lockers(std::slice::from_ref(&number)), Key::TwoCoins(&number, &number)];
    for (kind, sender) in senders().into_iter().enumerate().skip(1) {
        let octets = build(sender, Command::ECHO, &[]);
        let fitting = [0, 1, 2, 1, 3][kind];
        for (place, key) in keys.iter().enumerate() {
            let expected = match (place == fitting, octets[16] >= 4) {
                (true, _) => None,
                (false, true) => Some(Status::ENCRYPTION_COIN_NOT_FOUND),
                (false, false) => Some(Status::INVALID_ENCRYPTION),
            };
            assert_eq!(serve(&mut octets.clone(), key).err(), expected, "{sender:?} opened with {key:?}");
        }
    }
}

#[test]
fn only_three_commands_may_come_bodyless_and_only_in_clear() {
    for entry in raida_wire::registry::all() {
        for sender in senders() {
            let mut octets = [0; LONG];
            let (length, _) = Request::new(RECIPIENT, entry.command, sender).build_bodyless(&mut octets);
            let head = Head::judge(&octets, &RULES).unwrap().unwrap();
            let is_allowed = head.encryption() == Encryption::None
                && [Command::ECHO, Command::VERSION, Command::AUDIT].contains(&entry.command);
            let expected = (!is_allowed).then_some(Status::EMPTY_REQUEST);
            assert_eq!(head.check_length(&RULES).map_err(|refusal| refusal.status()).err(), expected);
            assert_eq!(serve(&mut octets[..length], &Key::None).map(|_| ()).err(), expected);
        }
    }
}

#[test]
fn answer_to_a_bodyless_request_has_a_zero_signature_and_is_read() {
    let mut octets = [0; LONG];
    let (length, pending) = Request::new(RECIPIENT, Command::VERSION, senders()[0]).build_bodyless(&mut octets);
    let session = serve(&mut octets[..length], &Key::None).unwrap();
    assert!(!session.is_authenticated());
    let mut buffer = [0x41; HEADROOM + 8 + TAILROOM];
    let lies_at = session.seal(&mut buffer, 8, Status::SUCCESS, 14, 0, &[0; 24]);
    let answer = &mut buffer[lies_at];
    assert_eq!(answer[16..32], [0; 16]);
    let response = pending.read(answer).unwrap();
    assert_eq!((&*response.payload, response.is_verified), (&b"AAAAAAAA"[..], false));
}

#[test]
fn body_above_the_nodes_limit_is_16_and_at_the_limit_is_fine() {
    let octets = build(senders()[0], Command::ECHO, &[0; 82]);
    let head = Head::judge(&octets, &RULES).unwrap().unwrap();
    assert_eq!(head.body_len(), 100);
    assert_eq!(head.check_length(&Rules { body_max: 100, ..RULES }), Ok(()));
    let refusal = head.check_length(&Rules { body_max: 99, ..RULES }).unwrap_err();
    assert_eq!(refusal.status(), Status::INVALID_PACKET_LENGTH);
}

#[test]
fn body_of_another_length_than_announced_is_16() {
    for sender in senders() {
        let octets = build(sender, Command::ECHO, &[0; 5]);
        let head = Head::judge(&octets, &RULES).unwrap().unwrap();
        let mut longer = [&octets[head.header_len()..], &[0]].concat();
        let length = longer.len();
        for body in [&mut longer[..], &mut octets.clone()[head.header_len()..length + head.header_len() - 2]] {
            assert_eq!(open(&head, body, &Key::None).map(|_| ()).unwrap_err().status(), Status::INVALID_PACKET_LENGTH);
        }
    }
}

#[test]
fn answer_without_room_becomes_252_and_never_a_panic() {
    for sender in senders() {
        let mut octets = build(sender, Command::ECHO, &[]);
        let number = AuthenticityNumber::new([8; 16]);
        let head = Head::judge(&octets, &RULES).unwrap().unwrap();
        let key = match head.encryption() {
            Encryption::None => Key::None,
            Encryption::Coin | Encryption::Coin256 => Key::Coin(&number),
            Encryption::Locker => Key::Lockers(std::slice::from_ref(&number)),
            Encryption::TwoCoins => Key::TwoCoins(&number, &number),
        };
        let session = serve(&mut octets, &key).unwrap();
        for length in 0..HEADROOM + 9 {
            let mut buffer = vec![0; length];
            let lies_at = session.seal(&mut buffer, 10, Status::SUCCESS, 14, 0, &[0; 24]);
            if length < HEADROOM {
                assert!(lies_at.is_empty());
            } else {
                let answer = &buffer[lies_at];
                assert_eq!((answer.len(), answer[2]), (head.header_len(), Status::INTERNAL.0));
            }
        }
        let huge = session.seal(&mut [0; HEADROOM], usize::MAX, Status::SUCCESS, 14, 0, &[0; 24]);
        assert_eq!(huge.len(), head.header_len());
    }
}

#[test]
fn largest_payload_builds_and_one_octet_more_does_not() {
    for sender in senders() {
        let request = Request::new(RECIPIENT, Command::ECHO, sender);
        let largest =
            usize::from(u16::MAX) - (request.built_len(0) - if request.built_len(0) == 50 { SHORT } else { LONG });
        let mut octets = vec![0; 70_000];
        let (length, _) = request.build(&mut octets, &vec![1; largest]).unwrap();
        assert_eq!(Head::judge(&octets, &RULES).unwrap().unwrap().request_len(), length);
        assert!(request.build(&mut octets, &vec![1; largest + 1]).is_err());
        assert!(request.build(&mut octets[..length - 1], &vec![1; largest]).is_err());
    }
}

#[test]
fn counter_carries_through_all_128_bits() {
    let key = raida_wire::CipherKey::Aes256([6; 32]);
    let (mut over_the_top, mut from_zero) = ([0; 32], [0; 16]);
    key.apply(&[0xFF; 16], &mut over_the_top);
    key.apply(&[0; 16], &mut from_zero);
    assert_eq!(over_the_top[16..], from_zero);
}

#[test]
fn nothing_that_prints_shows_a_secret() {
    let number = AuthenticityNumber::new([0xC7; 16]);
    let sender = Sender::Locker { key: &number, nonce: [0; 8], challenge: challenge() };
    let request = Request::new(RECIPIENT, Command::PEEK, sender);
    let mut octets = [0; 128];
    let (length, pending) = request.build(&mut octets, &[]).unwrap();
    let lockers = [number.clone()];
    let session = serve(&mut octets[..length], &Key::Lockers(&lockers)).unwrap();
    let shown =
        format!("{sender:?} {request:?} {pending:?} {session:?} {:?} {:?}", session.key(), Key::Lockers(&lockers));
    // The first five octets of a locker key are its name: they travel in clear. Six in a row would be the secret.
    assert!(!shown.contains("199, 199, 199, 199, 199, 199"), "{shown}");
    assert!(!shown.to_lowercase().contains("c7c7c7c7c7c7"), "{shown}");
    assert!(!shown.contains("3, 3, 3, 3"), "the challenge: {shown}");
}

#[test]
fn an_opened_body_can_be_put_back_as_it_came() {
    for sender in senders() {
        for payload in [&b""[..], &[0x5A; 77]] {
            let came = build(sender, Command::DETECT, payload);
            let mut octets = came.clone();
            let key = AuthenticityNumber::new([8; 16]);
            let lockers = [key.clone()];
            let key = match sender {
                Sender::Nobody { .. } => Key::None,
                Sender::Coin { .. } | Sender::Coin256 { .. } => Key::Coin(&key),
                Sender::Locker { .. } => Key::Lockers(&lockers),
                Sender::TwoCoins { .. } => Key::TwoCoins(&key, &key),
            };
            let session = serve(&mut octets, &key).unwrap();
            let is_clear = matches!(sender, Sender::Nobody { .. });
            assert!(is_clear || payload.is_empty() || octets != came);
            session.close(&mut octets[session.head().header_len()..]);
            assert_eq!(octets, came);
        }
    }
}
