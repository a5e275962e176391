//! What every backend has to do, seen from outside: real processes on real sockets.
