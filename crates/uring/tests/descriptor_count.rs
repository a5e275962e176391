//! Every way in which a connection can end gives its descriptor back.

use raida_uring::Uring as Tested;

#[path = "../../sockets/tests/conformance/alone/descriptor_count.rs"]
mod descriptor_count;
#[expect(dead_code, reason = "many programs of tests share it, and this one asks for less")]
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
