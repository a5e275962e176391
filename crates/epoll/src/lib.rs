//! The epoll backend of the RAIDA reactor.
