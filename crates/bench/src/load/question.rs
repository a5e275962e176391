//! What is asked, and how answers are checked.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use raida_client::KeyCoin;
use raida_wire::vote;
use raida_wire::{Challenge, Command, Encryption, Pending, Recipient, Request, Sender, Status};

/// The node that is asked.
const RECIPIENT: Recipient = Recipient { raida_id: 0, coin_id: 6, shard: 0 };

/// How many encrypted requests are made ahead; they are sent in turn.
const PREPARED: u32 = 64;

/// What kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Echo,
    Vote,
    /// Are these coins authentic? Encrypted with the first one's key.
    Detect {
        encryption: Encryption,
        coins: usize,
    },
}

/// Which kind of answer is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// A node's: status, echo, signature and payload are checked.
    Protocol,
    /// The floor's: the first octets of the request.
    Floor,
}

/// Questions to be asked in turn, and whether each travels in a datagram.
pub(crate) type Mix = Vec<(Arc<Question>, bool)>;

/// Something to ask many times over.
pub(crate) struct Question {
    pub(crate) speech: Speech,
    kind: Kind,
    /// Octets of the answer.
    pub(crate) answer_len: usize,
}

enum Kind {
    Echo([u8; 50]),
    Vote(Box<[u8; vote::REQUEST_LEN]>),
    Sealed(Vec<Sealed>),
}

struct Sealed {
    octets: Vec<u8>,
    pending: Pending,
}

impl Question {
    /// `owned` are coins that the node knows, for a Detect.
    pub(crate) fn new(ask: Ask, speech: Speech, owned: &[KeyCoin]) -> Result<Self> {
        let (kind, answer_len) = match ask {
            Ask::Echo => (Kind::Echo(echo_template()?), raida_wire::SHORT),
            Ask::Vote => {
                let mut template = Box::new([0; vote::REQUEST_LEN]);
                vote::ask(&[0; vote::ROOTS_LEN], &[0; vote::NONCE_LEN], &mut template);
                (Kind::Vote(template), vote::ANSWER_LEN)
            }
            Ask::Detect { encryption, coins } => {
                let Some(listed) = owned.get(..coins) else { bail!("there are only {} coins", owned.len()) };
                let sealed: Result<_> = (0..PREPARED).map(|number| Sealed::new(encryption, listed, number)).collect();
                let header = if encryption.is_long() { raida_wire::LONG } else { raida_wire::SHORT };
                (Kind::Sealed(sealed?), header)
            }
        };
        Ok(Self { speech, kind, answer_len })
    }

    /// How many octets a request has.
    pub(crate) fn len(&self) -> usize {
        match &self.kind {
            Kind::Echo(template) => template.len(),
            Kind::Vote(template) => template.len(),
            Kind::Sealed(sealed) => sealed.first().map_or(0, |sealed| sealed.octets.len()),
        }
    }

    /// Writes request `number` to the front of `out` and says how long it is.
    pub(crate) fn write(&self, number: u32, out: &mut [u8]) -> usize {
        match &self.kind {
            Kind::Echo(template) => {
                put(out, 0, template);
                put(out, 30, &slot(number));
                put(out, 32, challenge(number).octets());
                template.len()
            }
            Kind::Vote(template) => {
                put(out, 0, &template[..]);
                // Once for the floor, which sends back the beginning, and once for a node, which sends back the nonce.
                put(out, 1, &number.to_be_bytes());
                put(out, vote::REQUEST_LEN - vote::NONCE_LEN, &number.to_be_bytes());
                template.len()
            }
            Kind::Sealed(sealed) => {
                let Some(sealed) = turn(sealed, number) else { return 0 };
                put(out, 0, &sealed.octets);
                sealed.octets.len()
            }
        }
    }

    /// Checks the answer to request `number`.
    pub(crate) fn check(&self, number: u32, answer: &mut [u8]) -> Result<()> {
        if answer.len() != self.answer_len {
            bail!("the answer has {} octets, expected {}", answer.len(), self.answer_len);
        }
        if self.speech == Speech::Floor {
            return self.check_floor(number, answer);
        }
        match &self.kind {
            Kind::Echo(_) => check_echo(number, answer),
            Kind::Vote(_) => {
                let nonce = answer.get(1..5).unwrap_or_default();
                if nonce != number.to_be_bytes() {
                    bail!("the vote's nonce is {nonce:02X?}, expected {number:08X}")
                }
                Ok(())
            }
            Kind::Sealed(sealed) => {
                let pending = &turn(sealed, number).context("no such request")?.pending;
                let response = pending.read(answer)?;
                if response.status != Status::ALL_PASS {
                    bail!("the coins' status is {}", response.status)
                }
                Ok(())
            }
        }
    }

