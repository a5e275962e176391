//! The RAIDA wire format: headers, bodies, vote packet, status codes, command registry. No I/O, no clock, no heap.
