//! No descriptors left.

use raida_epoll::Epoll as Tested;

#[path = "../../sockets/tests/conformance/alone/out_of_descriptors.rs"]
mod out_of_descriptors;
#[path = "../../sockets/tests/conformance/rig.rs"]
mod rig;
