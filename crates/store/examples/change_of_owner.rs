//! A store, a coin, a change of owner, a restart.
//!
//! ```text
//! cargo run -p raida-store --example change_of_owner
//! ```

#![expect(clippy::print_stdout, reason = "it talks to a person")]

use std::error::Error;

use raida_store::{Changes, Options, Record, Store, StoreError};
use raida_wire::{AuthenticityNumber, CoinId, Month};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let options = Options::new([7; 32]);
    let coin = CoinId::new(0, 258).ok_or("no such coin")?;
    let [first, second, thief] = [1, 2, 3].map(|octet| AuthenticityNumber::new([octet; 16]));

    let store = Store::open(folder.path(), &options)?;
    let mut batch = store.write()?;
    let issued = Record { an: first.clone(), month: Month::of(2026, 10) };
    batch.request(|changes| changes.set(coin, &issued))?;
    // In the same commit: the owner passes the coin on, and someone else tries to.
    let passed = batch.request(|changes| pass_on(changes, coin, &first, second.clone()))?;
    let stolen = batch.request(|changes| pass_on(changes, coin, &first, thief))?;
    batch.commit()?;
    println!("coin {coin} passed on: {passed}, stolen: {stolen}");
    drop(store);

    let store = Store::open(folder.path(), &options)?;
    let owner = store.read(coin)?.is_some_and(|record| record.an == second);
    println!("after a restart it belongs to the new owner: {owner}");
    Ok(())
}

fn pass_on(
    changes: &mut Changes<'_>,
    coin: CoinId,
    from: &AuthenticityNumber,
    to: AuthenticityNumber,
) -> Result<bool, StoreError> {
    let is_owner = changes.get(coin)?.is_some_and(|record| record.an == *from);
    if is_owner {
        changes.set(coin, &Record { an: to, month: Month::of(2026, 11) })?;
    }
    Ok(is_owner)
}
