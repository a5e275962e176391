//! A question and the echoes that travel with it over one connection, as far as the node serves more than one request there.

use raida_wire::{Command, Pending, ResponseError, Status};

use super::errand::build;
use crate::dice::Dice;

/// What reads the answers, in the order in which the requests were sent.
#[derive(Debug)]
pub(crate) struct Convoy {
    requests: Vec<Pending>,
    /// Which of them is the question.
    question: usize,
}

/// What a connection brought.
pub(crate) struct Found {
    /// How many of the requests have a whole answer: the first so many.
    pub(crate) answers: usize,
    /// Whether those are all of them.
    pub(crate) is_all: bool,
    /// The answer to the question, if it is among them.
    pub(crate) answer: Option<(Status, Vec<u8>)>,
}

impl Convoy {
    /// Whether there is more than one request.
    pub(crate) fn is_long(&self) -> bool {
        self.requests.len() > 1
    }

    /// Puts up to `most` echoes before and behind a question, and gives the octets of all.
    pub(crate) fn gather(dice: &mut Dice, question: (Vec<u8>, Pending), most: u32) -> (Vec<u8>, Self) {
        let mut echoes: Vec<_> =
            (0..dice.below(u64::from(most) + 1)).filter_map(|_| build(dice, Command::ECHO, b"", None)).collect();
        let place = dice.index(echoes.len() + 1);
        echoes.insert(place, question);
        let (octets, requests): (Vec<_>, _) = echoes.into_iter().unzip();
        (octets.concat(), Self { requests, question: place })
    }

    /// Reads what has come. Says what is wrong with it, if it is not answers to these requests in this order, once each.
    pub(crate) fn read(&self, received: &[u8]) -> Result<Found, String> {
        let mut rest = received.to_vec();
        let mut found = Found { answers: 0, is_all: false, answer: None };
        for (place, pending) in self.requests.iter().enumerate() {
            let len = pending.response_len(&rest);
            match pending.read(&mut rest) {
                Ok(response) if place == self.question => {
                    found.answer = Some((response.status, response.payload.to_vec()));
                }
                Ok(response) if matches!(response.status, Status::SUCCESS | Status::MEMORY_ALLOC) => {}
                Ok(response) => return Err(format!("was told {} when it sent an echo", response.status)),
                Err(ResponseError::Truncated { .. }) => return Ok(found),
                Err(error) => return Err(format!("was sent an answer that is not its own: {error}")),
            }
            rest.drain(..len.min(rest.len()));
            found.answers += 1;
        }
        found.is_all = true;
        if rest.is_empty() { Ok(found) } else { Err(format!("was answered twice: {} octets too many", rest.len())) }
    }
}
