//! Squares the numbers from 1 to 20 on four threads, with room for eight at a time.
//!
//! The main thread plays the event loop: it hands out numbers until something is full, sleeps
//! until results wait, collects them all at once, and goes on. 13 makes its worker panic.

use raida_workers::{CompletionQueue, Config, Pool};
use std::{io, sync::mpsc};

fn main() -> io::Result<()> {
    let (bell, woken) = mpsc::channel();
    let queue = CompletionQueue::new(8, move || bell.send(()).unwrap_or_default());
    let config = Config { threads: 4, name_prefix: "square".to_owned(), ..Config::default() };
    let pool = Pool::new(&config, square, |number| format!("{number}: unlucky"))?;

    let mut numbers = 1..=20u32;
    let mut results = Vec::with_capacity(queue.capacity());
    loop {
        while let Some(permit) = queue.try_reserve() {
            let Some(number) = numbers.next() else { break };
            pool.try_dispatch(permit, number).map_err(|_| io::Error::other("the pool is full"))?;
        }
        if queue.occupied() == 0 {
            break;
        }
        woken.recv().map_err(io::Error::other)?;
        let count = queue.drain_into(&mut results);
        println!("{count} results in one wake-up: {}", results.join(", "));
        results.clear();
    }
    pool.shutdown();
    println!("{pool:?}");
    Ok(())
}

fn square(number: &mut u32) -> String {
    assert_ne!(*number, 13);
    format!("{number}² = {}", number.pow(2))
}
