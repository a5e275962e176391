//! Everything that is shown, as it goes over the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A node at one moment. The numbers are read one after the other, so they may disagree by what happened meanwhile.
///
/// What a node of another version does not tell is empty or zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Version of the program.
    pub version: String,
    /// Number in the network.
    pub raida_id: u8,
    /// Coin that it keeps.
    pub coin_id: u16,
    /// Kernel interface that carries the traffic.
    pub backend: String,
    /// `starting`, `serving` or `stopping`.
    pub stage: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// I/O threads.
    pub reactors: u64,
    /// Worker threads.
    pub workers: u64,
    /// Since its start, in milliseconds.
    pub uptime_ms: u64,
    /// Every figure of the I/O threads by name, added up.
    pub figures: BTreeMap<String, u64>,
    /// Answers of the service, by status.
    pub answers: BTreeMap<u8, u64>,
    /// Refusals before the service was asked, by status.
    pub refusals: BTreeMap<u8, u64>,
    /// Connections closed, by reason.
    pub closes: BTreeMap<String, u64>,
    /// How long answers took.
    pub latencies: Vec<Bucket>,
    /// All of that together, in microseconds.
    pub latency_total_us: u64,
    /// Bounds by name.
    pub limits: BTreeMap<String, u64>,
    /// The process.
    pub process: Process,
    /// The coins.
    pub store: StoreFigures,
    /// What each command has come to.
    pub commands: Vec<CommandFigures>,
    /// How often a command met a bound of the node's, by the bound.
    pub declined: BTreeMap<String, u64>,
    /// Every other figure of the service by name.
    pub service: BTreeMap<String, u64>,
    /// The threads behind the I/O threads.
    pub roads: RoadFigures,
}

/// What one command has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandFigures {
    /// Group and number, as in `1/10`; `other` for all that are not on offer.
    pub command: String,
    /// Its name, as people say it.
    pub name: String,
    /// Answers by what they said: `pass`, `fail`, `mixed` or `refused`.
    pub answers: BTreeMap<String, u64>,
    /// Coins by what it said of them: `pass` or `fail`. Empty where a command says nothing of single coins.
    pub coins: BTreeMap<String, u64>,
}

/// What the workers and the batch are at, and have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoadFigures {
    /// Workers that are at a request now.
    pub workers_busy: u64,
    /// Requests in the queues of the workers now.
    pub workers_queued: u64,
    /// Requests in the queue of the batch now.
    pub batch_queued: u64,
    /// Batches of requests that change coins; each ends in one commit at most.
    pub batches: u64,
    /// Requests in all of them.
    pub batch_requests: u64,
    /// Requests in the largest of them.
    pub batch_requests_largest: u64,
}

/// How many answers took no longer than this, and longer than the bucket before allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// In microseconds; `None`: no bound.
    pub at_most_us: Option<u64>,
    /// So many.
    pub count: u64,
}

/// What the system says of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Memory in use (resident), in bytes.
    pub memory: u64,
    /// The most that it ever was.
    pub memory_peak: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// `RLIMIT_NOFILE`; `None`: no limit.
    pub descriptors_max: Option<u64>,
    /// Threads.
    pub threads: u64,
    /// Processor time used, in milliseconds.
    pub cpu_ms: u64,
}

/// What the coin store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreFigures {
    /// Coins issued.
    pub issued: u64,
    /// Writes that reached the disk.
    pub commits: u64,
    /// Time that they took, in microseconds.
    pub commit_us: u64,
    /// Looks at a coin that memory could answer.
    pub hits: u64,
    /// Looks that went to the disk.
    pub misses: u64,
    /// Groups of 64 coins let go to make room.
    pub evictions: u64,
    /// Groups of 64 coins in memory.
    pub cached: u64,
    /// 1 while coins can change, 0 after the disk has failed.
    pub takes_changes: u64,
    /// Changes that failed half-way.
    pub failures: u64,
    /// Times that the disk came back.
    pub recoveries: u64,
}

/// The open connections of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// No more of them than was asked for.
    pub connections: Vec<Connection>,
    /// Whether there were more.
    pub is_cut: bool,
    /// I/O threads that did not answer in time: their connections are missing.
    pub silent_reactors: Vec<u64>,
}

/// One open connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Address and port of the peer.
    pub peer: String,
    /// What it is at: `header`, `body`, `processing`, `queued`, `writing`, `lingering`.
    pub state: String,
    /// How long it has been open, in milliseconds.
    pub age_ms: u64,
    /// Bytes received from it.
    pub bytes_in: u64,
    /// Bytes sent to it.
    pub bytes_out: u64,
    /// I/O thread that serves it.
    pub reactor: u64,
}

/// The time that this share (0 to 1) of the answers kept to, in microseconds, read off the buckets: right to a factor of
/// two. `None` where there was no answer.
///
/// ```
/// use raida_monitor::{Bucket, percentile};
///
/// let bucket = |at_most_us, count| Bucket { at_most_us, count };
/// let buckets = [bucket(Some(1), 0), bucket(Some(2), 90), bucket(Some(4), 10), bucket(None, 0)];
/// assert_eq!((percentile(&buckets, 0.5), percentile(&buckets, 0.99)), (Some(2), Some(4)));
/// ```
#[must_use]
pub fn percentile(buckets: &[Bucket], share: f64) -> Option<u64> {
    let total: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    if total == 0 {
        return None;
    }
    let wanted = (total as f64 * share.clamp(0.0, 1.0)).ceil().max(1.0);
    let mut seen = 0;
    let mut highest = 0;
    for bucket in buckets {
        seen += bucket.count;
        // What has no bound took longer than the last that has one.
        highest = bucket.at_most_us.unwrap_or(highest);
        if seen as f64 >= wanted {
            break;
        }
    }
    Some(highest)
}
