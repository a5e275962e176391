//! A simulated network and clock: the RAIDA reactor's third backend, driven by one seed.
