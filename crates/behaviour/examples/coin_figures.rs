//! Measures a real node on loopback: durable Powns per second and the commits they share, and Detect per second.
//!
//! ```text
//! cargo run --release -p raida-behaviour --example coin_figures -- [SECONDS [FOLDER [SERVER]]]
//! ```
//!
//! Seconds per figure, 5 unless told; the folder for coins, on the disk that is to be measured, a temporary one unless
//! told; another build of the server than that of this workspace, if told. The load comes from the same machine and takes its share of it.

#![expect(clippy::print_stdout, reason = "it talks to a person")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "what goes wrong ends the measurement; its figures are small"
)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use raida_behaviour::{Node, ask, request};
use raida_client::wire::{AuthenticityNumber, CoinId};
use raida_client::{self as client, AdminKey, Options, Target};

/// A coin and its present number.
type Owned = (CoinId, AuthenticityNumber);

/// What clients do with a coin: asks once and gives what was answered.
type Deed = fn(SocketAddr, &mut Owned, u32) -> Vec<u8>;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let seconds = arguments.first().map_or(5, |seconds| seconds.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments.get(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let server = arguments.get(2).map(String::as_str);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{} processors, load before: {}", thread::available_parallelism().unwrap(), load.trim());
    println!(
        "{:<28} {:>8} {:>10} {:>11} {:>12} {:>14}",
        "", "clients", "per s", "commits/s", "median, us", "inside, us"
    );
    let deeds: [(_, Deed, &[usize]); 3] = [
        ("Pown, TCP", pown, &[1, 64, 512]),
        ("Detect, TCP", detect_by_tcp, &[1, 64]),
        ("Detect, UDP", detect_by_udp, &[1, 64]),
    ];
    for (name, deed, numbers) in deeds {
        for clients in numbers {
            let builder = server.map_or_else(Node::builder, Node::faulty);
            let builder = builder.config("[limits]\nconnections_per_source_max = 2000\n");
            let home = tempfile::tempdir_in(&folder).unwrap();
            measure(name, builder.start_in(home.path()), *clients, seconds, deed);
        }
    }
}

/// So many clients, each with a coin of its own, as fast as they get answers.
fn measure(name: &str, mut node: Node, clients: usize, seconds: u64, deed: Deed) {
    let coins = issue(&node, clients);
    let (address, start) = (node.address(), Arc::new(Barrier::new(clients)));
    let threads: Vec<_> = coins
        .into_iter()
        .map(|coin| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                work(address, coin, Duration::from_secs(seconds), deed)
            })
        })
        .collect();
    let begun = Instant::now();
    let mut times: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let elapsed = begun.elapsed().as_secs_f64();
    node.stop();
    let commits = batches(&node.log()).saturating_sub(1) as f64 / elapsed;
    let per_second = times.len() as f64 / elapsed;
    let middle = times.len() / 2;
    times.sort_unstable_by_key(|(outside, _)| *outside);
    let outside = times[middle].0;
    times.sort_unstable_by_key(|(_, inside)| *inside);
    let inside = times[middle].1;
    println!("{name:<28} {clients:>8} {per_second:>10.0} {commits:>11.0} {outside:>12} {inside:>14}");
}

/// Asks until the time is over. Gives how long each answer took, as seen from here and as the node says, in microseconds.
fn work(node: SocketAddr, mut coin: Owned, span: Duration, deed: Deed) -> Vec<(u128, u32)> {
    let (begun, mut times, mut number) = (Instant::now(), Vec::new(), 0);
    while begun.elapsed() < span {
        number += 1;
        let asked = Instant::now();
        let answer = deed(node, &mut coin, number);
        assert_eq!(answer[2], 241, "status");
        times.push((asked.elapsed().as_micros(), u32::from_be_bytes(*answer[12..].first_chunk().unwrap())));
    }
    times
}

fn pown(node: SocketAddr, (coin, number): &mut Owned, count: u32) -> Vec<u8> {
    let mut proposed = *number.octets();
    proposed[..4].copy_from_slice(&count.to_be_bytes());
    let payload = [&coin.raw().0[..], number.octets(), &proposed].concat();
    *number = proposed.into();
    ask::tcp(node, &request::plain(1, 20, &payload, count))
}

fn detect_by_tcp(node: SocketAddr, (coin, number): &mut Owned, count: u32) -> Vec<u8> {
    ask::tcp(node, &request::plain(1, 10, &[&coin.raw().0[..], number.octets()].concat(), count))
}

fn detect_by_udp(node: SocketAddr, (coin, number): &mut Owned, count: u32) -> Vec<u8> {
    ask::udp(node, &request::plain(1, 10, &[&coin.raw().0[..], number.octets()].concat(), count))
}

/// One coin per client, each on another page.
fn issue(node: &Node, clients: usize) -> Vec<Owned> {
    let key = AdminKey::new(node.admin_key().try_into().unwrap());
    let target = Target { raida_id: 0, ..Target::new(node.address().to_string().parse().unwrap()) };
    let coin = |place: usize| CoinId::new(0, u32::try_from(place * 1024 + 5).unwrap()).unwrap();
    let coins: Vec<_> = (0..clients).map(coin).collect();
    let numbers = client::create(&target, 0xEEEE_EEEE, &key, &coins, &Options::default()).unwrap().value;
    coins.into_iter().zip(numbers).collect()
}

/// How many commits the node says, at its end, that it has made.
fn batches(log: &[String]) -> u64 {
    let number = |line: &String| line.split("batches: ").last()?.split(',').next()?.parse().ok();
    log.iter().filter(|line| line.contains("batches: ")).find_map(number).unwrap_or_default()
}
