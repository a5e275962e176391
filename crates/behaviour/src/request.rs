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

/// An error answer: status and what had been accepted of group and echo. No signature.
#[must_use]
pub fn refusal(status: u8, group: u8, echo: [u8; 2]) -> Vec<u8> {
    let mut answer = vec![0, 0, status, group, 0, 1];
    answer.extend(echo);
    answer.extend([0; 24]);
    answer
}

/// A 32-octet answer with its execution time set to zero, so that it can be compared.
#[must_use]
pub fn without_time(mut answer: Vec<u8>) -> Vec<u8> {
    if let Some(time) = answer.get_mut(12..16) {
        time.fill(0);
    }
    answer
}