    /// The lower half of the number that the answer in a datagram belongs to.
    pub(crate) fn slot_of(speech: Speech, answer: &[u8]) -> Option<usize> {
        let at = match (speech, answer.len()) {
            (Speech::Floor, vote::ANSWER_LEN) | (Speech::Protocol, vote::ANSWER_LEN) => 3,
            (Speech::Floor, _) => 30,
            (Speech::Protocol, _) => 6,
        };
        let octets: [u8; 2] = answer.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_be_bytes(octets).into())
    }

    fn check_floor(&self, number: u32, answer: &[u8]) -> Result<()> {
        let (at, expected) = match &self.kind {
            Kind::Echo(_) => (30, slot(number).to_vec()),
            Kind::Vote(_) => (1, number.to_be_bytes().to_vec()),
            Kind::Sealed(_) => return Ok(()),
        };
        let found = answer.get(at..at + expected.len());
        if found != Some(&expected) {
            bail!("the floor answered {found:02X?} at {at}, expected {expected:02X?}")
        }
        Ok(())
    }
}

impl Sealed {
    fn new(encryption: Encryption, coins: &[KeyCoin], number: u32) -> Result<Self> {
        let KeyCoin { coin, number: key } = coins.first().context("no coin to seal with")?;
        let challenge = challenge(number);
        let mut nonce = [0x77; 24];
        put(&mut nonce, 0, &number.to_be_bytes());
        let [a, b, c, d, ..] = nonce;
        let sender = match encryption {
            Encryption::Coin => Sender::Coin { coin: *coin, number: key, nonce: [a, b, c, d, 5, 6, 7, 8], challenge },
            Encryption::Coin256 => Sender::Coin256 { coin: *coin, number: key, nonce },
            Encryption::None | Encryption::Locker | Encryption::TwoCoins => bail!("nobody measures {encryption:?}"),
        };
        let request = Request::new(RECIPIENT, Command::DETECT, sender);
        let payload: Vec<u8> = coins.iter().flat_map(claim).collect();
        let mut octets = vec![0; request.built_len(payload.len())];
        let (_, pending) = request.build(&mut octets, &payload)?;
        Ok(Self { octets, pending })
    }
}

/// A coin's name and its number, as Detect lists them.
///
/// Source: protocol §5.2
fn claim(KeyCoin { coin, number }: &KeyCoin) -> impl Iterator<Item = u8> {
    coin.raw().0.into_iter().chain(*number.octets())
}

fn echo_template() -> Result<[u8; 50]> {
    let sender = Sender::Nobody { echo: [0; 2], challenge: challenge(0) };
    let mut octets = [0; 50];
    Request::new(RECIPIENT, Command::ECHO, sender).build(&mut octets, b"")?;
    Ok(octets)
}

fn check_echo(number: u32, answer: &[u8]) -> Result<()> {
    let status = answer.get(2).copied().unwrap_or(0);
    if Status(status) != Status::SUCCESS {
        bail!("the status is {}", Status(status))
    }
    if answer.get(6..8) != Some(&slot(number)) {
        bail!("the answer carries another echo")
    }
    if answer.get(16..32) != Some(challenge(number).octets()) {
        bail!("the answer carries another signature")
    }
    Ok(())
}

/// The lower half of a number, which names a place.
fn slot(number: u32) -> [u8; 2] {
    let [_, _, high, low] = number.to_be_bytes();
    [high, low]
}

fn challenge(number: u32) -> Challenge {
    let [a, b, c, d] = number.to_be_bytes();
    Challenge::new([a, b, c, d, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A])
}

fn turn(sealed: &[Sealed], number: u32) -> Option<&Sealed> {
    sealed.get((number % PREPARED) as usize)
}

fn put(out: &mut [u8], at: usize, octets: &[u8]) {
    if let Some(room) = out.get_mut(at..at + octets.len()) {
        room.copy_from_slice(octets);
    }
}
