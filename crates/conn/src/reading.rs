//! From octets to a whole request, or to the refusal of its header.

use raida_wire::{Head, Refusal, Status};

use crate::host::Host;
use crate::instant::Instant;
use crate::phase::{Processing, State, WantReadBody, WantReadHeader};
use crate::policy::Policy;
use crate::step::Octets;
use crate::surplus::{Source, take};

/// What surrounds one call.
pub(crate) struct Turn<'t, H> {
    pub(crate) now: Instant,
    pub(crate) policy: &'t Policy,
    pub(crate) host: &'t mut H,
}

/// What came of reading.
pub(crate) enum Reading<B> {
    /// The input is used up, and the request is not whole.
    Unfinished(State<B>),
    /// The header will not do. What follows it is not looked at.
    Refused(Processing<B>, Refusal),
    /// The request is whole with the first `used` octets of the input.
    Whole { processing: Processing<B>, head: Head, request: Octets<B>, used: usize },
}

impl WantReadHeader {
    /// Judges the header as soon as it is complete. A request that is whole in a lent input stays there.
    pub(crate) fn read<B, H>(mut self, source: &Source<'_, B>, turn: &mut Turn<'_, H>) -> Reading<B>
    where
        B: AsRef<[u8]> + AsMut<[u8]>,
        H: Host<Buffer = B>,
    {
        self.progressed(turn.now, turn.policy);
        let input = source.octets();
        let judged = if self.kept().is_empty() {
            Head::judge(input, &turn.policy.rules)
        } else {
            let (octets, len) = self.joined(input);
            Head::judge(octets.get(..len).unwrap_or_default(), &turn.policy.rules)
        };
        let head = match judged.and_then(|head| head.map(|head| turn.admit(&head).map(|()| head)).transpose()) {
            Ok(Some(head)) => head,
            Ok(None) => {
                self.keep(input);
                return Reading::Unfinished(State::WantReadHeader(self));
            }
            Err(refusal) => return Reading::Refused(self.into_processing(), refusal),
        };
        let used = head.request_len();
        if source.is_lent() && self.kept().is_empty() && input.len() >= used {
            return Reading::Whole { processing: self.into_processing(), head, request: Octets::Input(0..used), used };
        }
        match take(used, turn.host) {
            Some(buffer) => self.into_body(head, buffer).fill_from(input),
            None => Reading::Refused(self.into_processing(), head.refuse(Status::MEMORY_ALLOC)),
        }
    }
}

impl<B: AsMut<[u8]>> WantReadBody<B> {
    pub(crate) fn read<H>(mut self, input: &[u8], turn: &Turn<'_, H>) -> Reading<B> {
        self.progressed(turn.now, turn.policy);
        self.fill_from(input)
    }

    fn fill_from(mut self, input: &[u8]) -> Reading<B> {
        let used = self.fill(input);
        if !self.is_whole() {
            return Reading::Unfinished(State::WantReadBody(self));
        }
        let (processing, head, buffer) = self.into_processing();
        Reading::Whole { processing, head, request: Octets::Stored(buffer, head.request_len()), used }
    }
}

impl<H: Host> Turn<'_, H> {
    /// Everything that the header alone can be refused for, once it is parsed: check 10, then the length checks.
    pub(crate) fn admit(&mut self, head: &Head) -> Result<(), Refusal> {
        self.host.admit(head).map_err(|status| head.refuse(status))?;
        head.check_length(&self.policy.rules)
    }
}
