//! How many system calls were made, by kind.

/// System calls made so far, retries after a signal not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyscallCounts {
    /// `io_uring_enter`: each submits, waits and takes in at once.
    pub enter: u64,
    /// `getpeername`, for each connection reported.
    pub peer_address: u64,
    /// `ioctl` on connections, for the octets that wait.
    pub unread: u64,
    /// `send` on connections, of what is their last.
    pub send: u64,
    /// `poll` on connections, before a deadline is held against their peers.
    pub poll: u64,
    /// `ioctl` on connections, for the octets that their peers have not taken.
    pub untaken: u64,
    /// `shutdown` on connections.
    pub shutdown: u64,
    /// `close` on connections with nothing in flight; the others are closed by the ring.
    pub close: u64,
    /// `recvmmsg`.
    pub receive_datagrams: u64,
    /// `sendmmsg`.
    pub send_datagrams: u64,
}

/// What happens rarely, and what it takes: how often so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incidents {
    /// Octets came while every buffer was out; the receive was started again when one came back.
    pub starved: u64,
    /// Accepting ended in the kernel, for whatever reason, and had to be started again.
    pub accepts_ended: u64,
    /// Completions had no room in the shared queue, and the kernel kept them until there was some.
    pub overflowed: u64,
    /// Operations had no room in the submission queue, and were submitted at once.
    pub queue_full: u64,
    /// Completions for a tenancy that was over.
    pub stale: u64,
}
