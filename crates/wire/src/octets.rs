//! Fields at fixed offsets of fixed arrays. The offsets are checked when the crate is compiled.

use core::array;

/// The `N` octets that start at `AT`.
pub(crate) fn field<const AT: usize, const N: usize, const LEN: usize>(octets: &[u8; LEN]) -> [u8; N] {
    const { assert!(AT + N <= LEN, "the field ends behind the array") };
    array::from_fn(|i| octets.get(AT + i).copied().unwrap_or_default())
}

/// Writes `value` at `AT`.
pub(crate) fn put<const AT: usize, const N: usize, const LEN: usize>(octets: &mut [u8; LEN], value: [u8; N]) {
    const { assert!(AT + N <= LEN, "the field ends behind the array") };
    for (to, from) in octets.iter_mut().skip(AT).zip(value) {
        *to = from;
    }
}

/// `left` XOR `right`, octet by octet.
pub(crate) fn xor<const N: usize>(mut left: [u8; N], right: &[u8; N]) -> [u8; N] {
    for (to, from) in left.iter_mut().zip(right) {
        *to ^= from;
    }
    left
}
