//! Whether those who connect come one by one or many at once.

/// Decides how many connections are taken for one report of the listener.
///
/// An `accept4` that finds nobody is dear: it makes a socket and a file before it looks. So of those who come one by one,
/// one is taken for each report, and the next wait tells of the next one. In a crowd all are taken, and the one call that
/// finds nobody in the end costs less than a report for each. Now and then somebody looks whether there is a crowd.
#[derive(Debug)]
pub(crate) struct Crowd {
    reports: u32,
    /// Taken since the last report.
    taken: u32,
    /// Whether all who wait are taken this time.
    takes_all: bool,
}

impl Crowd {
    /// From so many on it is one.
    const MANY: u32 = 4;
    /// Where there was none, every so-manieth report looks for one.
    const LOOK: u32 = 32;

    /// Takes all at first: nothing has been reported then.
    pub(crate) const fn new() -> Self {
        Self { reports: 0, taken: 0, takes_all: true }
    }

    /// Somebody waits.
    pub(crate) fn reported(&mut self) {
        if self.takes_all {
            return;
        }
        self.reports = self.reports.wrapping_add(1);
        self.taken = 0;
        self.takes_all = self.reports.is_multiple_of(Self::LOOK);
    }

    /// One was taken: whether to look for another at once.
    pub(crate) fn took_one(&mut self) -> bool {
        self.taken = self.taken.saturating_add(1);
        self.takes_all
    }

    /// Nobody waits any more.
    pub(crate) fn took_all(&mut self) {
        self.takes_all = self.taken >= Self::MANY;
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `waiting` are taken for one report, and whether a call found nobody.
    fn report(crowd: &mut Crowd, waiting: u32) -> (u32, bool) {
        crowd.reported();
        for taken in 1..=waiting {
            if !crowd.took_one() {
                return (taken, false);
            }
        }
        crowd.took_all();
        (waiting, true)
    }

    #[test]
    fn one_by_one_costs_one_call_in_vain_in_32() {
        let mut crowd = Crowd::new();
        crowd.took_all();
        let in_vain = (0..3200).filter(|_| report(&mut crowd, 1) == (1, true)).count();
        assert_eq!(in_vain, 100);
    }

    #[test]
    fn a_crowd_is_taken_whole_until_it_is_gone() {
        let mut crowd = Crowd::new();
        assert_eq!(report(&mut crowd, 50), (50, true));
        assert_eq!(report(&mut crowd, 10), (10, true));
        assert_eq!(report(&mut crowd, 3), (3, true), "no crowd any more, as it turns out");
        assert_eq!(report(&mut crowd, 10), (1, false));
    }

    #[test]
    fn a_new_crowd_is_found() {
        let mut crowd = Crowd::new();
        crowd.took_all();
        let reports = (1..100).find(|_| report(&mut crowd, 50) == (50, true));
        assert!(reports.is_some_and(|reports| reports <= 32), "{reports:?}");
    }
}
