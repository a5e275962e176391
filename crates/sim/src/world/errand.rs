//! One question of an honest client on its way: what was asked, how, and what reads the answer.

use raida_reactor::Instant;
use raida_wire::{Challenge, Command, Pending, Recipient, Request, Sender};

use super::money::{Owned, Step, claims, summed};
use super::plan::{COIN_ID, RAIDA_ID};
use crate::client::ClientId;
use crate::dice::Dice;

/// What a client wants to know, or to have.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// Is anybody there?
    Echo,
    /// Are all my coins still mine?
    Look { by_sum: bool },
    /// Was my change made?
    Settle,
    /// Which numbers are free for a change?
    Offer { is_break: bool },
    /// Make this change.
    Change(Command, Step),
}

/// A question on its way.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) question: Question,
    pub(crate) octets: Vec<u8>,
    pub(crate) road: Road,
    pub(crate) since: Instant,
}

/// How it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    Tcp(ClientId),
    /// And how often it was sent.
    Udp(u8),
}

impl Question {
    /// The command, and what it is told.
    pub(crate) fn payload(&self, coins: &[Owned], open: Option<&Step>, session: u32) -> (Command, Vec<u8>) {
        match self {
            Self::Echo => (Command::ECHO, Vec::new()),
            Self::Look { by_sum: false } => (Command::DETECT, claims(coins)),
            Self::Look { by_sum: true } => (Command::DETECT_SUM, summed(coins)),
            Self::Settle => {
                (Command::DETECT, open.map(|step| claims(step.before.iter().chain(&step.after))).unwrap_or_default())
            }
            Self::Offer { is_break } => {
                let [operation, denomination] = if *is_break { [1, 1] } else { [2, 0] };
                (Command::GET_AVAILABLE_CHANGE_SNS, [&session.to_be_bytes()[..], &[operation, denomination]].concat())
            }
            Self::Change(command, step) => (*command, change(*command, step, session)),
        }
    }
}

fn change(command: Command, Step { before, after }: &Step, session: u32) -> Vec<u8> {
    match command {
        Command::POWN => {
            let exchange = |(old, new): (&Owned, &Owned)| [&claims([old])[..], new.number.octets()].concat();
            before.iter().zip(after).flat_map(exchange).collect()
        }
        Command::BREAK => [&session.to_be_bytes()[..], &claims(before), &claims(after)].concat(),
        Command::JOIN => [&session.to_be_bytes()[..], &claims(after), &claims(before)].concat(),
        _ => {
            let key = after.first().map(|owned| owned.number.octets().to_vec()).unwrap_or_default();
            [summed(before), key].concat()
        }
    }
}

/// Puts a request together: in clear, or under the number of a coin. `None` where it would be too long.
pub(crate) fn build(
    dice: &mut Dice,
    command: Command,
    payload: &[u8],
    key: Option<&Owned>,
) -> Option<(Vec<u8>, Pending)> {
    let random = [(); 4].map(|()| dice.roll().to_be_bytes());
    let octets = random.as_flattened();
    let mut chosen = [0; 12];
    chosen.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    let (challenge, [a, b, ..]) = (Challenge::new(chosen), dice.roll().to_be_bytes());
    let sender = match key {
        None => Sender::Nobody { echo: [a, b], challenge },
        Some(Owned { coin, number }) if dice.odds(50) => {
            Sender::Coin { coin: *coin, number, nonce: dice.roll().to_be_bytes(), challenge }
        }
        Some(Owned { coin, number }) => {
            let mut nonce = [0; 24];
            nonce.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
            Sender::Coin256 { coin: *coin, number, nonce }
        }
    };
    let recipient = Recipient { raida_id: RAIDA_ID, coin_id: COIN_ID, shard: 0 };
    let request = Request::new(recipient, command, sender);
    let mut octets = vec![0; request.built_len(payload.len())];
    let (_, pending) = request.build(&mut octets, payload).ok()?;
    Some((octets, pending))
}
