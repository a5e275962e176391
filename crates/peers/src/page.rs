//! One page of a mirror, judged and put in the place of our own.

use std::error::Error;
use std::fmt;

use raida_store::pages::PAGE_LEN;
use raida_store::{PageId, Record, Store, StoreError};
use raida_wire::merkle::{self, Node};
use raida_wire::{CoinId, Month};

/// Replaces a page by that of a mirror, all of it or nothing, with one durable commit. Returns how many coins have changed.
///
/// `leaf` is what the mirror's page must hash to. `before` is what our own was when the mirrors were asked: a page that a
/// client has changed since is left alone, for the mirrors did not know that. A coin whose number is the same keeps its
/// month, which no leaf covers.
///
/// # Errors
///
/// The page is not what it should be, ours has changed, or the store fails. Nothing has changed then.
///
/// Source: protocol §6.2, §6.4
pub fn replace_page(
    store: &Store,
    page: PageId,
    octets: &[u8; PAGE_LEN],
    leaf: &Node,
    before: &Node,
) -> Result<usize, PageError> {
    let theirs = judge(page, octets, leaf)?;
    let mut batch = store.write()?;
    let changed = batch.request(|changes| {
        let read = |(coin, _): &(CoinId, _)| changes.get(*coin);
        let ours = theirs.iter().map(read).collect::<Result<Vec<Option<Record>>, _>>()?;
        if hash(ours.iter().map(Option::as_ref)) != *before {
            return Err(PageError::Moved);
        }
        let mut changed = 0;
        for ((coin, theirs), ours) in theirs.iter().zip(&ours) {
            match theirs {
                Some(theirs) if ours.as_ref().is_none_or(|ours| ours.an != theirs.an) => changes.set(*coin, theirs)?,
                None if ours.is_some() => changes.free(*coin)?,
                Some(_) | None => continue,
            }
            changed += 1;
        }
        Ok(changed)
    })?;
    batch.commit()?;
    Ok(changed)
}

/// The coins of a page with their records, if it hashes to `leaf`.
fn judge(page: PageId, octets: &[u8; PAGE_LEN], leaf: &Node) -> Result<Vec<(CoinId, Option<Record>)>, PageError> {
    let records = octets.as_chunks::<17>().0.iter().enumerate();
    let coins: Vec<_> = records.filter_map(|(place, octets)| Some((page.coin(place)?, record(octets)))).collect();
    if hash(coins.iter().map(|(_, record)| record.as_ref())) != *leaf {
        return Err(PageError::Leaf);
    }
    // Sixteen zeros hash as a coin that is not issued: a mirror could make one out of nothing, and know its number.
    match coins.iter().find(|(_, record)| record.as_ref().is_some_and(|record| *record.an.octets() == [0; 16])) {
        Some((coin, _)) => Err(PageError::Ambiguous(*coin)),
        None => Ok(coins),
    }
}

fn record(octets: &[u8; 17]) -> Option<Record> {
    let [number @ .., month] = *octets;
    let month = Month(month);
    month.is_issued().then(|| Record { an: number.into(), month })
}

fn hash<'r>(records: impl Iterator<Item = Option<&'r Record>>) -> Node {
    merkle::leaf(records.map(|record| record.map(|record| record.an.octets())))
}

/// Why a page was not replaced.
#[derive(Debug)]
pub enum PageError {
    /// The mirror's page does not hash to the proven leaf.
    Leaf,
    /// It has this coin as issued with a number of zeros, which hashes as if it were not issued.
    Ambiguous(CoinId),
    /// Our own page is no longer what it was when the mirrors were asked.
    Moved,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf => f.write_str("page does not hash to the leaf that the mirrors agree on"),
            Self::Ambiguous(coin) => write!(f, "coin {coin} is issued with a number of zeros, which no leaf can tell"),
            Self::Moved => f.write_str("page was changed by a client meanwhile"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl Error for PageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            Self::Leaf | Self::Ambiguous(_) | Self::Moved => None,
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
