//! `cargo xtask soak`: mixed load with faults for a long time, and whether what the node uses stays flat.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use raida_behaviour::request::{echo_request, plain};
use raida_behaviour::{Node, ask, process};

use crate::honest::{Honest, Seen};
use crate::owner::{Change, Owner};
use crate::plot;
use crate::siege::descriptors_back;
use crate::stage::Stage;
use crate::swarm::{Habit, Swarm};

/// How long, and where the picture goes.
#[derive(Args)]
pub(crate) struct Options {
    /// Minutes.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// The picture.
    #[arg(long, default_value = "target/soak.svg")]
    plot: PathBuf,
    /// The samples, one line each.
    #[arg(long, default_value = "target/soak.csv")]
    samples: PathBuf,
}

/// What the node uses at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    second: f64,
    descriptors: f64,
    memory_mib: f64,
    threads: f64,
    /// Pooled buffers that are out, in MiB, where the node shows it.
    buffers_mib: f64,
}

/// What came of load and faults.
#[derive(Debug, Default)]
struct Tally {
    resets: AtomicU64,
    halves: AtomicU64,
    garbage: AtomicU64,
    changes: AtomicU64,
    refused: AtomicU64,
}

/// From one sample to the next.
const PACE: Duration = Duration::from_secs(1);

/// What may differ between the second fifth of the time and the last one. Three hundred connections are slow ones, and some
/// twenty of those are just being opened again on a busy machine; a leak would be thousands, one for each reset.
const DESCRIPTORS_SLACK: f64 = 30.0;
const MEMORY_SLACK_MIB: f64 = 8.0;
const BUFFERS_SLACK_MIB: f64 = 2.0;

pub(crate) fn run(stage: &Stage, options: &Options) -> Result<()> {
    let span = Duration::from_secs_f64(options.minutes * 60.0);
    let (node, monitor) = start(stage)?;
    let before = process::descriptors_at_rest(node.pid());
    let mut owners: Vec<_> = (0..2).map(|n| Owner::of(&node, n * 1000, 10)).collect::<Result<_>>()?;
    println!("==> soak: {:.1} minutes of mixed load with faults", options.minutes);
    let (tally, is_over) = (Tally::default(), AtomicBool::new(false));
    let over = &|| is_over.load(Ordering::Relaxed);
    let (seen, samples, failures) = thread::scope(|scope| {
        let (address, tally) = (node.address(), &tally);
        let honest = scope.spawn(move || Honest::at(address).ask(over));
        let mut faults = vec![
            scope.spawn(move || reset(address, tally, over)),
            scope.spawn(move || send_garbage(address, tally, over)),
            scope.spawn(move || hold_slowly(address, over)),
        ];
        faults.extend(owners.iter_mut().map(|owner| scope.spawn(move || change(owner, address, tally, over))));
        let samples = sample(&node, monitor, span);
        is_over.store(true, Ordering::Relaxed);
        let failures: Vec<_> = faults.into_iter().filter_map(|fault| fault.join().ok()?.err()).collect();
        (honest.join().unwrap_or_default(), samples, failures)
    });
    write(options, &samples)?;
    report(&tally, &seen);
    let kept = owners.iter_mut().map(|owner| owner.is_kept(node.address())).collect::<Result<Vec<_>>>()?;
    let left = descriptors_back(&node, before).err();
    let mut broken = flatness(&samples);
    broken.extend(failures.into_iter().map(|failure| format!("a client of the suite failed: {failure:#}")));
    broken.extend(left.map(|left| format!("{left} descriptors did not come back at the end")));
    broken.extend((!seen.is_complete()).then(|| "honest requests were not answered".to_owned()));
    broken.extend((!kept.iter().all(|is| *is)).then(|| "acknowledged changes are lost".to_owned()));
    if broken.is_empty() { Ok(()) } else { bail!("{}", broken.join("; ")) }
}

/// A node that shows what it uses, where it can.
fn start(stage: &Stage) -> Result<(Node, Option<SocketAddr>)> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).context("a free port")?;
    let node = stage.node().config(&format!("[monitor]\nlisten = [\"{free}\"]")).start();
    let is_shown = buffers_mib(free).is_some();
    println!("    buffers: {}", if is_shown { "as /metrics shows them" } else { "not shown by this node" });
    Ok((node, is_shown.then_some(free)))
}

