//! The execution time in a finished answer.

use std::time::Duration;

use raida_wire::Head;

/// Writes the execution time, in microseconds, into the header at the front of a finished answer.
///
/// It stands at 12 in a short header and at 4 in a long one; which of the two an answer has follows from its request. A
/// time that does not fit is written as the largest that does.
///
/// Source: protocol §1.7, §1.8
pub fn stamp(answer: &mut [u8], head: &Head, elapsed: Duration) {
    let at = if head.encryption().is_long() { 4 } else { 12 };
    if let Some(field) = answer.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *field = saturating_micros(elapsed).to_be_bytes();
    }
}

/// A span in microseconds, as wide as the header's field.
pub(crate) fn saturating_micros(span: Duration) -> u32 {
    u32::try_from(span.as_micros()).unwrap_or(u32::MAX)
}
