//! A sealed answer that may be given again.

use std::fmt;

use raida_reactor::service::Answer;
use raida_wire::Status;
use zeroize::Zeroizing;

/// The octets of a finished answer.
pub(crate) struct Sealed {
    octets: Zeroizing<Vec<u8>>,
    status: Status,
}

impl Sealed {
    /// A copy of a finished answer.
    pub(crate) fn of(answer: &mut Answer<'_>) -> Self {
        let (range, status) = (answer.range(), answer.status());
        Self { octets: Zeroizing::new(answer.buffer(0).get(range).unwrap_or_default().to_vec()), status }
    }

    /// Gives it again.
    pub(crate) fn write(&self, answer: &mut Answer<'_>) {
        for (to, from) in answer.buffer(self.octets.len()).iter_mut().zip(&*self.octets) {
            *to = *from;
        }
        answer.finish(0..self.octets.len(), self.status);
    }

    /// How long it is, in octets.
    pub(crate) fn len(&self) -> usize {
        self.octets.len()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("status", &self.status).finish_non_exhaustive()
    }
}
