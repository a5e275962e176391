//! Refusals: answers that need no service.

use std::ops::Range;
use std::time::Duration;

use raida_wire::{Refusal, header};

use crate::buffer::Buffer;
use crate::random::Random;
use crate::stamp::saturating_micros;

/// Writes a refusal to the front of `buffer`, which has room for any header, and says where it lies.
pub(crate) fn write(
    refusal: &Refusal,
    buffer: &mut Buffer,
    raida_id: u8,
    elapsed: Duration,
    random: &mut Random,
) -> Range<usize> {
    buffer.grow(header::LONG);
    let Some(out) = buffer.as_mut().first_chunk_mut() else { return 0..0 };
    0..refusal.write(out, raida_id, saturating_micros(elapsed), &random.draw())
}
