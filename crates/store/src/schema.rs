//! The tables of the database, and how a database is opened, made and recognised.

use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};
use subtle::ConstantTimeEq;

use crate::chunk;
use crate::error::{Damage, OpenError, StoreError};
use crate::page_set::PageSet;
use crate::unissued::Unissued;

/// Chunks with something issued.
pub(crate) const CHUNKS: TableDefinition<'_, u32, &[u8; chunk::LEN]> = TableDefinition::new("chunks");

/// The issued bits of pages with something issued, as sixteen words of eight octets, least significant first.
pub(crate) const ISSUED: TableDefinition<'_, u16, &[u8; 128]> = TableDefinition::new("issued");

/// The leaves of pages that were hashed since something was first issued there.
pub(crate) const LEAVES: TableDefinition<'_, u16, &[u8; 32]> = TableDefinition::new("leaves");

/// One row per coin in a locker: see [`locker`](crate::locker).
pub(crate) const LOCKERS: TableDefinition<'_, &[u8; crate::locker::ROW_LEN], ()> = TableDefinition::new("lockers");

/// What is known of the store as a whole.
pub(crate) const FACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("facts");

/// Fact: version of this schema.
const SCHEMA: &str = "schema";
/// Fact: a value derived from the node's secret.
const SECRET: &str = "secret";
/// Fact: the version of what is computed from the chunks. Where it is another, all of it is computed anew.
const DERIVED: &str = "derived";
/// Fact: the pages changed since their leaf was hashed.
pub(crate) const STALE: &str = "stale";

const VERSION: u8 = 1;
const DERIVED_VERSION: u8 = 1;

/// Makes the tables where there are none; refuses what is no store, another version's, or made with another secret.
pub(crate) fn prepare(database: &Database, unissued: &Unissued) -> Result<(), OpenError> {
    if is_blank(database)? {
        return Ok(create(database, unissued)?);
    }
    let transaction = database.begin_read().map_err(StoreError::from)?;
    let facts = transaction.open_table(FACTS).map_err(|_| OpenError::Foreign)?;
    let fact = |name| facts.get(name).map_err(StoreError::from);
    match fact(SCHEMA)?.as_ref().map(|fact| fact.value()) {
        Some([VERSION]) => {}
        Some([found]) => return Err(OpenError::Version { found: *found, expected: VERSION }),
        _ => return Err(OpenError::Foreign),
    }
    let known = fact(SECRET)?.ok_or(OpenError::Foreign)?;
    if !bool::from(known.value().ct_eq(&unissued.check_value())) {
        return Err(OpenError::Secret);
    }
    Ok(())
}

/// Whether what is computed from the chunks has to be computed anew.
pub(crate) fn is_derived_anew(database: &Database) -> Result<bool, StoreError> {
    let facts = database.begin_read()?.open_table(FACTS)?;
    Ok(facts.get(DERIVED)?.is_none_or(|fact| fact.value() != [DERIVED_VERSION]))
}

/// Notes that what is computed from the chunks is up to date in this transaction.
pub(crate) fn note_derived(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(FACTS)?.insert(DERIVED, [DERIVED_VERSION].as_slice())?;
    Ok(())
}

/// The pages changed since their leaf was hashed.
pub(crate) fn stale(database: &Database) -> Result<PageSet, StoreError> {
    let facts = database.begin_read()?.open_table(FACTS)?;
    match facts.get(STALE)? {
        Some(fact) => PageSet::read(fact.value()).ok_or(StoreError::Damaged(Damage::StaleMarks)),
        None => Ok(PageSet::new()),
    }
}

fn is_blank(database: &Database) -> Result<bool, StoreError> {
    let transaction = database.begin_read()?;
    Ok(transaction.list_tables()?.next().is_none() && transaction.list_multimap_tables()?.next().is_none())
}

fn create(database: &Database, unissued: &Unissued) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    transaction.open_table(CHUNKS)?;
    transaction.open_table(ISSUED)?;
    transaction.open_table(LEAVES)?;
    transaction.open_table(LOCKERS)?;
    {
        let mut facts = transaction.open_table(FACTS)?;
        facts.insert(SCHEMA, [VERSION].as_slice())?;
        facts.insert(SECRET, unissued.check_value().as_slice())?;
    }
    note_derived(&transaction)?;
    Ok(transaction.commit()?)
}
