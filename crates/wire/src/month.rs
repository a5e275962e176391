//! Months from start: when a coin was issued or last changed hands.

/// The month octet of a coin's record. 0 means that the coin is not issued.
///
/// Source: protocol §7.3
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub u8);

impl Month {
    /// This serial number is free.
    pub const UNISSUED: Self = Self(0);

    /// The month of a date; March 2023 is 1. `month` counts from 1.
    ///
    /// Dates before March 2023 give 1 and dates from June 2044 on give 255: never 0, which would make a live coin free.
    ///
    /// ```
    /// use raida_wire::Month;
    ///
    /// assert_eq!(Month::of(2026, 11), Month(45));
    /// assert_eq!(Month::of(2023, 2), Month(1));
    /// assert_eq!(Month::of(2044, 6), Month(255));
    /// ```
    #[must_use]
    pub fn of(year: u16, month: u8) -> Self {
        let months = (i32::from(year) - 2023) * 12 + i32::from(month) - 2;
        Self(u8::try_from(months.max(1)).unwrap_or(u8::MAX))
    }

    /// The month, by UTC, in which lies the moment so many seconds behind 1 January 1970.
    ///
    /// ```
    /// use raida_wire::Month;
    ///
    /// assert_eq!(Month::at(1_796_083_199), Month(45)); // 30 November 2026, the last second
    /// assert_eq!(Month::at(1_796_083_200), Month(46));
    /// assert_eq!(Month::at(u64::MAX), Month(255));
    /// ```
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        // Eras of 400 years, counted from 1 March of year 0: all of one length, with the leap day at the end of a year.
        let day = unix_seconds / 86_400 + 719_468;
        let (era, day) = (day / 146_097, day % 146_097);
        let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // 0 is March.
        let month = (5 * day_of_year + 2) / 153;
        let year = era * 400 + year_of_era + month / 10;
        let month = u8::try_from((month + 2) % 12 + 1).unwrap_or(1);
        u16::try_from(year).map_or(Self(u8::MAX), |year| Self::of(year, month))
    }

    /// Whether a coin with this month is issued.
    #[must_use]
    pub const fn is_issued(self) -> bool {
        self.0 != Self::UNISSUED.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_lies_in_its_month() {
        const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut day = 0;
        for year in 1970..2110 {
            for (month, days) in (1..).zip(DAYS) {
                let is_leap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
                for _ in 0..days + u64::from(month == 2 && is_leap) {
                    assert_eq!(Month::at(day * 86_400), Month::of(year, month));
                    assert_eq!(Month::at(day * 86_400 + 86_399), Month::of(year, month));
                    day += 1;
                }
            }
        }
    }
}
