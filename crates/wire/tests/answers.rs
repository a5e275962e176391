//! What a client takes for an answer, and what not.

#![expect(clippy::indexing_slicing, reason = "a test may panic, also in its shared parts")]

use raida_wire::response::{Form, Header};
use raida_wire::{LONG, Pending, RawCoinId, SHORT, Status};

const KEY: [u8; 16] = [0x11; 16];
const CHALLENGE: [u8; 16] = [0x22; 16];
const NONCE: [u8; 24] = [0x33; 24];

fn short() -> Pending {
    Pending::short(14, Some(&KEY), &[0x33; 8], CHALLENGE)
}

fn long() -> Pending {
    Pending::long(14, &[0x11; 32], &NONCE)
}

fn header(status: Status, form: Form) -> Header {
    Header { raida_id: 14, status, group: 1, elapsed_us: 9, body_size: 0, form }
}

fn emit(header: Header) -> Vec<u8> {
    let mut octets = [0; LONG];
    let length = header.emit(&mut octets);
    octets[..length].to_vec()
}

fn reason(pending: &Pending, octets: &[u8]) -> Result<Status, &'static str> {
    pending.read(&mut octets.to_vec()).map(|response| response.status).map_err(|error| error.reason())
}

#[test]
fn short_header_answers_a_long_request_for_the_seven_early_errors_only() {
    for code in 0..=u8::MAX {
        let octets = emit(header(Status(code), Form::Short { echo: [0; 2], signature: [0; 16] }));
        let is_early = [255, 2, 3, 4, 5, 6, 7].contains(&code);
        let expected = if is_early { Ok(Status(code)) } else { Err("truncated") };
        assert_eq!(reason(&long(), &octets), expected);
        assert_eq!(long().response_len(&octets), if is_early { SHORT } else { LONG });
    }
}

#[test]
fn early_error_may_lack_the_echo_and_a_late_one_may_not() {
    for (status, expected) in [
        (Status::INVALID_RAIDA_ID, Ok(Status::INVALID_RAIDA_ID)),
        (Status::INVALID_CRC, Err("echo")),
        (Status::SUCCESS, Err("echo")),
    ] {
        let octets = emit(header(status, Form::Short { echo: [0; 2], signature: [0; 16] }));
        assert_eq!(reason(&short(), &octets), expected);
    }
}

#[test]
fn rejected_encryption_type_is_read_without_echo() {
    let mut nonce = [0x77; 24];
    nonce[22..].fill(0);
    let form = Form::Long { encryption_code: 4, key: RawCoinId::default(), nonce };
    assert_eq!(
        reason(&long(), &emit(header(Status::INVALID_ENCRYPTION_CODE, form))),
        Ok(Status::INVALID_ENCRYPTION_CODE)
    );
    assert_eq!(reason(&long(), &emit(header(Status::SUCCESS, form))), Err("echo"));
}

#[test]
fn zero_signature_passes_for_errors_and_never_for_results() {
    let form = Form::Short { echo: [0x33; 2], signature: [0; 16] };
    for entry in Status::all() {
        let is_result = [0, 208, 209, 210, 211, 241, 242, 243, 250].contains(&entry.status.0);
        let expected = if is_result { Err("signature") } else { Ok(entry.status) };
        assert_eq!(reason(&short(), &emit(header(entry.status, form))), expected);
    }
}

#[test]
fn verified_answer_is_told_from_an_unverified_one() {
    let signature = [0x11 ^ 0x22; 16];
    for (signature, expected) in [(signature, true), ([0; 16], false)] {
        let mut octets = emit(header(Status::COINS_NOT_DIV, Form::Short { echo: [0x33; 2], signature }));
        assert_eq!(short().read(&mut octets).unwrap().is_verified, expected);
    }
    let mut octets =
        emit(header(Status::SUCCESS, Form::Long { encryption_code: 4, key: RawCoinId::default(), nonce: NONCE }));
    assert!(!long().read(&mut octets).unwrap().is_verified, "nothing protects a long header");
}

#[test]
fn body_that_can_hold_no_payload_is_rejected() {
    let signature = [0x11 ^ 0x22; 16];
    let form = Form::Short { echo: [0x33; 2], signature };
    for (body_size, expected) in [(1, "length"), (2, "length"), (3, "terminator")] {
        let octets = [emit(Header { body_size, ..header(Status::SUCCESS, form) }), vec![0; 3]].concat();
        assert_eq!(reason(&short(), &octets), Err(expected));
    }
    let form = Form::Long { encryption_code: 4, key: RawCoinId::default(), nonce: NONCE };
    for (body_size, expected) in [(1, "length"), (34, "length"), (35, "terminator")] {
        let octets = [emit(Header { body_size, ..header(Status::SUCCESS, form) }), vec![0; 35]].concat();
        assert_eq!(reason(&long(), &octets), Err(expected));
    }
}

#[test]
fn octets_behind_the_answer_are_ignored() {
    let signature = [0x11 ^ 0x22; 16];
    let form = Form::Short { echo: [0x33; 2], signature };
    let octets = [emit(header(Status::ALL_PASS, form)), vec![0xEE; 20]].concat();
    assert_eq!(reason(&short(), &octets), Ok(Status::ALL_PASS));
    assert_eq!(short().response_len(&octets), SHORT);
}
