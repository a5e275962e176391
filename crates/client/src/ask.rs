//! One question to one node.

use raida_wire::Status;
use zeroize::Zeroizing;

use crate::answer::{Answer, Reply};
use crate::deadline::Deadline;
use crate::error::{AskError, Trouble};
use crate::letter::Letter;
use crate::options::{Options, Transport};
use crate::question::Question;
use crate::target::Target;
use crate::{tcp, udp};

/// Asks one node and verifies what it answers, whatever the status. Blocks for at most [`Options::total`].
///
/// ```no_run
/// use raida_client::{Options, Question, Target, ask};
/// use raida_client::wire::Command;
///
/// let node = Target::new("127.0.0.1:50000".parse()?);
/// let roots = Question::raw(Command::GET_ALL_ROOTS, []).repeatable().expecting(480);
/// let reply = ask(&node, &roots, &Options::default())?;
/// println!("{}: {} octets", reply.status, reply.payload.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When no answer comes, or none that is verifiably this node's to this question. A status other than success is not an
/// error here.
pub fn ask(target: &Target, question: &Question, options: &Options) -> Result<Reply, AskError> {
    let deadline = Deadline::after(options.total());
    let mut attempts = 0;
    exchange(target, question, options, deadline, &mut attempts)
        .map_err(|trouble| AskError::new(target, attempts, deadline.elapsed(), trouble))
}

/// Asks one node and understands what it answers.
pub(crate) fn ask_for<T>(
    target: &Target,
    question: &Question,
    options: &Options,
    understand: impl FnOnce(Status, &[u8]) -> Result<T, Trouble>,
) -> Result<Answer<T>, AskError> {
    let Reply { status, payload, trip, .. } = ask(target, question, options)?;
    // It may hold authenticity numbers.
    let payload = Zeroizing::new(payload);
    match understand(status, &payload) {
        Ok(value) => Ok(Answer { value, trip }),
        Err(trouble) => Err(AskError::new(target, trip.attempts, trip.latency, trouble)),
    }
}

fn exchange(
    target: &Target,
    question: &Question,
    options: &Options,
    deadline: Deadline,
    attempts: &mut u32,
) -> Result<Reply, Trouble> {
    let letter = Letter::write(target, question)?;
    let addresses = target.address.resolve(deadline.within(options.timeout))?;
    match options.transport {
        Transport::Tcp => {
            let (mut octets, trip) = tcp::exchange(&letter, &addresses, options, deadline, attempts)?;
            Ok(letter.read(&mut octets, trip)?)
        }
        Transport::Udp => {
            let judge = |octets: &mut [u8], trip| letter.judge(octets, trip);
            if letter.is_repeatable {
                udp::exchange(letter.datagram(), &addresses, options.spans(), deadline, attempts, judge)
            } else {
                // Sent once, it has the time of all attempts.
                let span = std::iter::once(options.total());
                udp::exchange(letter.datagram(), &addresses, span, deadline, attempts, judge)
            }
        }
    }
}
