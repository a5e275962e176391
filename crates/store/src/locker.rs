//! The index from locker keys to coins: a sorted table that changes with the records, in the same commit.
//!
//! A row is sixteen octets of key and five of coin: the place of the denomination, then the serial number, so that rows
//! sort as coins do.
//!
//! Source: protocol §5.6

use raida_wire::{AuthenticityNumber, CoinId, Denomination};
use redb::{ReadableTable, StorageError};

use crate::chunk::{Chunk, ChunkId};

pub(crate) const ROW_LEN: usize = 21;

pub(crate) type Row = [u8; ROW_LEN];

pub(crate) type Key = [u8; 16];

/// The lockers whose key begins with `prefix`, ascending, so many at most.
pub(crate) fn keys(
    table: &impl ReadableTable<&'static Row, ()>,
    prefix: [u8; 5],
    max: usize,
) -> Result<Vec<AuthenticityNumber>, StorageError> {
    let mut found: Vec<AuthenticityNumber> = Vec::new();
    let mut from = bound(&prefix, 0);
    let end = bound(&prefix, u8::MAX);
    while found.len() < max {
        let Some(row) = table.range::<&Row>(&from..=&end)?.next() else { break };
        let row = *row?.0.value();
        // One step behind the last coin that this locker could hold.
        let [key @ .., _, _, _, _, _] = &row;
        from = bound(key, u8::MAX);
        found.push(AuthenticityNumber::new(*key));
    }
    Ok(found)
}

/// The coins of a locker, ascending, so many at most.
pub(crate) fn coins(
    table: &impl ReadableTable<&'static Row, ()>,
    key: &AuthenticityNumber,
    max: usize,
) -> Result<Vec<CoinId>, StorageError> {
    coins_of(table, key)?.take(max).collect()
}

/// The coins of a locker, ascending, read one by one.
pub(crate) fn coins_of(
    table: &impl ReadableTable<&'static Row, ()>,
    key: &AuthenticityNumber,
) -> Result<impl Iterator<Item = Result<CoinId, StorageError>>, StorageError> {
    let (from, end) = (bound(key.octets(), 0), bound(key.octets(), u8::MAX));
    let rows = table.range::<&Row>(&from..=&end)?;
    Ok(rows.filter_map(|row| row.map(|(row, _)| coin(row.value())).transpose()))
}

/// The rows that a chunk's records stand for, ascending by place.
pub(crate) fn rows(id: ChunkId, chunk: &Chunk) -> impl Iterator<Item = (usize, Row)> {
    let keys = chunk.numbers().enumerate().filter_map(|(place, number)| Some((place, number?)));
    let keys = keys.filter(|(_, number)| matches!(number, [.., 0xFF, 0xFF, 0xFF, 0xFF]));
    keys.filter_map(move |(place, number)| Some((place, row(number, id.coin(place)?))))
}

fn row(key: &[u8; 16], coin: CoinId) -> Row {
    let mut row = bound(key, 0);
    let [.., denomination, a, b, c, d] = &mut row;
    *denomination = u8::try_from(coin.denomination.index()).unwrap_or(u8::MAX);
    [*a, *b, *c, *d] = coin.serial_number.get().to_be_bytes();
    row
}

fn coin(row: &Row) -> Option<CoinId> {
    let [.., denomination, a, b, c, d] = *row;
    let denomination = Denomination::all().nth(usize::from(denomination))?;
    CoinId::new(denomination.exponent(), u32::from_be_bytes([a, b, c, d]))
}

/// A row that begins with these octets and goes on with `fill`.
fn bound(start: &[u8], fill: u8) -> Row {
    let mut row = [fill; ROW_LEN];
    row.iter_mut().zip(start).for_each(|(octet, start)| *octet = *start);
    row
}
