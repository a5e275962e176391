//! What a connection asks of its surroundings.

use raida_wire::{Head, Status};

/// Keys and memory, lent to a connection for the length of one call.
pub trait Host {
    /// A run of octets that a connection keeps or hands on.
    type Buffer: AsRef<[u8]> + AsMut<[u8]>;

    /// Check 10, the look-up of the key, as far as it can be told without blocking. `Ok` also where it is not known yet.
    ///
    /// # Errors
    /// The status that refuses the request at once.
    ///
    /// Source: protocol §3.1
    fn admit(&mut self, head: &Head) -> Result<(), Status>;

    /// Whether the answer to this request will be there at once, so that it may leave together with the answer before it.
    /// Asked only where the whole request has come behind another one.
    fn joins(&self, head: &Head) -> bool {
        let _ = head;
        false
    }

    /// A buffer of at least `len` octets, or `None` where no more memory may be used: the request is then answered with
    /// 254. One that is shorter counts as `None`.
    fn take_buffer(&mut self, len: usize) -> Option<Self::Buffer>;

    /// Takes a buffer back.
    fn put_buffer(&mut self, buffer: Self::Buffer);
}
