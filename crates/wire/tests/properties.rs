//! What holds for every request and every answer.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic, also in its shared parts")]

use proptest::prelude::*;
use proptest::sample::Index;
use raida_wire::header::{Header, View};
use raida_wire::response::{self, Form};
use raida_wire::testing::{exchange, exchange_of, header, read_everything, received, response_header};
use raida_wire::{
    AuthenticityNumber, Datagram, DropReason, Encryption, HEADROOM, Head, Key, LONG, SHORT, Session, Status, TAILROOM,
    header_len, judge_datagram, open, vote,
};

const SHORT_TYPES: &[Encryption] = &[Encryption::None, Encryption::Coin, Encryption::Locker];
const LONG_TYPES: &[Encryption] = &[Encryption::Coin256, Encryption::TwoCoins];
const ENCRYPTED: &[Encryption] = &[Encryption::Coin, Encryption::Locker, Encryption::Coin256, Encryption::TwoCoins];

/// Judges, opens and copies the payload out.
fn served(
    octets: &mut [u8],
    exchange: &raida_wire::testing::Exchange,
    key: &Key<'_>,
) -> Result<(Vec<u8>, Session), Status> {
    let head = Head::judge(octets, &exchange.rules()).map_err(|refusal| refusal.status())?.expect("a whole header");
    let body = &mut octets[head.header_len()..];
    head.check_length(&exchange.rules()).map_err(|refusal| refusal.status())?;
    open(&head, body, key).map(|(payload, session)| (payload.to_vec(), session)).map_err(|refusal| refusal.status())
}

fn flip(octets: &mut [u8], bit: usize) {
    octets[bit / 8] ^= 1 << (bit % 8);
}

