//! The vote: "are your Merkle roots the same as mine?"

use raida_wire::vote::{REQUEST_LEN, ROOTS_LEN, ask, read};

use crate::answer::{Answer, Trip};
use crate::deadline::Deadline;
use crate::envelope::random;
use crate::error::{AskError, Trouble};
use crate::options::Options;
use crate::target::Target;
use crate::udp::{self, Verdict};

/// Asks whether the node's fifteen Merkle roots are the same as these, denominations ascending from -8 to 6; a
/// denomination without a tree is 32 zeros.
///
/// A vote knows UDP only, whatever the options say, and neither RAIDA id, coin id nor envelope.
///
/// # Errors
///
/// See [`AskError`]. That the roots differ is none.
///
/// Source: protocol §6.1
pub fn vote(target: &Target, roots: &[u8; ROOTS_LEN], options: &Options) -> Result<Answer<bool>, AskError> {
    let deadline = Deadline::after(options.total());
    let mut attempts = 0;
    exchange(target, roots, options, deadline, &mut attempts)
        .map_err(|trouble| AskError::new(target, attempts, deadline.elapsed(), trouble))
}

fn exchange(
    target: &Target,
    roots: &[u8; ROOTS_LEN],
    options: &Options,
    deadline: Deadline,
    attempts: &mut u32,
) -> Result<Answer<bool>, Trouble> {
    let nonce = random()?;
    let mut datagram = [0; REQUEST_LEN];
    ask(roots, &nonce, &mut datagram);
    let addresses = target.address.resolve(deadline.within(options.timeout))?;
    let judge = |octets: &mut [u8], trip: Trip| match read(octets, &nonce) {
        Ok(value) => Verdict::Answer(Answer { value, trip }),
        Err(_) => Verdict::Stray(None),
    };
    udp::exchange(&datagram, &addresses, options.spans(), deadline, attempts, judge)
}
