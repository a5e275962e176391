//! Which backend serves.

use raida_config::Backend;

/// Whether this build has io_uring.
pub(crate) const HAS_IO_URING: bool = cfg!(feature = "io-uring");

/// The backend that was asked for, or epoll where the kernel refuses that one.
#[cfg(feature = "io-uring")]
pub(crate) fn available(wish: Backend) -> Backend {
    match wish {
        Backend::Epoll => Backend::Epoll,
        Backend::IoUring => raida_uring::probe().map_or_else(fall_back, |()| Backend::IoUring),
    }
}

/// The backend that was asked for: there is only one.
#[cfg(not(feature = "io-uring"))]
pub(crate) const fn available(wish: Backend) -> Backend {
    wish
}

#[cfg(feature = "io-uring")]
fn fall_back(error: raida_sockets::SetupError) -> Backend {
    tracing::warn!(%error, "THE KERNEL REFUSES IO_URING, which network.backend asks for: serving with epoll instead");
    Backend::Epoll
}