/// Clients that are killed: whole and half requests, then a reset or an ordinary close.
fn reset(node: SocketAddr, tally: &Tally, is_over: &(dyn Fn() -> bool + Sync)) -> Result<()> {
    let mut turn = 0_u32;
    while !is_over() {
        turn = turn.wrapping_add(1);
        let Ok(mut stream) = TcpStream::connect_timeout(&node, Duration::from_secs(2)) else { continue };
        let mut request = if turn.is_multiple_of(3) { plain(1, 10, &[0; 21 * 50], turn) } else { echo_request(turn) };
        if turn.is_multiple_of(2) {
            request.truncate(usize::try_from(turn).unwrap_or_default() % request.len());
            tally.halves.fetch_add(1, Ordering::Relaxed);
        }
        // The node may have gone first.
        let _ = stream.write_all(&request);
        if !turn.is_multiple_of(5) {
            ask::reset(stream);
            tally.resets.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Datagrams of noise, and requests that take a worker.
fn send_garbage(node: SocketAddr, tally: &Tally, is_over: &(dyn Fn() -> bool + Sync)) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    while !is_over() {
        let mut noise = [0; 1200];
        getrandom::fill(&mut noise)?;
        let length = usize::from(noise[0]) * 4;
        for datagram in
            [&noise[..length], &echo_request(1)[..usize::from(noise[1]) % 51], &plain(1, 10, &noise[..210], 2)]
        {
            socket.send_to(datagram, node)?;
            tally.garbage.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Three hundred connections that say an octet a second, a third of them with a large body.
fn hold_slowly(node: SocketAddr, is_over: &(dyn Fn() -> bool + Sync)) -> Result<()> {
    let mut body = plain(1, 10, &[0; 8], 0);
    body[22..24].fill(0xFF);
    let habit = |opening| Habit { opening, drip: vec![0], pause: Duration::from_secs(1), reads: true, room: None };
    let swarm = |size, opening| Swarm::new(node, vec![Ipv4Addr::LOCALHOST], size, habit(opening));
    let mut swarms = [swarm(200, vec![1]), swarm(100, body)];
    while !is_over() {
        swarms.iter_mut().try_for_each(Swarm::turn)?;
    }
    Ok(())
}

/// An owner whose coins change numbers all the time.
fn change(owner: &mut Owner, node: SocketAddr, tally: &Tally, is_over: &(dyn Fn() -> bool + Sync)) -> Result<()> {
    while !is_over() {
        match owner.pown(node)? {
            Change::Made => tally.changes.fetch_add(1, Ordering::Relaxed),
            Change::Refused(_) => tally.refused.fetch_add(1, Ordering::Relaxed),
            Change::Unknown => bail!("a change was not answered"),
        };
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn sample(node: &Node, monitor: Option<SocketAddr>, span: Duration) -> Vec<Sample> {
    let (pid, start) = (node.pid(), Instant::now());
    let mut samples = Vec::new();
    while start.elapsed() < span {
        thread::sleep(PACE);
        samples.push(Sample {
            second: start.elapsed().as_secs_f64(),
            descriptors: number(process::descriptors(pid)),
            memory_mib: number(usize::try_from(process::resident_memory(pid) >> 10).unwrap_or(usize::MAX)) / 1024.0,
            threads: number(process::threads(pid)),
            buffers_mib: monitor.and_then(buffers_mib).unwrap_or_default(),
        });
    }
    samples
}

/// The memory of pooled buffers that `/metrics` shows as out.
fn buffers_mib(monitor: SocketAddr) -> Option<f64> {
    let mut stream = TcpStream::connect_timeout(&monitor, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let lines = text.lines().filter(|line| line.starts_with("raida_buffer") && !line.contains("max"));
    let values: Vec<f64> = lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / f64::from(1 << 20))
}

/// One of a sample's numbers.
type Figure = fn(&Sample) -> f64;

/// What is not flat: the second fifth of the time against the last one.
fn flatness(samples: &[Sample]) -> Vec<String> {
    let fifth = samples.len() / 5;
    let mean = |range: std::ops::Range<usize>, of: Figure| {
        let part = samples.get(range).unwrap_or_default();
        part.iter().map(of).sum::<f64>() / number(part.len().max(1))
    };
    let figures: [(&str, Figure, f64); 4] = [
        ("descriptors", |sample| sample.descriptors, DESCRIPTORS_SLACK),
        ("memory in MiB", |sample| sample.memory_mib, MEMORY_SLACK_MIB),
        ("threads", |sample| sample.threads, 0.5),
        ("buffers in MiB", |sample| sample.buffers_mib, BUFFERS_SLACK_MIB),
    ];
    let mut broken = Vec::new();
    for (name, of, slack) in figures {
        let (early, late) = (mean(fifth..2 * fifth, of), mean(4 * fifth..samples.len(), of));
        let most = samples.iter().map(of).fold(0.0, f64::max);
        println!("    {name:<14} {early:>8.1} in the second fifth, {late:>8.1} in the last, {most:>8.1} at most");
        if late > early + slack {
            broken.push(format!("{name} grew from {early:.1} to {late:.1}"));
        }
    }
    broken
}

fn report(tally: &Tally, seen: &Seen) {
    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let Tally { resets, halves, garbage, changes, refused } = tally;
    println!("    honest clients: {seen}");
    println!(
        "    {} changes made, {} refused; {} resets, {} half requests, {} datagrams of garbage",
        count(changes),
        count(refused),
        count(resets),
        count(halves),
        count(garbage)
    );
}

fn write(options: &Options, samples: &[Sample]) -> Result<()> {
    let mut table = "second,descriptors,memory_mib,threads,buffers_mib\n".to_owned();
    for Sample { second, descriptors, memory_mib, threads, buffers_mib } in samples {
        table.push_str(&format!("{second:.0},{descriptors},{memory_mib:.2},{threads},{buffers_mib:.2}\n"));
    }
    let of = |value: fn(&Sample) -> f64| samples.iter().map(|sample| (sample.second / 60.0, value(sample))).collect();
    let picture = plot::svg(
        "minutes",
        &[
            ("descriptors", of(|sample| sample.descriptors)),
            ("resident memory, MiB", of(|sample| sample.memory_mib)),
            ("pooled buffers that are out, MiB", of(|sample| sample.buffers_mib)),
        ],
    );
    for (path, text) in [(&options.samples, table), (&options.plot, picture)] {
        let folder = path.parent().context("a place for the result")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(path, text))
            .with_context(|| format!("writing {}", path.display()))?;
        println!("    {}", path.display());
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_found_out_and_what_swings_is_not() {
        let of = |memory: fn(usize) -> f64| -> Vec<_> {
            (0..100).map(|n| Sample { memory_mib: memory(n), descriptors: 300.0, ..Sample::default() }).collect()
        };
        assert!(flatness(&of(|n| number(10 + n % 5))).is_empty());
        let broken = flatness(&of(|n| number(10 + n)));
        assert!(broken.len() == 1 && broken[0].starts_with("memory"), "{broken:?}");
    }
}
