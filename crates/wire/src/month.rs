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

    /// Whether a coin with this month is issued.
    #[must_use]
    pub const fn is_issued(self) -> bool {
        self.0 != Self::UNISSUED.0
    }
}
