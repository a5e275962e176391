//! After the start nothing is allocated.

use raida_epoll::Epoll as Tested;

#[path = "../../sockets/tests/conformance/alone/allocations.rs"]
mod allocations;
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
