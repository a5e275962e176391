//! The commands of the Status group.
//!
//! Source: protocol §5.3

use raida_wire::audit::Counts;
use raida_wire::stats::Stats;

use crate::admin_key::AdminKey;
use crate::answer::Answer;
use crate::ask::ask_for;
use crate::error::{AskError, PayloadError, Trouble};
use crate::options::Options;
use crate::question::Question;
use crate::target::Target;
use crate::verdict::success;

/// Asks whether the node is there, and whether it knows the key of the envelope.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one.
pub fn echo(target: &Target, options: &Options) -> Result<Answer<()>, AskError> {
    succeed(target, &Question::echo(), options, |_| Ok(()))
}

/// Asks for the version: eight octets, customarily ASCII digits of a date. They come from the network unjudged.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one.
pub fn version(target: &Target, options: &Options) -> Result<Answer<[u8; 8]>, AskError> {
    succeed(target, &Question::version(), options, |payload| {
        payload.try_into().map_err(|_| PayloadError::Version(payload.len()))
    })
}

/// Asks for the node's four counters. In clear the admin key is there for everybody on the way to read.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one, 38 for a wrong key among them.
pub fn stats(target: &Target, key: &AdminKey, options: &Options) -> Result<Answer<Stats>, AskError> {
    succeed(target, &Question::stats(key), options, |payload| Stats::parse(payload).map_err(PayloadError::Stats))
}

/// Asks how many coins of each denomination are issued.
///
/// # Errors
///
/// See [`AskError`]; any status but 250 is one.
pub fn audit(target: &Target, options: &Options) -> Result<Answer<Counts>, AskError> {
    succeed(target, &Question::audit(), options, |payload| Counts::parse(payload).map_err(PayloadError::Audit))
}

/// Asks, demands success, and understands the payload.
fn succeed<T>(
    target: &Target,
    question: &Question,
    options: &Options,
    understand: impl FnOnce(&[u8]) -> Result<T, PayloadError>,
) -> Result<Answer<T>, AskError> {
    ask_for(target, question, options, |status, payload| {
        understand(success(status, payload)?).map_err(Trouble::Payload)
    })
}
