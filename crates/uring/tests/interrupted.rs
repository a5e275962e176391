//! Signals in the middle of everything.

use raida_uring::Uring as Tested;

#[path = "../../sockets/tests/conformance/alone/interrupted.rs"]
mod interrupted;
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
