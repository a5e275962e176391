//! Octets that came behind a request.

use core::ops::Range;

use raida_wire::{BODY_MAX, Head, LONG, Rules};

use crate::host::Host;

/// The most octets that are kept behind a request, for the requests that follow: as many as the longest one has.
pub const PIPELINE_MAX: usize = LONG + BODY_MAX;

/// While fewer octets of answers than this are ready, the answer to the next request may join them.
pub const JOINED_MAX: usize = 2048;

/// What is known of the octets behind a request.
pub(crate) enum Surplus<B> {
    /// There were none.
    Nothing,
    /// There were some, or may still be, and nobody wants them: closing without a farewell could destroy the answer.
    Lost,
    /// The beginning of further requests, in this range of the input that brought the request. It is here only as long as
    /// that input.
    Lent(Range<usize>),
    /// The beginning of further requests.
    Kept(Leftover<B>),
}

impl<B> Surplus<B> {
    pub(crate) fn give_back(self, host: &mut impl Host<Buffer = B>) {
        if let Self::Kept(leftover) = self {
            host.put_buffer(leftover.buffer);
        }
    }

    /// What lies in this range of the present input, behind a request that is answered at once.
    pub(crate) fn lent(range: Range<usize>, wanted: bool) -> Self {
        match range.is_empty() {
            true => Self::Nothing,
            false if wanted => Self::Lent(range),
            false => Self::Lost,
        }
    }

    /// Keeps what is only lent, beyond the input that it is in.
    pub(crate) fn beyond(self, input: &[u8], host: &mut impl Host<Buffer = B>) -> Self
    where
        B: AsMut<[u8]>,
    {
        match self {
            Self::Lent(range) => input.get(range).and_then(|rest| copied(rest, host)).map_or(Self::Lost, Self::Kept),
            Self::Nothing | Self::Lost | Self::Kept(_) => self,
        }
    }
}

impl<B: AsRef<[u8]>> Leftover<B> {
    fn octets(&self) -> &[u8] {
        self.buffer.as_ref().get(self.range.clone()).unwrap_or_default()
    }

    /// The header of the request at its beginning, if all of that request is here.
    pub(crate) fn whole(&self, rules: &Rules) -> Option<Head> {
        whole(self.octets(), rules)
    }
}

/// Octets of further requests, in a buffer of the host's.
pub(crate) struct Leftover<B> {
    buffer: B,
    range: Range<usize>,
}

/// Where the octets of a request come from.
pub(crate) enum Source<'i, B> {
    /// The input of this very call.
    Lent(&'i [u8]),
    /// An earlier input, behind an earlier request.
    Kept(Leftover<B>),
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Source<'_, B> {
    pub(crate) fn octets(&self) -> &[u8] {
        match self {
            Self::Lent(input) => input,
            Self::Kept(leftover) => leftover.octets(),
        }
    }

    /// Whether the driver can be pointed at the octets.
    pub(crate) fn is_lent(&self) -> bool {
        matches!(self, Self::Lent(_))
    }

    /// Keeps what lies behind the first `used` octets for the requests that follow, if there may be any. Where the request
    /// is `answered_at_once`, they stay in a lent input for the time being.
    pub(crate) fn into_surplus(
        self,
        used: usize,
        wanted: bool,
        answered_at_once: bool,
        host: &mut impl Host<Buffer = B>,
    ) -> Surplus<B> {
        let rest = self.octets().get(used..).unwrap_or_default();
        if rest.is_empty() || !wanted {
            let surplus = if rest.is_empty() { Surplus::Nothing } else { Surplus::Lost };
            self.discard(host);
            return surplus;
        }
        match self {
            Self::Lent(input) if answered_at_once && rest.len() <= PIPELINE_MAX => Surplus::Lent(used..input.len()),
            Self::Lent(_) => copied(rest, host).map_or(Surplus::Lost, Surplus::Kept),
            Self::Kept(Leftover { buffer, range: Range { start, end } }) => {
                Surplus::Kept(Leftover { buffer, range: start + used..end })
            }
        }
    }

    pub(crate) fn discard(self, host: &mut impl Host<Buffer = B>) {
        if let Self::Kept(leftover) = self {
            host.put_buffer(leftover.buffer);
        }
    }
}

/// The header of the request at the front of `octets`, if all of that request is here.
pub(crate) fn whole(octets: &[u8], rules: &Rules) -> Option<Head> {
    let head = Head::judge(octets, rules).ok().flatten()?;
    (octets.len() >= head.request_len()).then_some(head)
}

fn copied<B: AsMut<[u8]>>(octets: &[u8], host: &mut impl Host<Buffer = B>) -> Option<Leftover<B>> {
    let len = octets.len();
    if len > PIPELINE_MAX {
        return None;
    }
    let mut buffer = take(len, host)?;
    buffer.as_mut().get_mut(..len)?.copy_from_slice(octets);
    Some(Leftover { buffer, range: 0..len })
}

/// A buffer that really has `len` octets.
pub(crate) fn take<B: AsMut<[u8]>>(len: usize, host: &mut impl Host<Buffer = B>) -> Option<B> {
    let mut buffer = host.take_buffer(len)?;
    if buffer.as_mut().len() >= len {
        return Some(buffer);
    }
    host.put_buffer(buffer);
    None
}
