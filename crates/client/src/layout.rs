//! How many records fit into one request.

use raida_wire::{BODY_MAX, LONG, SHORT};

use crate::letter::UDP_PAYLOAD_LIMIT;
use crate::options::{Options, Transport};
use crate::target::Target;

/// What the payload of a command consists of, in octets: a fixed part and records of one size.
///
/// ```
/// use raida_client::{Layout, Options, Target};
///
/// let node = Target::new("127.0.0.1:50000".parse()?);
/// assert_eq!(Layout::DETECT.most(&node, &Options::default()), 3119);
/// # Ok::<(), raida_client::AddressError>(())
/// ```
///
/// Source: protocol §1.12, §5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What is there once.
    pub fixed: usize,
    /// What is there for every coin.
    pub record: usize,
}

impl Layout {
    /// Detect and Get Ticket: coin and authenticity number.
    pub const DETECT: Self = Self { fixed: 0, record: 21 };
    /// Detect Sum: the sum; coins.
    pub const DETECT_SUM: Self = Self { fixed: 16, record: 5 };
    /// Pown and Find: coin, authenticity number, proposed number.
    pub const POWN: Self = Self { fixed: 0, record: 37 };
    /// Pown Sum and Store: the sum and another number; coins.
    pub const POWN_SUM: Self = Self { fixed: 32, record: 5 };
    /// Fix: the owner's octets and 25 tickets; coins.
    pub const FIX: Self = Self { fixed: 116, record: 5 };
    /// Create and Free: session or nothing, and the admin key; coins.
    pub const CREATE: Self = Self { fixed: 20, record: 5 };
    /// Delete and Remove: a key; coin and authenticity number.
    pub const DELETE: Self = Self { fixed: 16, record: 21 };

    /// How many records one request to this node can carry, at least one. Over UDP that is as many as every node takes
    /// in one datagram.
    #[must_use]
    pub fn most(self, target: &Target, options: &Options) -> usize {
        let encryption = target.envelope.encryption();
        let body = match options.transport {
            Transport::Tcp => BODY_MAX,
            Transport::Udp => UDP_PAYLOAD_LIMIT - if encryption.is_long() { LONG } else { SHORT },
        };
        (body.saturating_sub(encryption.request_overhead() + self.fixed) / self.record.max(1)).max(1)
    }

    /// The size of a payload with so many records.
    pub(crate) const fn len(self, records: usize) -> usize {
        self.fixed.saturating_add(self.record.saturating_mul(records))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Envelope, KeyCoin};

    #[test]
    fn limits_are_those_of_the_protocol() {
        let (node, options) = (Target::new("x:50000".parse().unwrap()), Options::default());
        for (layout, most) in [
            (Layout::DETECT, 3119),
            (Layout::DELETE, 3119),
            (Layout::POWN, 1770),
            (Layout::DETECT_SUM, 13_100),
            (Layout::POWN_SUM, 13_097),
            (Layout::FIX, 13_080),
        ] {
            assert_eq!(layout.most(&node, &options), most);
        }
    }

    #[test]
    fn full_request_fits_whatever_the_envelope_and_the_transport() {
        let number = [7; 16].into();
        let coin = KeyCoin { coin: raida_wire::CoinId::new(0, 1).unwrap(), number };
        for envelope in [Envelope::Clear, Envelope::Coin256(coin)] {
            let node = Target { envelope, ..Target::new("x:50000".parse().unwrap()) };
            let overhead = node.envelope.encryption().request_overhead();
            for (transport, body) in [(Transport::Tcp, 65_535), (Transport::Udp, 1440 - 48)] {
                let options = Options { transport, ..Options::default() };
                for layout in [Layout::DETECT, Layout::POWN, Layout::POWN_SUM, Layout::FIX, Layout::DELETE] {
                    let most = layout.most(&node, &options);
                    assert!(layout.len(most) + overhead <= body + 16 * usize::from(transport == Transport::Udp));
                }
            }
        }
    }
}
