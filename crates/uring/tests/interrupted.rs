//! Signals in the middle of everything.

use raida_uring::Uring as Tested;

#[path = "../../sockets/tests/conformance/alone/interrupted.rs"]
mod interrupted;
#[expect(dead_code, reason = "many programs of tests share it, and this one asks for less")]
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
