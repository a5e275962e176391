//! What is on the screen: the last two looks, and what the keys have made of them.

use raida_monitor::Connection;
use ratatui::crossterm::event::KeyCode;

use crate::top::Sort;
use crate::top::pace::Pace;
use crate::top::sample::Sample;

/// What is on the screen.
#[derive(Clone, Debug)]
pub(crate) struct View {
    before: Sample,
    pub(crate) now: Sample,
    sort: Sort,
    is_reversed: bool,
    is_paused: bool,
    /// Connections scrolled past.
    pub(crate) scrolled: usize,
    /// Why the last look failed.
    pub(crate) lost: Option<String>,
}

impl View {
    /// After the first look.
    pub(crate) fn new(sort: Sort, first: Sample) -> Self {
        let before = first.clone();
        Self { before, now: first, sort, is_reversed: false, is_paused: false, scrolled: 0, lost: None }
    }

    /// After another look.
    pub(crate) fn with(self, sample: Sample) -> Self {
        Self { before: self.now, now: sample, lost: None, ..self }
    }

    /// The last look failed; what was seen before stays.
    pub(crate) fn lose(&mut self, reason: String) {
        self.lost = Some(reason);
    }

    /// Does what a key asks for. `false`: to end.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a keyboard has many keys that mean nothing here")]
    pub(crate) fn press(&mut self, key: KeyCode) -> bool {
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return false,
            KeyCode::Char('s') => self.sort = next(self.sort),
            KeyCode::Char('r') => self.is_reversed = !self.is_reversed,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Up => self.scrolled = self.scrolled.saturating_sub(1),
            KeyCode::Down => self.scroll(1),
            KeyCode::PageUp => self.scrolled = self.scrolled.saturating_sub(PAGE),
            KeyCode::PageDown => self.scroll(PAGE),
            KeyCode::Home => self.scrolled = 0,
            _ => {}
        }
        true
    }

    fn scroll(&mut self, lines: usize) {
        let last = self.now.connections.connections.len().saturating_sub(1);
        self.scrolled = (self.scrolled + lines).min(last);
    }

    /// Whether to leave the screen as it is.
    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// What happened between the last two looks.
    pub(crate) fn pace(&self) -> Pace<'_> {
        Pace::new(&self.before, &self.now)
    }

    /// What the connections are ordered by, as a word.
    pub(crate) fn order(&self) -> String {
        let word = format!("{:?}", self.sort).to_lowercase();
        if self.is_reversed { format!("{word}, reversed") } else { word }
    }

    /// The connections in that order.
    pub(crate) fn connections(&self) -> Vec<&Connection> {
        let mut connections: Vec<&Connection> = self.now.connections.connections.iter().collect();
        let most = std::cmp::Reverse::<u64>;
        match self.sort {
            Sort::Age => connections.sort_by_key(|connection| most(connection.age_ms)),
            Sort::In => connections.sort_by_key(|connection| most(connection.bytes_in)),
            Sort::Out => connections.sort_by_key(|connection| most(connection.bytes_out)),
            Sort::State => connections.sort_by_key(|connection| (connection.state.clone(), most(connection.age_ms))),
            Sort::Peer => connections.sort_by_key(|connection| connection.peer.clone()),
        }
        if self.is_reversed {
            connections.reverse();
        }
        connections
    }
}

/// Lines that a page key goes.
const PAGE: usize = 10;

fn next(sort: Sort) -> Sort {
    match sort {
        Sort::Age => Sort::In,
        Sort::In => Sort::Out,
        Sort::Out => Sort::State,
        Sort::State => Sort::Peer,
        Sort::Peer => Sort::Age,
    }
}
