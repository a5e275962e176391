//! One question to one node.

use crate::answer::Reply;
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
            let sends = if letter.is_repeatable { usize::MAX } else { 1 };
            let spans = options.spans().take(sends);
            udp::exchange(letter.datagram(), &addresses, spans, deadline, attempts, |octets, trip| {
                letter.judge(octets, trip)
            })
        }
    }
}
