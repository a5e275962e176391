//! The event loop of a RAIDA node over any backend: slots, deadlines, fairness, dispatch, statistics.