proptest! {
    #[test]
    fn request_header_parses_to_what_was_emitted((header, rules) in header(), behind in any::<[u8; 3]>()) {
        let mut octets = [0; LONG];
        let length = header.emit(&mut octets);
        let stream = [&octets[..length], &behind].concat();
        let (view, rest) = View::split(&stream).expect("a whole header");
        prop_assert_eq!(header_len(&stream), Some(length));
        prop_assert_eq!(rest, behind);
        prop_assert_eq!(Header::parse(&view, &rules), Ok(header));
    }

    #[test]
    fn response_header_parses_to_what_was_emitted(header in response_header()) {
        let mut octets = [0; LONG];
        let length = header.emit(&mut octets);
        let parsed = match header.form {
            Form::Short { .. } => response::Header::parse_short(octets.first_chunk().expect("32 octets")),
            Form::Long { .. } => response::Header::parse_long(&octets),
        };
        prop_assert_eq!(length, if matches!(header.form, Form::Short { .. }) { SHORT } else { LONG });
        prop_assert_eq!(parsed, header);
    }

    #[test]
    fn no_octets_panic((octets, rules) in received()) {
        read_everything(&octets, &rules);
    }

    #[test]
    fn sealed_request_opens_to_the_same_payload(exchange in exchange(300)) {
        let (mut octets, _) = exchange.build().expect("short enough");
        let (payload, session) = served(&mut octets, &exchange, &exchange.key()).expect("accepted");
        prop_assert_eq!(payload, exchange.payload);
        prop_assert_eq!(session.head().encryption(), exchange.encryption);
        prop_assert_eq!(session.is_authenticated(), exchange.encryption != Encryption::None);
    }

    #[test]
    fn payload_of_an_encrypted_request_does_not_travel_in_clear(exchange in exchange_of(ENCRYPTED, 16..=300)) {
        let (octets, _) = exchange.build().expect("short enough");
        prop_assert!(!octets.windows(16).any(|window| window == &exchange.payload[..16]));
    }

    #[test]
    fn any_flipped_bit_of_ciphertext_or_hmac_is_204(
        exchange in exchange_of(LONG_TYPES, 0..=60),
        bit in any::<Index>(),
    ) {
        let (mut octets, _) = exchange.build().expect("short enough");
        let protected = octets.len() - LONG - 2;
        flip(&mut octets[LONG..], bit.index(protected * 8));
        prop_assert_eq!(served(&mut octets, &exchange, &exchange.key()).err(), Some(Status::INVALID_HMAC));
    }

    #[test]
    fn any_flipped_bit_of_the_challenge_is_37(exchange in exchange_of(SHORT_TYPES, 0..=60), bit in 0..128_usize) {
        let (mut octets, _) = exchange.build().expect("short enough");
        flip(&mut octets[SHORT..], bit);
        prop_assert_eq!(served(&mut octets, &exchange, &exchange.key()).err(), Some(Status::INVALID_CRC));
    }

    #[test]
    fn refused_body_is_left_as_it_came(exchange in exchange_of(ENCRYPTED, 0..=60), other in any::<[[u8; 16]; 2]>()) {
        let (mut octets, _) = exchange.build().expect("short enough");
        let before = octets.clone();
        let wrong = raida_wire::testing::Exchange { numbers: other.map(AuthenticityNumber::new), ..exchange.clone() };
        let status = served(&mut octets, &exchange, &wrong.key()).err();
        let expected = if exchange.encryption.is_long() { Status::INVALID_HMAC } else { Status::INVALID_CRC };
        prop_assert_eq!(status, Some(expected));
        prop_assert_eq!(octets, before);
    }

    #[test]
    fn answer_reads_as_it_was_sealed(
        exchange in exchange(60),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        (elapsed_us, random) in any::<(u32, [u8; 24])>(),
        spare in 0..5_usize,
    ) {
        let (mut octets, pending) = exchange.build().expect("short enough");
        let (_, session) = served(&mut octets, &exchange, &exchange.key()).expect("accepted");
        let mut buffer = [&[0xEE; HEADROOM][..], &payload, &vec![0xEE; TAILROOM + spare]].concat();
        let raida_id = exchange.recipient.raida_id;
        let lies_at = session.seal(&mut buffer, payload.len(), Status::MIXED, raida_id, elapsed_us, &random);
        prop_assert_eq!(lies_at.len(), session.sealed_len(payload.len()));
        let answer = &mut buffer[lies_at];
        prop_assert_eq!(pending.response_len(answer), answer.len());

        let response = pending.read(answer).expect("it is the answer");
        prop_assert_eq!((response.status, response.group), (Status::MIXED, exchange.command.group));
        prop_assert_eq!(response.elapsed_us, elapsed_us);
        prop_assert_eq!(&*response.payload, payload.as_slice());
        prop_assert_eq!(response.is_verified, !(exchange.encryption.is_long() && payload.is_empty()));
    }

    #[test]
    fn cut_answer_is_never_read(exchange in exchange(0), length in 0..200_usize, cut in any::<Index>()) {
        let (mut octets, pending) = exchange.build().expect("short enough");
        let (_, session) = served(&mut octets, &exchange, &exchange.key()).expect("accepted");
        let mut buffer = vec![0; HEADROOM + length + TAILROOM];
        let lies_at = session.seal(&mut buffer, length, Status::SUCCESS, exchange.recipient.raida_id, 0, &[9; 24]);
        let answer = &mut buffer[lies_at];
        let kept = cut.index(answer.len());
        prop_assert!(pending.response_len(&answer[..kept]) > kept);
        prop_assert_eq!(pending.read(&mut answer[..kept]).map_err(|error| error.reason()), Err("truncated"));
    }

    #[test]
    fn changed_answer_to_a_long_request_is_never_read(
        exchange in exchange_of(LONG_TYPES, 0..=0),
        payload in any::<[u8; 40]>(),
        bit in any::<Index>(),
    ) {
        let (mut octets, pending) = exchange.build().expect("short enough");
        let (_, session) = served(&mut octets, &exchange, &exchange.key()).expect("accepted");
        let mut buffer = [&[0; HEADROOM][..], &payload, &[0; TAILROOM]].concat();
        let raida_id = exchange.recipient.raida_id;
        let lies_at = session.seal(&mut buffer, payload.len(), Status::SUCCESS, raida_id, 0, &[9; 24]);
        let answer = &mut buffer[lies_at];
        flip(&mut answer[LONG..], bit.index((payload.len() + TAILROOM) * 8));
        let reason = pending.read(answer).map_err(|error| error.reason());
        prop_assert!(matches!(reason, Err("hmac" | "terminator")), "{reason:?}");
    }

    #[test]
    fn judgement_of_a_prefix_stands((octets, rules) in received()) {
        let whole = Head::judge(&octets, &rules);
        for length in 0..=octets.len() {
            let judged = Head::judge(&octets[..length], &rules);
            prop_assert!(judged == Ok(None) || judged == whole);
            prop_assert_eq!(judged == Ok(None), header_len(&octets[..length]).is_none_or(|needed| length < needed));
        }
    }

    #[test]
    fn first_failing_check_decides((header, rules) in header(), wrong in any::<[bool; 8]>()) {
        let mut octets = [0; LONG];
        header.emit(&mut octets);
        // In the order of the protocol: octet, what breaks it, what the client is told.
        let broken = [
            (0, 2, Status::INVALID_ROUTING),
            (1, 1, Status::INVALID_SPLIT_ID),
            (2, header.raida_id ^ 1, Status::INVALID_RAIDA_ID),
            (4, 16, Status::INVALID_COMMAND_GROUP),
            (3, 4, Status::INVALID_SHARD_ID),
            (5, 255, Status::INVALID_COMMAND),
            (6, octets[6] ^ 1, Status::INVALID_COIN_ID),
            (16, 3, Status::INVALID_ENCRYPTION_CODE),
        ];
        let applied = broken.into_iter().zip(wrong).filter(|(_, wrong)| *wrong);
        let applied: Vec<_> = applied.map(|(broken, _)| broken).collect();
        for (place, value, _) in &applied {
            octets[*place] = *value;
        }
        let expected = applied.first().map(|(_, _, status)| *status);
        let judged = Head::judge(&octets, &rules);
        prop_assert_eq!(judged.map_err(|refusal| refusal.status()).err(), expected);

        if let Err(refusal) = judged {
            let mut answer = [0; LONG];
            let length = refusal.write(&mut answer, rules.raida_id, 5, &[0xCC; 24]);
            let is_code = refusal.status() == Status::INVALID_ENCRYPTION_CODE;
            prop_assert_eq!(length, if is_code { LONG } else { SHORT });
            let is_accepted = is_code || refusal.status() == Status::INVALID_COIN_ID;
            prop_assert_eq!(answer[3], if is_accepted { octets[4] } else { 0 }, "group");
            prop_assert_eq!(&answer[9..12], &[0; 3][..], "body size");
            if is_code {
                prop_assert_eq!((answer[16], &answer[17..22], &answer[46..]), (3, &[0; 5][..], &[0; 2][..]));
            } else {
                prop_assert_eq!(&answer[16..], &[0; 32][..], "signature");
                prop_assert_eq!(&answer[6..8], &[0; 2][..], "echo");
            }
        }
    }

    #[test]
    fn late_refusal_has_the_header_of_its_type((header, rules) in header(), status in 8..=254_u8) {
        let mut octets = [0; LONG];
        header.emit(&mut octets);
        let head = Head::judge(&octets, &rules).expect("accepted").expect("whole");
        let mut answer = [0; LONG];
        let length = head.refuse(Status(status)).write(&mut answer, rules.raida_id, 77, &[0xCC; 24]);
        prop_assert_eq!(length, header.len());
        prop_assert_eq!(&answer[..4], &[rules.raida_id, 0, status, header.command.group]);
        if length == SHORT {
            prop_assert_eq!(&answer[6..8], &head.echo());
            prop_assert_eq!(&answer[16..], &[0; 32], "a refusal has no signature");
        } else {
            prop_assert_eq!(&answer[16..22], &[&[header.encryption().code()], &octets[19..24]].concat());
            prop_assert_eq!(&answer[46..], &head.echo());
        }
    }

    #[test]
    fn datagram_and_stream_agree_on_a_whole_header((octets, rules) in received()) {
        match (judge_datagram(&octets, &rules), Head::judge(&octets, &rules)) {
            (Datagram::Request(head), judged) => prop_assert_eq!(judged, Ok(Some(head))),
            (Datagram::Refuse(refusal), judged) => prop_assert_eq!(judged, Err(refusal)),
            (Datagram::Drop(DropReason::TooShort), judged) => prop_assert_eq!(judged, Ok(None)),
            (Datagram::Drop(DropReason::Astray), judged) => prop_assert!(octets.len() == SHORT && judged.is_err()),
            (Datagram::Vote(_), _) => prop_assert!(octets.len() == vote::REQUEST_LEN && octets[0] == 7),
        }
    }

    #[test]
    fn vote_is_for_exactly_the_same_roots(seed in any::<[u8; 16]>(), bit in 0..vote::ROOTS_LEN * 8) {
        let roots: [u8; vote::ROOTS_LEN] = core::array::from_fn(|i| seed[i % 16] ^ seed[i / 32]);
        let mut question = [0; vote::REQUEST_LEN];
        vote::ask(&roots, &seed, &mut question);
        let request = vote::Request::parse(&question).expect("a vote packet");
        prop_assert_eq!(vote::read(&vote::answer(&request, &roots), &seed), Ok(true));
        let mut others = roots;
        flip(&mut others, bit);
        prop_assert_eq!(vote::read(&vote::answer(&request, &others), &seed), Ok(false));
    }
}
