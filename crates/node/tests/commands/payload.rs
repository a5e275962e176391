//! Payloads, written by hand from the protocol.

use raida_node::testing::ADMIN_KEY;
use raida_wire::CoinId;

pub(crate) type Number = [u8; 16];

pub(crate) fn coin(denomination: i8, serial_number: u32) -> CoinId {
    CoinId::new(denomination, serial_number).expect("in range")
}

/// Five octets that may name no coin at all.
pub(crate) fn raw(denomination: i8, serial_number: u32) -> [u8; 5] {
    let [a, b, c, d] = serial_number.to_be_bytes();
    [denomination.cast_unsigned(), a, b, c, d]
}

pub(crate) fn id(coin: CoinId) -> [u8; 5] {
    raw(coin.denomination.exponent(), coin.serial_number.get())
}

pub(crate) fn xor(numbers: &[Number]) -> Number {
    numbers.iter().fold([0; 16], |sum, number| std::array::from_fn(|i| sum[i] ^ number[i]))
}

/// Detect, Get Ticket.
pub(crate) fn claims(claims: &[([u8; 5], Number)]) -> Vec<u8> {
    claims.iter().flat_map(|(coin, an)| [&coin[..], an].concat()).collect()
}

/// Pown, Find.
pub(crate) fn exchanges(exchanges: &[([u8; 5], Number, Number)]) -> Vec<u8> {
    exchanges.iter().flat_map(|(coin, an, pan)| [&coin[..], an, pan].concat()).collect()
}

/// Detect Sum; with a second number Pown Sum and Store.
pub(crate) fn sum(coins: &[[u8; 5]], sum: Number, second: Option<Number>) -> Vec<u8> {
    [coins.as_flattened(), &sum, second.as_ref().map_or(&[], |second| &second[..])].concat()
}

/// Remove.
pub(crate) fn remove(key: Number, coins: &[([u8; 5], Number)]) -> Vec<u8> {
    [&key[..], &claims(coins)].concat()
}

/// 9/91.
pub(crate) fn change(session: u32, operation: u8, denomination: i8) -> Vec<u8> {
    [&session.to_be_bytes()[..], &[operation, denomination.cast_unsigned()]].concat()
}

/// Break and Join.
pub(crate) fn whole(session: u32, coin: [u8; 5], number: Number, parts: &[([u8; 5], Number)]) -> Vec<u8> {
    [&session.to_be_bytes()[..], &coin, &number, &claims(parts)].concat()
}

/// 3/120.
pub(crate) fn available(session: u32, denominations: &[i8]) -> Vec<u8> {
    let mut flags = [0; 16];
    denominations.iter().for_each(|denomination| flags[usize::try_from(denomination + 8).unwrap()] = 1);
    [&session.to_be_bytes()[..], &ADMIN_KEY, &flags].concat()
}

/// Create Coins, and Free Coins with any number in front.
pub(crate) fn create(session: u32, coins: &[[u8; 5]]) -> Vec<u8> {
    [&session.to_be_bytes()[..], &ADMIN_KEY, coins.as_flattened()].concat()
}

/// Delete Coins.
pub(crate) fn delete(coins: &[([u8; 5], Number)]) -> Vec<u8> {
    [&ADMIN_KEY[..], &claims(coins)].concat()
}

/// Get All SNs.
pub(crate) fn all_numbers(denomination: i8) -> Vec<u8> {
    [&ADMIN_KEY[..], &[denomination.cast_unsigned()]].concat()
}

/// Validate Ticket.
pub(crate) fn ticket(raida_id: u8, number: u32) -> Vec<u8> {
    [&[raida_id][..], &number.to_be_bytes()].concat()
}

/// Fix.
pub(crate) fn fix(coins: &[[u8; 5]], pg: Number, tickets: [u32; 25]) -> Vec<u8> {
    [coins.as_flattened(), &pg, tickets.map(u32::to_be_bytes).as_flattened()].concat()
}

/// A number in an answer.
pub(crate) fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(octets[at..at + 4].try_into().unwrap())
}
