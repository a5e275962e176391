//! Strategies for property tests, defined once for this crate and for its users.
