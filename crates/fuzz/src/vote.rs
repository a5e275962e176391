//! Vote packets and their answers.

use raida_wire::vote::{self, ANSWER_LEN, REQUEST_LEN, ROOTS_LEN};

/// A question is answered by comparison of all roots, and an answer is believed only with the nonce of its question.
pub fn vote(octets: &[u8]) {
    let Some((nonce, rest)) = octets.split_first_chunk::<16>() else { return };
    read_as_the_text_says(rest, nonce);
    let mut datagram = octets.to_vec();
    datagram.resize(REQUEST_LEN, 0);
    let is_question = datagram[0] == 7;
    let Some(question) = vote::Request::parse(&datagram) else { return assert!(!is_question) };
    assert!(is_question && vote::Request::parse(&datagram[1..]).is_none());
    let mut ours = [0; ROOTS_LEN];
    for (root, octet) in ours.iter_mut().zip(rest) {
        *root = *octet;
    }
    let answer = vote::answer(&question, &ours);
    assert_eq!(answer.len(), ANSWER_LEN);
    assert_eq!(answer[0] == 1, datagram[1..481] == ours);
    assert_eq!(vote::read(&answer, question.nonce()), Ok(answer[0] == 1));
    let mut asked = [0; REQUEST_LEN];
    vote::ask(question.roots(), question.nonce(), &mut asked);
    assert_eq!(asked[..], datagram);
}

fn read_as_the_text_says(answer: &[u8], nonce: &[u8; 16]) {
    let expected = match answer {
        [vote @ (0 | 1), echoed @ ..] if echoed == nonce => Some(*vote == 1),
        _ => None,
    };
    assert_eq!(vote::read(answer, nonce).ok(), expected);
}
