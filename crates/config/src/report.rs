//! What comes to light while a configuration is read.

use crate::problem::{Notice, Problem};

/// Everything found so far: reading goes on after a problem, so that all of them are named at once.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) problems: Vec<Problem>,
    pub(crate) notices: Vec<Notice>,
}
