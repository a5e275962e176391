//! What the contestants have to do.

use raida_wire::Encryption;

use crate::load::{Ask, Pace};

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// Its name, by which `--only` finds it.
    pub(crate) name: String,
    /// What is asked, in turn; whether by datagram.
    pub(crate) mix: Vec<(Ask, bool)>,
    pub(crate) pace: Pace,
    /// Requests at once on connections that stay; `None`: a connection for each.
    pub(crate) depth: Option<usize>,
    /// Whether client threads and server share all processors and fill them.
    pub(crate) is_crammed: bool,
    /// Connections that say nothing meanwhile, and those that send an octet a second.
    pub(crate) idle: usize,
    pub(crate) tricklers: usize,
}

/// Connections that stay, where there are any.
pub(crate) const LASTING: usize = 16;

/// Requests a second beside idle connections and tricklers: enough to see a tail, few enough that nobody waits for a
/// processor.
const BESIDE: Pace = Pace::Open { rate: 4000.0 };

/// The crowd of the goals.
const IDLE: usize = 10_000;
const TRICKLERS: usize = 1000;

impl Workload {
    fn new(name: impl Into<String>, mix: Vec<(Ask, bool)>, in_flight: usize) -> Self {
        let pace = Pace::Closed { in_flight };
        Self { name: name.into(), mix, pace, depth: None, is_crammed: false, idle: 0, tricklers: 0 }
    }

    /// All there are.
    pub(crate) fn all() -> Vec<Self> {
        let echo = || vec![(Ask::Echo, false)];
        let mut all: Vec<_> =
            [1, 64, 1000].into_iter().map(|many| Self::new(format!("tcp-echo-{many}"), echo(), many)).collect();
        all.push(Self { is_crammed: true, ..Self::new("tcp-echo-crammed", echo(), 32) });
        for (kind, encryption) in [(1, Encryption::Coin), (4, Encryption::Coin256)] {
            for coins in [1, 60] {
                let mix = vec![(Ask::Detect { encryption, coins }, false)];
                all.push(Self::new(format!("tcp-detect-{kind}-{coins}"), mix, 64));
            }
        }
        for depth in [1, 16] {
            all.push(Self { depth: Some(depth), ..Self::new(format!("tcp-lasting-{depth}"), echo(), LASTING) });
        }
        for (name, ask) in [("udp-echo", Ask::Echo), ("udp-vote", Ask::Vote)] {
            for many in [1, 64, 1024] {
                all.push(Self::new(format!("{name}-{many}"), vec![(ask, true)], many));
            }
        }
        all.push(Self::new("mixed", mixed(), 64));
        all.push(Self { pace: BESIDE, ..Self::new("tcp-echo-alone", echo(), 0) });
        all.push(Self { pace: BESIDE, idle: IDLE, ..Self::new("tcp-echo-beside-idle", echo(), 0) });
        all.push(Self {
            pace: BESIDE,
            idle: IDLE,
            tricklers: TRICKLERS,
            ..Self::new("tcp-echo-beside-tricklers", echo(), 0)
        });
        all
    }

    pub(crate) fn needs_coins(&self) -> bool {
        self.coins() > 0
    }

    /// How many coins have to be issued.
    pub(crate) fn coins(&self) -> usize {
        let coins = |(ask, _): &(Ask, bool)| match ask {
            Ask::Detect { coins, .. } => *coins,
            Ask::Echo | Ask::Vote => 0,
        };
        self.mix.iter().map(coins).max().unwrap_or(0)
    }

    /// Whether it runs with other settings than the presets.
    pub(crate) fn needs_settings(&self) -> bool {
        self.depth.is_some() || self.idle > 0
    }

    /// The node's configuration file.
    pub(crate) fn settings(&self) -> String {
        let mut settings = String::new();
        if self.depth.is_some() {
            settings += "[limits]\nrequests_per_connection_max = 4294967295\n";
        }
        if self.idle > 0 {
            settings += "[timeouts]\nprogress_ms = 3600000\nrequest_ms = 3600000\n";
        }
        settings
    }

    /// What the floor is told.
    pub(crate) fn floor_arguments(&self) -> Vec<String> {
        let (request, answer) = self.stream_lengths();
        let mut arguments = vec![format!("--request={request}"), format!("--answer={answer}")];
        if self.depth.is_some() {
            arguments.push("--persistent".to_owned());
        }
        arguments
    }

    /// Octets of a request over a connection, and of its answer.
    fn stream_lengths(&self) -> (usize, usize) {
        let lengths = |ask: Ask| match ask {
            Ask::Echo | Ask::Vote => (50, raida_wire::SHORT),
            Ask::Detect { encryption, coins } => {
                let header = if encryption.is_long() { raida_wire::LONG } else { raida_wire::SHORT };
                (header + encryption.request_overhead() + 21 * coins, header)
            }
        };
        let over_streams = self.mix.iter().find(|(_, by_datagram)| !by_datagram);
        over_streams.map_or((50, raida_wire::SHORT), |(ask, _)| lengths(*ask))
    }
}

/// Seven UDP echoes, one vote and two encrypted Detects out of ten, well mixed.
fn mixed() -> Vec<(Ask, bool)> {
    let (echo, vote) = ((Ask::Echo, true), (Ask::Vote, true));
    let detect = (Ask::Detect { encryption: Encryption::Coin, coins: 1 }, false);
    vec![echo, echo, detect, echo, echo, vote, echo, detect, echo, echo]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_that_of_the_goals() {
        let count = |wanted: fn(&Ask) -> bool| mixed().iter().filter(|(ask, _)| wanted(ask)).count();
        assert_eq!(count(|ask| matches!(ask, Ask::Echo)), 7);
        assert_eq!(count(|ask| matches!(ask, Ask::Vote)), 1);
        assert_eq!(count(|ask| matches!(ask, Ask::Detect { .. })), 2);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = Workload::all().into_iter().map(|workload| workload.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
