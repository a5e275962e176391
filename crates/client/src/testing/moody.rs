//! A node that can be made to misbehave while it runs.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Bank, Honest, Listener, read_request};
use crate::target::Target;

/// How a node treats whoever asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    #[default]
    Good,
    /// It closes the connection without listening.
    Deaf,
    /// It does what it is asked, and closes the connection without a word.
    Mute,
    /// It does what it is asked, and keeps the connection open without a word.
    Stuck,
}

/// A node with a [`Bank`] behind a TCP port on loopback, and with moods.
pub struct MoodyNode {
    listener: Listener,
    raida_id: u8,
    mood: Arc<Mutex<Mood>>,
}

impl MoodyNode {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When the port can not be had.
    pub fn start(raida_id: u8, bank: &Bank) -> io::Result<Self> {
        let node = Honest { bank: Some(bank.clone()), ..Honest::new(raida_id) };
        let mood = Arc::new(Mutex::new(Mood::Good));
        let (current, mut kept) = (Arc::clone(&mood), Vec::new());
        let listener = Listener::tcp(move |mut stream| {
            let mood = *lock(&current);
            if mood == Mood::Deaf {
                return;
            }
            let answer = read_request(&node, &mut stream);
            match (mood, answer) {
                (Mood::Good, Ok(answer)) => drop(stream.write_all(&answer)),
                (Mood::Stuck, _) => kept.push(stream),
                (Mood::Good | Mood::Mute | Mood::Deaf, _) => {}
            }
        })?;
        Ok(Self { listener, raida_id, mood })
    }

    /// One for each bank, with ascending ids.
    ///
    /// # Errors
    ///
    /// When the ports can not be had.
    pub fn network(banks: &[Bank]) -> io::Result<Vec<Self>> {
        (0..).zip(banks).map(|(id, bank)| Self::start(id, bank)).collect()
    }

    /// From now on.
    pub fn set(&self, mood: Mood) {
        *lock(&self.mood) = mood;
    }

    /// The address it serves.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The node there.
    #[must_use]
    pub fn target(&self) -> Target {
        self.listener.target(self.raida_id)
    }
}

fn lock(mood: &Mutex<Mood>) -> MutexGuard<'_, Mood> {
    mood.lock().unwrap_or_else(PoisonError::into_inner)
}
