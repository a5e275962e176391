//! Octets that get past the first checks.

use raida_wire::{Command, registry};

/// Half of the inputs as they are, the others with a header that passes most checks: chance alone hardly ever writes one.
pub(crate) fn plausible(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    if octets.first().is_some_and(|first| first % 2 == 1) && octets.len() > 48 {
        let commands = registry::all();
        let Command { group, code } = commands[usize::from(octets[4]) % commands.len()].command;
        let shard = octets[3] % 4;
        octets[..8].copy_from_slice(&[1, 0, 14, shard, group, code, 0, 6]);
        octets[16] = [0, 1, 2, 4, 5, octets[16]][usize::from(octets[16]) % 6];
        let (header, length_at) = if octets[16] < 3 { (32, 22) } else { (48, 17) };
        let length = u16::try_from(octets.len() - header).unwrap_or(u16::MAX).to_be_bytes();
        octets[length_at..length_at + 2].copy_from_slice(&length);
        octets[17..17 + if header == 32 { 5 } else { 0 }].fill(0);
        let end = octets.len();
        octets[end - 2..].copy_from_slice(&[0x3E, 0x3E]);
    }
    octets
}
