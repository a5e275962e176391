//! Requests and the answers they must get, as raw octets: written down by hand, not by the code under test.

use raida_wire::Challenge;

/// A type 0 request to node 0 on coin network 6, with a challenge and an echo of its own.
#[must_use]
pub fn plain(group: u8, command: u8, payload: &[u8], number: u32) -> Vec<u8> {
    let mut request = vec![0; 32];
    request[0] = 1;
    (request[4], request[5]) = (group, command);
    request[7] = 6;
    let body_len = u16::try_from(16 + payload.len() + 2).unwrap();
    request[22..24].copy_from_slice(&body_len.to_be_bytes());
    request[30..32].copy_from_slice(&echo(number));
    request.extend(challenge(number));
    request.extend(payload);
    request.extend([0x3E, 0x3E]);
    request
}

/// The same as [`plain`] without a body: 32 octets.
#[must_use]
pub fn bodyless(group: u8, command: u8, number: u32) -> Vec<u8> {
    let mut request = plain(group, command, &[], number);
    request.truncate(32);
    request[22..24].fill(0);
    request
}

/// The everyday request: 50 octets.
#[must_use]
pub fn echo_request(number: u32) -> Vec<u8> {
    plain(0, 0, &[], number)
}

/// The two octets that come back in the answer to request `number`.
#[must_use]
pub fn echo(number: u32) -> [u8; 2] {
    let [.., a, b] = number.to_be_bytes();
    [a, b]
}

/// The challenge of request `number`, which is also the signature of its answer.
#[must_use]
pub fn challenge(number: u32) -> [u8; 16] {
    let mut chosen = [0x5A; 12];
    chosen[..4].copy_from_slice(&number.to_be_bytes());
    *Challenge::new(chosen).octets()
}

/// The answer without payload to a type 0 request, execution time left out (see [`without_time`]).
#[must_use]
pub fn answer(status: u8, group: u8, number: u32) -> Vec<u8> {
    let mut answer = vec![0, 0, status, group, 0, 1];
    answer.extend(echo(number));
    answer.extend([0; 8]);
    answer.extend(challenge(number));
    answer
}

/// The answer to [`echo_request`] `number`, execution time left out.
#[must_use]
pub fn echo_answer(number: u32) -> Vec<u8> {
    answer(250, 0, number)
}

/// An error answer: status and what had been accepted of group and echo. No signature.
#[must_use]
pub fn refusal(status: u8, group: u8, echo: [u8; 2]) -> Vec<u8> {
    let mut answer = vec![0, 0, status, group, 0, 1];
    answer.extend(echo);
    answer.extend([0; 24]);
    answer
}

/// `header`, the short header of an answer, with a payload behind it.
#[must_use]
pub fn with_payload(mut header: Vec<u8>, payload: &[u8]) -> Vec<u8> {
    let [_, body_len @ ..] = u32::try_from(payload.len() + 2).unwrap().to_be_bytes();
    header[9..12].copy_from_slice(&body_len);
    header.extend(payload);
    header.extend([0x3E, 0x3E]);
    header
}

/// An error answer with the long header to `request`, whose header is long and meant for this node. Execution time and
/// random octets are left out (see [`without_chance`]).
#[must_use]
pub fn long_refusal(status: u8, request: &[u8]) -> Vec<u8> {
    let mut answer = vec![0; 48];
    (answer[0], answer[2], answer[3]) = (request[2], status, request[4]);
    answer[16] = request[16];
    if matches!(request[16], 4 | 5) {
        answer[17..22].copy_from_slice(&request[19..24]);
        answer[46..48].copy_from_slice(&request[46..48]);
    }
    if request[16] == 5 {
        answer[24..29].copy_from_slice(&request[24..29]);
    }
    answer
}

/// An answer that begins with a short header, with its execution time set to zero, so that it can be compared.
#[must_use]
pub fn without_time(mut answer: Vec<u8>) -> Vec<u8> {
    if let Some(time) = answer.get_mut(12..16) {
        time.fill(0);
    }
    answer
}

/// An answer that is a long header, with its execution time and its random octets set to zero.
#[must_use]
pub fn without_chance(mut answer: Vec<u8>) -> Vec<u8> {
    let random = if answer.get(16) == Some(&5) { 29..46 } else { 24..46 };
    for chance in [4..8, random] {
        if let Some(octets) = answer.get_mut(chance) {
            octets.fill(0);
        }
    }
    answer
}
