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
    /// `shutdown` on connections.
    pub shutdown: u64,
    /// `recvmmsg`.
    pub receive_datagrams: u64,
    /// `sendmmsg`.
    pub send_datagrams: u64,
}
