//! Runs of octets that change hands: half-read bodies, deferred requests, answers.

use std::fmt;

use zeroize::Zeroize;

/// Length of a small buffer in octets: any header, and the answers and bodies of everyday.
pub const SMALL: usize = 4096;

/// Length of a large buffer in octets: the longest request there is (48 + 65 535) with room for a trailer.
pub const LARGE: usize = 65_664;

/// A run of octets owned by whoever holds it. Its contents never appear in `Debug` output.
///
/// The length is fixed while it is in use; [`grow`](Self::grow) is for the rare answer that is longer than
/// [`LARGE`].
///
/// The default is an empty one, which owns no memory.
#[derive(Default)]
pub struct Buffer {
    octets: Box<[u8]>,
    /// How many octets the pool it came from has booked for it; 0 where it came from none.
    booked: u32,
    /// How many octets at the front may have been written since it was last wiped.
    touched: u32,
}

impl Buffer {
    /// A zeroed buffer of `len` octets. Outside of tests and start-up, take buffers from a
    /// [`BufferPool`](crate::buffer_pool::BufferPool).
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self { octets: vec![0; len].into(), booked: 0, touched: 0 }
    }

    /// How many octets it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.octets.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Makes it at least `len` octets long; what is new is zero. Allocates where it was shorter.
    pub fn grow(&mut self, len: usize) {
        if self.octets.len() < len {
            let mut longer = vec![0; len].into_boxed_slice();
            for (to, from) in longer.iter_mut().zip(&*self.octets) {
                *to = *from;
            }
            self.octets.zeroize();
            self.octets = longer;
        }
    }

    /// The first `len` octets, or as many more as were asked for before; grown where it is shorter. Only those are wiped
    /// in the end: most answers are short, and wiping the whole buffer takes as long as making one.
    pub fn front_mut(&mut self, len: usize) -> &mut [u8] {
        self.grow(len);
        self.touched = self.touched.max(capped(len));
        self.octets.get_mut(..self.touched as usize).unwrap_or_default()
    }

    pub(crate) fn booked(&self) -> usize {
        self.booked as usize
    }

    pub(crate) fn book(&mut self, octets: usize) {
        self.booked = capped(octets);
    }

    /// Makes all octets zero.
    pub(crate) fn wipe(&mut self) {
        self.octets.get_mut(..self.touched as usize).unwrap_or_default().fill(0);
        self.touched = 0;
    }
}

/// Connections hold buffers, so a buffer is small: no answer comes near four gigabytes.
fn capped(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

const _: () = assert!(size_of::<Buffer>() == 24);

impl Drop for Buffer {
    /// What leaves without passing the pool may hold a key's octets too.
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        self.touched = capped(self.octets.len());
        &mut self.octets
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.octets.len()).finish_non_exhaustive()
    }
}
