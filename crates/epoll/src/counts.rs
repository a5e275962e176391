//! How many system calls were made, by kind.

/// System calls made so far, retries after a signal not counted. A request's cost in them is what this backend is
/// about, so tests and benchmarks can look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyscallCounts {
    /// `accept4`, those that found nobody included.
    pub accept: u64,
    /// `recv` on connections.
    pub receive: u64,
    /// `send` on connections.
    pub send: u64,
    /// `ioctl` on connections, for the octets that wait.
    pub unread: u64,
    /// `poll` on connections, before a deadline is held against their peers.
    pub poll: u64,
    /// `ioctl` on connections, for the octets that their peers have not taken.
    pub untaken: u64,
    /// `shutdown` on connections.
    pub shutdown: u64,
    /// `close` on adopted connections.
    pub close: u64,
    /// `epoll_ctl`, those while binding not included.
    pub epoll_ctl: u64,
    /// `epoll_wait`.
    pub epoll_wait: u64,
    /// `recvmmsg`.
    pub receive_datagrams: u64,
    /// `sendmmsg`.
    pub send_datagrams: u64,
}
