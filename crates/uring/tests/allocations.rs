//! After the start nothing is allocated.

use raida_uring::Uring as Tested;

#[path = "../../sockets/tests/conformance/alone/allocations.rs"]
mod allocations;
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
