//! No descriptors left.

use raida_uring::Uring as Tested;

#[path = "../../sockets/tests/conformance/alone/out_of_descriptors.rs"]
mod out_of_descriptors;
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
