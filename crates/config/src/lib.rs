//! The configuration of a RAIDA node: file, environment and flags, checked, with the origin of each value.
