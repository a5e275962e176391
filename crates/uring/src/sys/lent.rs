//! A buffer in the kernel's hands.

use std::mem::ManuallyDrop;
use std::ops::Range;

use raida_reactor::buffer::Buffer;

use super::event::Last;

/// A buffer whose octets the kernel may read at any time, until the last completion of the send it was lent to.
///
/// There is no way to its octets. Dropped without that completion it is leaked, because the kernel may still read it.
#[derive(Debug)]
pub(crate) struct Lent(ManuallyDrop<Buffer>);

/// Where the kernel finds the octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) first: *const u8,
    pub(super) len: u32,
}

impl Lent {
    /// Takes the buffer from its owner, or gives it back where `range` does not lie in it.
    pub(super) fn new(buffer: Buffer, range: Range<usize>) -> Result<(Self, Place), Buffer> {
        let place = buffer.as_ref().get(range).and_then(|octets| {
            let len = u32::try_from(octets.len()).ok()?;
            Some(Place { first: octets.as_ptr(), len })
        });
        // A buffer that moves takes its octets along: they are on the heap, and stay where they are.
        match place {
            Some(place) => Ok((Self(ManuallyDrop::new(buffer)), place)),
            None => Err(buffer),
        }
    }

    /// Gives the buffer back to its owner: the kernel has said its last word on the operation.
    pub(crate) fn take_back(self, _last: Last) -> Buffer {
        ManuallyDrop::into_inner(self.0)
    }
}
