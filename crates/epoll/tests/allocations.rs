//! After the start nothing is allocated.

use raida_epoll::Epoll as Tested;

#[path = "../../sockets/tests/conformance/alone/allocations.rs"]
mod allocations;
#[expect(dead_code, reason = "many programs of tests share it, and this one asks for less")]
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
