//! The payload of the answer to Audit: how many coins are issued.

use core::fmt;

use crate::coin::{Denomination, RawCoinId};

/// The size of the payload: fifteen records of a denomination i8 and a count u32.
///
/// Source: protocol §5.3
pub const LEN: usize = Denomination::COUNT * 5;

/// Issued coins per denomination, ascending from -8 to 6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub [u32; Denomination::COUNT]);

impl Counts {
    /// Writes the payload.
    pub fn emit(&self, out: &mut [u8; LEN]) {
        let (records, _) = out.as_chunks_mut();
        for ((record, denomination), count) in records.iter_mut().zip(Denomination::all()).zip(self.0) {
            let [a, b, c, d] = count.to_be_bytes();
            *record = [denomination.octet(), a, b, c, d];
        }
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// When it does not have 75 octets, or when a record is not that of the denomination expected at its place.
    pub fn parse(payload: &[u8]) -> Result<Self, AuditError> {
        let octets: &[u8; LEN] = payload.try_into().map_err(|_| AuditError::Length(payload.len()))?;
        let mut counts = Self::default();
        let (records, _) = octets.as_chunks();
        for ((record, denomination), count) in records.iter().zip(Denomination::all()).zip(&mut counts.0) {
            let record = RawCoinId(*record);
            if record.denomination() != denomination.exponent() {
                return Err(AuditError::Denomination { found: record.denomination(), expected: denomination });
            }
            *count = record.serial_number();
        }
        Ok(counts)
    }
}

/// Why octets are no audit payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditError {
    /// Not 75 octets, but so many.
    Length(usize),
    /// The records are not in ascending order of all denominations.
    Denomination {
        /// What the record says.
        found: i8,
        /// What stands at this place.
        expected: Denomination,
    },
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(found) => write!(f, "audit payload has {found} octets, expected {LEN}"),
            Self::Denomination { found, expected } => {
                write!(f, "audit record is of denomination {found}, expected {expected}")
            }
        }
    }
}

impl core::error::Error for AuditError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_as_they_went_in() {
        let counts = Counts([0, 1, 70_000, 3, 4, 1_024_000, 6, 7, 8, 9, 10, 11, 12, 13, u32::MAX]);
        let mut octets = [0; LEN];
        counts.emit(&mut octets);
        assert_eq!(Counts::parse(&octets), Ok(counts));
        assert_eq!(Counts::parse(&octets[..74]), Err(AuditError::Length(74)));
        octets[5] = 0;
        assert_eq!(
            Denomination::new(-7).map(|expected| AuditError::Denomination { found: 0, expected }),
            Counts::parse(&octets).err()
        );
    }
}
