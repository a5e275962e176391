//! CRC-32 as zlib computes it: reflected polynomial 0xEDB88320, start 0xFFFFFFFF, final inversion.

/// The CRC-32 of `octets`.
///
/// ```
/// assert_eq!(raida_wire::crc::crc32(b"Hello World!"), 0x1C29_1CA3);
/// ```
///
/// Source: protocol §2.1
#[must_use]
pub fn crc32(octets: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(octets);
    hasher.finalize()
}
