//! Whether this kernel lets us.

use raida_sockets::{SetupError, Step};

use crate::rings::Rings;
use crate::sys::Ring;

/// Asks the kernel for everything that [`Uring`](crate::Uring) needs: a ring of the kind it uses, every operation, and
/// buffers that the kernel takes by itself. Nothing is left behind.
///
/// Where this fails, so does [`bind`](raida_sockets::SocketBackend::bind): the kernel is too old (before 6.1), or it
/// forbids io_uring, as Docker's default seccomp profile and `kernel.io_uring_disabled` do.
///
/// # Errors
/// The step that failed, and what the system said.
///
/// ```
/// match raida_uring::probe() {
///     Ok(()) => println!("io_uring it is"),
///     Err(reason) => println!("epoll, then: {reason}"),
/// }
/// ```
pub fn probe() -> Result<(), SetupError> {
    let small = Rings { submissions: 4, completions: 8, short_buffers: 1, long_buffers: 1, ..Rings::default() };
    open(&small).map(drop)
}

/// A ring at rest that can do everything it will be asked to.
pub(crate) fn open(rings: &Rings) -> Result<Ring, SetupError> {
    let cannot = |what| SetupError::because(Step::Backend(what));
    let mut ring = Ring::new(&rings.measures()).map_err(cannot("create the io_uring instance"))?;
    ring.check_features().map_err(cannot("use the io_uring instance"))?;
    ring.check_operations().map_err(cannot("ask io_uring for its operations"))?;
    ring.provide_buffers().map_err(cannot("give the io_uring instance its buffers"))?;
    Ok(ring)
}
