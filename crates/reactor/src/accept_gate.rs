//! When to ask for the next connection after the system had no room for one.

use std::time::Duration;

use raida_conn::Instant;

/// The shortest pause after a failed accept.
pub const SHORTEST: Duration = Duration::from_millis(5);

/// The longest pause after a failed accept.
pub const LONGEST: Duration = Duration::from_secs(1);

/// One listener's permission to accept.
///
/// An accept that fails for want of descriptors would fail again at once, and an edge-triggered listener that is left
/// alone stays silent for ever. So the gate shuts for a pause that doubles with every failure in a row, and opens early
/// when a connection closes, because that frees a descriptor.
#[derive(Debug)]
pub struct AcceptGate {
    opens: Option<Instant>,
    pause: Duration,
}

impl AcceptGate {
    /// An open gate.
    #[must_use]
    pub const fn new() -> Self {
        Self { opens: None, pause: SHORTEST }
    }

    /// An accept failed: shuts the gate, and says for how long.
    pub fn failed(&mut self, now: Instant) -> Duration {
        let pause = self.pause;
        self.opens = Some(now + pause);
        self.pause = (pause * 2).min(LONGEST);
        pause
    }

    /// An accept succeeded: the next failure starts with the shortest pause again.
    pub fn succeeded(&mut self) {
        self.pause = SHORTEST;
    }

    /// A connection closed: what is shut may be tried at once.
    pub fn closed(&mut self, now: Instant) {
        if let Some(opens) = &mut self.opens {
            *opens = (*opens).min(now);
        }
    }

    /// When the shut gate opens; `None` while it is open.
    #[must_use]
    pub fn opens(&self) -> Option<Instant> {
        self.opens
    }

    /// Opens a gate whose pause is over, and says so once: then accept.
    pub fn open(&mut self, now: Instant) -> bool {
        let over = self.opens.is_some_and(|opens| opens <= now);
        if over {
            self.opens = None;
        }
        over
    }
}

impl Default for AcceptGate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_shut_gate_opens_once_after_its_pause_or_when_a_connection_closes(
            events in prop::collection::vec((0u8..4, 0u64..1_500_000), 0..200),
        ) {
            let (mut gate, mut now, mut failures) = (AcceptGate::new(), 0u64, 0u32);
            let mut shut_until: Option<u64> = None;
            for (event, by) in events {
                now += by;
                let instant = Instant::from_micros(now);
                match event {
                    0 if shut_until.is_none() => {
                        let pause = gate.failed(instant);
                        let expected = SHORTEST.saturating_mul(1 << failures.min(20)).min(LONGEST);
                        prop_assert_eq!(pause, expected);
                        failures += 1;
                        shut_until = Some(now + u64::try_from(pause.as_micros()).unwrap());
                    }
                    1 if shut_until.is_none() => {
                        gate.succeeded();
                        failures = 0;
                    }
                    2 => {
                        gate.closed(instant);
                        shut_until = shut_until.map(|until| until.min(now));
                    }
                    _ => {}
                }
                prop_assert_eq!(gate.opens().map(|opens| opens.as_micros()), shut_until);
                let over = shut_until.is_some_and(|until| until <= now);
                prop_assert_eq!(gate.open(instant), over);
                prop_assert!(!gate.open(instant), "it opens once");
                if over {
                    shut_until = None;
                }
            }
        }
    }
}
