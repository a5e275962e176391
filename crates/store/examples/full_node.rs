//! Fills a store with every coin that can exist, 15 360 000, and measures it: size, start, memory, reads, commits.
//!
//! ```text
//! cargo run --release -p raida-store --example full_node -- FOLDER
//! ```
//!
//! The folder is made if missing, and keeps its pages and its store, so that a second run skips the filling. It takes
//! about 1 GB.

#![expect(clippy::print_stdout, reason = "it talks to a person")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use raida_store::pages::{self, Orphans, PAGE_LEN, Selection};
use raida_store::{Options, PageId, Peek, Record, Store};
use raida_wire::{CoinId, Denomination, Month};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let folder = PathBuf::from(arguments.first().ok_or("say in which folder")?);
    let (old, home, empty, out) = (folder.join("old"), folder.join("home"), folder.join("empty"), folder.join("out"));
    [&old, &home, &empty, &out].into_iter().try_for_each(fs::create_dir_all)?;
    let options = Options::new([7; 32]);
    if arguments.len() > 1 {
        return fall_over(&Store::open(&home, &options)?);
    }

    let _ = fs::remove_file(empty.join(raida_store::FILE_NAME));
    let store = timed("start of a new, empty store", || Store::open(&empty, &options))?;
    commits("empty", &store)?;
    drop(store);

    if !home.join(raida_store::FILE_NAME).exists() {
        timed("writing 15 000 pages as an old server has them", || write_pages(&old))?;
        let mut store = Store::open(&home, &options)?;
        let report = timed("import", || pages::import(&old, &mut store, Orphans::Leave, &mut |_| {}))?;
        println!("{}", report.store);
        timed("orderly stop", || drop(store));
    }
    println!("size on disk: {} MB", fs::metadata(home.join(raida_store::FILE_NAME))?.len() >> 20);
    let store = timed("start of a full store", || Store::open(&home, &options))?;
    println!("memory after the start: {} MB", memory_mb());
    reads(&store)?;
    println!("memory with every record in memory: {} MB", memory_mb());
    commits("full", &store)?;
    println!("memory after commits: {} MB", memory_mb());
    timed("hashing what was changed", || store.refresh_trees())?;
    timed("saving the trees", || store.save_trees())?;
    timed("computing everything from scratch", || store.verify())?;
    let _ = fs::remove_dir_all(out.join("Data"));
    let report = timed("export", || pages::export(&store, &out, Selection::All, &mut |_| {}))?;
    println!("exported {} pages, roots are the same: {}", report.pages, report.files == report.store);
    drop(store);

    let unchecked = Options { check: false, ..options.clone() };
    timed("start of a full store, its file not checked", || Store::open(&home, &unchecked))?;
    let fallen = std::process::Command::new(std::env::current_exe()?).arg(&folder).arg("fall over").status()?;
    println!("another process committed to 3000 pages and ended with {fallen}");
    timed("start of a full store after that", || Store::open(&home, &options))?;
    Ok(())
}

/// Commits, and ends like one that is killed.
fn fall_over(store: &Store) -> Outcome<()> {
    let mut dice = seed();
    let mut batch = store.write()?;
    for _ in 0..3000 {
        let (coin, record) = (coin(&mut dice), record(&mut dice));
        batch.request(|changes| changes.set(coin, &record))?;
    }
    batch.commit()?;
    std::process::abort()
}

/// One after the other: one change per commit, 64, 512; coins all over the place, as many clients have them.
fn commits(name: &str, store: &Store) -> Outcome<()> {
    let mut dice = seed();
    for per_commit in [1, 64, 512] {
        let (until, mut commits) = (Instant::now() + Duration::from_secs(3), 0_u32);
        let (begun, written) = (Instant::now(), written_kb());
        while Instant::now() < until {
            let mut batch = store.write()?;
            for _ in 0..per_commit {
                let (coin, record) = (coin(&mut dice), record(&mut dice));
                batch.request(|changes| {
                    changes.get(coin)?;
                    changes.set(coin, &record)
                })?;
            }
            batch.commit()?;
            commits += 1;
        }
        let per_second = f64::from(commits) / begun.elapsed().as_secs_f64();
        let (changes, kb) = (per_second * f64::from(per_commit), (written_kb() - written) / u64::from(commits));
        println!(
            "{name}, {per_commit} per commit: {per_second:.0} commits/s, {changes:.0} changes/s, {kb} KB per commit"
        );
    }
    Ok(())
}

/// Loads every record, then looks at them while another thread commits.
fn reads(store: &Store) -> Outcome<()> {
    let all = || PageId::all().flat_map(|page| (0..PageId::RECORDS).filter_map(move |record| page.coin(record)));
    timed("reading every record once from disk", || all().try_for_each(|coin| store.read(coin).map(drop)))?;
    let begun = Instant::now();
    let issued = all().filter(|coin| matches!(store.peek(*coin), Peek::Issued(_))).count();
    println!("peek in order: {:.0} ns, {issued} issued", nanoseconds(begun, 15_360_000));
    let mut dice = 7;
    let coins: Vec<_> = (0..1_000_000).map(|_| coin(&mut dice)).collect();
    let begun = Instant::now();
    let issued = coins.iter().filter(|coin| matches!(store.peek(**coin), Peek::Issued(_))).count();
    println!("peek at random: {:.0} ns, {issued} issued", nanoseconds(begun, 1_000_000));
    Ok(())
}

fn nanoseconds(begun: Instant, times: u32) -> f64 {
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(times)
}

fn write_pages(folder: &Path) -> Outcome<()> {
    let mut dice = 3;
    let mut octets = vec![0; PAGE_LEN];
    for page in PageId::all() {
        for record in octets.as_chunks_mut::<17>().0 {
            *record = [1; 17];
            record[..8].copy_from_slice(&roll(&mut dice).to_be_bytes());
        }
        let group = folder.join(format!("Data/{:02x}/{:02x}", page.denomination().octet(), page.number() / 256));
        fs::create_dir_all(&group)?;
        fs::write(group.join(format!("{:04x}.bin", page.number())), &octets)?;
    }
    Ok(())
}

fn coin(dice: &mut u64) -> CoinId {
    let all = Denomination::COUNT as u64 * 1_024_000;
    let place = usize::try_from(roll(dice) % all).unwrap_or_default();
    let page = PageId::all().nth(place / PageId::RECORDS).and_then(|page| page.coin(place % PageId::RECORDS));
    page.or(CoinId::new(0, 0)).unwrap_or_else(|| unreachable!())
}

fn record(dice: &mut u64) -> Record {
    let mut number = [0; 16];
    number[..8].copy_from_slice(&roll(dice).to_be_bytes());
    Record { an: number.into(), month: Month(45) }
}

fn roll(dice: &mut u64) -> u64 {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    *dice >> 8
}

/// Another one for every run, so that changes are changes.
fn seed() -> u64 {
    u64::from(std::process::id()) << 20 | 1
}

fn memory_mb() -> u64 {
    figure("/proc/self/status", "VmRSS:") >> 10
}

fn written_kb() -> u64 {
    figure("/proc/self/io", "wchar:") >> 10
}

fn figure(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|figure| figure.parse().ok()).unwrap_or_default()
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    println!("{what}: {:.3} s", begun.elapsed().as_secs_f64());
    done
}
