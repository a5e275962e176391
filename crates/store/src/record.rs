//! What is known of one issued coin.

use raida_wire::{AuthenticityNumber, Month};
use zeroize::Zeroize;

/// The record of an issued coin. `Debug` shows no octet of the number.
///
/// Source: protocol §7.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whoever knows it owns the coin.
    pub an: AuthenticityNumber,
    /// When it was issued or last changed hands. A record with [`Month::UNISSUED`] is none: storing it frees the coin.
    pub month: Month,
}

/// The size of a record on disk: number 16, month 1.
pub(crate) const LEN: usize = 17;

impl Record {
    /// `None` when the month says that nothing is issued.
    pub(crate) fn read(octets: &[u8; LEN]) -> Option<Self> {
        let [mut an @ .., month] = *octets;
        let record = Self { an: AuthenticityNumber::new(an), month: Month(month) };
        an.zeroize();
        record.month.is_issued().then_some(record)
    }

    pub(crate) fn write(&self, out: &mut [u8; LEN]) {
        let [an @ .., month] = out;
        an.copy_from_slice(self.an.octets());
        *month = self.month.0;
    }
}
