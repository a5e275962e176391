//! The client: cheap, so that the server is what is measured, and honest: every answer is checked.

mod datagrams;
mod engine;
mod pipeline;
mod question;
mod record;
mod stream;
mod tricklers;

pub(crate) use engine::{Drive, Pace};
pub(crate) use pipeline::Pipeline;
pub(crate) use question::{Ask, Mix, Question, Speech};
pub(crate) use record::{Progress, Record};
pub(crate) use stream::Streams;
