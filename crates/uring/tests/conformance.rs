//! What every backend over sockets has to do, asked of io_uring.

use raida_uring::Uring as Tested;

#[path = "../../sockets/tests/conformance/mod.rs"]
mod conformance;
#[expect(dead_code, reason = "many programs of tests share it, and this one asks for less")]
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
