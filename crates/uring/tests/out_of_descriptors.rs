//! No descriptors left.

use raida_uring::Uring as Tested;

#[path = "../../sockets/tests/conformance/alone/out_of_descriptors.rs"]
mod out_of_descriptors;
#[expect(dead_code, reason = "many programs of tests share it, and this one asks for less")]
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
