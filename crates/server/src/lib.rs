//! The RAIDA node: configuration, logs, signals and wiring.
