//! One RAIDA connection as a state machine without I/O: octets, time and responses in, the next step out.
