//! The coins of a RAIDA node: on disk, durable, with their Merkle trees, and in and out of page files.
