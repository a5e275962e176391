//! How unkind the network is.

use std::time::Duration;

/// The odds of everything that can go wrong without anybody's fault. Percentages are out of a hundred.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Longest time on the way, each way. Octets of one connection never overtake each other; datagrams do.
    pub delay: Duration,
    /// How often a run of octets is cut where it need not be: on the way in, on receiving, on sending.
    pub split_percent: u8,
    /// How often a datagram is lost, each way.
    pub loss_percent: u8,
    /// How often a datagram comes twice, each way.
    pub double_percent: u8,
    /// Octets a client's kernel takes before its program reads them.
    pub window: usize,
    /// Accepted connections the node's system has descriptors for.
    pub descriptors: usize,
    /// Virtual time that handling one completion takes.
    pub cost: Duration,
    /// Completions that are ready together come in any order.
    pub shuffled: bool,
    /// How often an operation that could be done is not done yet, as after `EAGAIN`.
    pub hold_percent: u8,
    /// Longest time until such an operation is tried again, and until the loop hears that it was woken.
    pub hold: Duration,
    /// How often, out of a thousand, a wait ends for nothing, as after `EINTR`, or as if somebody had called the waker.
    pub spurious_permille: u16,
    /// How often, out of a thousand, an operation on a connection fails, and the connection with it.
    pub break_permille: u16,
    /// How often something is reported for a connection that has been closed already.
    pub stale_percent: u8,
    /// How often an accept fails although there are descriptors.
    pub accept_fails_percent: u8,
    /// Datagrams that the node's kernel holds. More are lost.
    pub mailbox: usize,
}

impl Weather {
    /// Nothing goes wrong, and nothing takes time.
    #[must_use]
    pub const fn calm() -> Self {
        Self {
            delay: Duration::ZERO,
            split_percent: 0,
            loss_percent: 0,
            double_percent: 0,
            window: 1 << 20,
            descriptors: usize::MAX,
            cost: Duration::ZERO,
            shuffled: false,
            hold_percent: 0,
            hold: Duration::ZERO,
            spurious_permille: 0,
            break_permille: 0,
            stale_percent: 0,
            accept_fails_percent: 0,
            mailbox: usize::MAX,
        }
    }

    /// Delays up to 20 ms, a cut in two of five runs, one datagram in five lost, one in five doubled, small windows.
    #[must_use]
    pub const fn rough() -> Self {
        Self {
            delay: Duration::from_millis(20),
            split_percent: 40,
            loss_percent: 20,
            double_percent: 20,
            window: 2000,
            descriptors: usize::MAX,
            cost: Duration::from_micros(15),
            shuffled: true,
            ..Self::calm()
        }
    }
}
