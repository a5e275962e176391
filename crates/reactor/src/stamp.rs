//! The execution time in a finished answer.

use std::time::Duration;

use raida_wire::Head;

/// Writes the execution time, in microseconds, into the header at the front of a finished answer.
///
/// It stands at 12 in a short header and at 4 in a long one; which of the two an answer has follows from its request. A
/// time that does not fit is written as the largest that does. A service that has written one itself keeps it: what is there
/// and not zero stays.
///
/// Source: protocol §1.7, §1.8
pub fn stamp(answer: &mut [u8], head: &Head, elapsed: Duration) {
    let at = if head.encryption().is_long() { 4 } else { 12 };
    let field = answer.get_mut(at..).and_then(|rest| rest.first_chunk_mut());
    if let Some(field) = field.filter(|field| **field == [0; 4]) {
        *field = saturating_micros(elapsed).to_be_bytes();
    }
}

/// A span in microseconds, as wide as the header's field.
pub(crate) fn saturating_micros(span: Duration) -> u32 {
    u32::try_from(span.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use raida_wire::Rules;

    use super::*;

    fn head(encryption: u8) -> Head {
        let mut octets = [0; 48];
        (octets[0], octets[2], octets[7], octets[16]) = (1, 14, 6, encryption);
        Head::judge(&octets, &Rules { raida_id: 14, coin_id: 6, body_max: 100 }).ok().flatten().unwrap()
    }

    #[test]
    fn the_time_stands_where_the_header_has_it() {
        for (encryption, at) in [(0, 12), (1, 12), (2, 12), (4, 4), (5, 4)] {
            let mut answer = [0xFF; 60];
            answer[at..at + 4].fill(0);
            stamp(&mut answer, &head(encryption), Duration::from_micros(0x0102_0304));
            let mut expected = [0xFF; 60];
            expected[at..at + 4].copy_from_slice(&[1, 2, 3, 4]);
            assert_eq!(answer, expected, "type {encryption}");
            stamp(&mut answer, &head(encryption), Duration::from_micros(9));
            assert_eq!(answer, expected, "what is there stays");
        }
    }

    #[test]
    fn a_time_too_long_for_the_field_saturates() {
        let mut answer = [0; 32];
        stamp(&mut answer, &head(0), Duration::from_secs(3 * 3600));
        assert_eq!(answer[12..16], [0xFF; 4]);
    }
}
