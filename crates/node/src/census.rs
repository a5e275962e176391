//! How many coins there are.

use raida_wire::audit::Counts;

/// Counts the issued coins.
pub trait Census: Send + Sync + 'static {
    /// Issued coins per denomination, as they stand now. Asked on the I/O thread: it comes from memory, never from a scan.
    ///
    /// Source: protocol §5.3
    fn issued(&self) -> Counts;
}
