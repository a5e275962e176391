//! The statistics of one reactor: one writer, any number of readers, no locked instruction.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use raida_conn::CloseReason;
use raida_wire::Status;

use crate::latencies::{Latencies, LatencySnapshot};
use crate::workers::Road;

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `n` more. Only the writer calls this: it loads and stores, so two writers would lose counts.
    pub fn add(&self, n: u64) {
        // ORDERING: Relaxed, here and in this whole file: each number stands alone and publishes nothing.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// Replaces the number, for figures that go down too. Only the writer calls this.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The number as it is now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Declares every figure once: as a live counter, as a plain number in a snapshot, and for the sum over reactors. One
/// that goes down too says "now" at the end of its text: exporters go by that.
macro_rules! figures {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// The live figures of one reactor. Its loop writes, everybody may read.
        ///
        /// Shared behind an `Arc`; aligned so that two reactors never write to one cache line.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[doc = $doc])* pub $name: Counter,)*
            by_status: CachePadded<ByStatus>,
            closes: [Counter; CloseReason::COUNT],
            latencies: Latencies,
        }

        /// The figures at one moment, for one reactor or summed over several with [`merge`](Self::merge).
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Snapshot {
            $($(#[doc = $doc])* pub $name: u64,)*
            /// Answers of the service, by status octet.
            pub answers: [u64; 256],
            /// Refusals of the reactor, by status octet.
            pub refusals: [u64; 256],
            /// Connections closed, by [`CloseReason::index`].
            pub closes: [u64; CloseReason::COUNT],
            /// How long the service took to answer, waiting for workers or the disk included.
            pub latencies: LatencySnapshot,
        }

        impl Counters {
            /// Reads every figure. They are read one after the other while the loop goes on, so they may disagree by
            /// what happened meanwhile.
            #[must_use]
            pub fn snapshot(&self) -> Snapshot {
                Snapshot {
                    $($name: self.$name.get(),)*
                    answers: std::array::from_fn(|status| read(&self.by_status.answers, status)),
                    refusals: std::array::from_fn(|status| read(&self.by_status.refusals, status)),
                    closes: std::array::from_fn(|reason| read(&self.closes, reason)),
                    latencies: self.latencies.snapshot(),
                }
            }
        }

        impl Snapshot {
            /// Every figure with its name and what it counts, for those who show them all.
            pub fn figures(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc,)*), self.$name),)*].into_iter()
            }

            /// Adds another reactor's figures.
            pub fn merge(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                add_all(&mut self.answers, &other.answers);
                add_all(&mut self.refusals, &other.refusals);
                add_all(&mut self.closes, &other.closes);
                self.latencies.merge(&other.latencies);
            }
        }

        impl Default for Snapshot {
            fn default() -> Self {
                Self {
                    $($name: 0,)*
                    answers: [0; 256],
                    refusals: [0; 256],
                    closes: [0; CloseReason::COUNT],
                    latencies: LatencySnapshot::default(),
                }
            }
        }
    };
}

figures! {
    /// Connections that got a slot.
    accepted,
    /// Connections closed at once because every slot was taken.
    refused_full,
    /// Connections closed at once because their source holds as many as it may.
    refused_source,
    /// Connections closed at once because the network around their source (/16, /48) holds as many as it may.
    refused_network,
    /// Connections closed at once because their source asks too often even to be refused.
    refused_rate,
    /// Requests refused with 160 because their source asks too often.
    requests_over_rate,
    /// Requests refused with 254 because their source keeps too much memory with half of its requests.
    buffers_over_source,
    /// Long answers that were given up, and refused with 254, because those of others take the room that there is for them.
    answers_over_memory,
    /// Sources that lost their place in the tables of sources.
    sources_evicted,
    /// Accepts that the system refused.
    accept_failures,
    /// Connections closed unserved with the help of the reserve descriptor.
    shed,
    /// Whole requests handed to the service, over TCP and UDP.
    requests,
    /// Requests that went to a worker.
    deferred,
    /// Requests that went to the batch.
    batched,
    /// Requests that had to wait in their connection for a worker or the batch.
    waited,
    /// Requests refused with 160 because they waited too long in their connection.
    wait_timeouts,
    /// Requests refused with 160 because they waited too long in the queue of the workers or the batch.
    queue_timeouts,
    /// Requests sent to a worker because the I/O thread had served enough long ones in its turn.
    put_off,
    /// Requests whose service panicked; answered with 252.
    panics,
    /// Completions that came for a connection already gone.
    stale_completions,
    /// Octets received over TCP.
    octets_in,
    /// Octets sent over TCP.
    octets_out,
    /// Datagrams received.
    datagrams_in,
    /// Datagrams sent.
    datagrams_out,
    /// Octets received in datagrams.
    datagram_octets_in,
    /// Octets sent in datagrams.
    datagram_octets_out,
    /// Datagrams longer than the limit.
    datagrams_truncated,
    /// Datagrams dropped because they were shorter than a header.
    datagrams_too_short,
    /// Datagrams dropped because they had the shape of an answer gone astray.
    datagrams_astray,
    /// Datagrams refused with 160 because as many as may be are with the workers or the batch.
    datagrams_overloaded,
    /// Datagrams over their source's rate that were told to use TCP.
    datagrams_slipped,
    /// Datagrams over their source's rate that got no answer.
    datagrams_over_rate,
    /// Answers replaced by 15 because they were longer than a datagram may be.
    datagrams_too_long,
    /// Vote packets answered.
    votes,
    /// Datagrams that the kernel dropped because its receive buffer was full.
    datagrams_lost_in_kernel,
    /// Answers to datagrams that the kernel had no room for or could not route.
    datagrams_unsent,
    /// Turns of the loop.
    turns,
    /// Connections open now.
    open,
    /// Requests with the workers or the batch now.
    in_flight,
    /// Of those: requests with the batch now.
    in_batch,
    /// Requests waiting in their connection for a worker or the batch now.
    waiting,
    /// Octets of pooled buffers owned now.
    buffer_octets,
}

#[derive(Debug)]
struct ByStatus {
    answers: [Counter; 256],
    refusals: [Counter; 256],
}

impl Default for ByStatus {
    fn default() -> Self {
        let zeroes = || std::array::from_fn(|_| Counter::default());
        Self { answers: zeroes(), refusals: zeroes() }
    }
}

impl Counters {
    /// Counts an answer of the service, and how long it took.
    pub(crate) fn answered(&self, status: Status, elapsed: Duration) {
        self.latencies.count(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        count(&self.by_status.answers, usize::from(status.0));
    }

    /// Counts a refusal of the reactor.
    pub(crate) fn refused(&self, status: Status) {
        count(&self.by_status.refusals, usize::from(status.0));
    }

    /// Counts a request that leaves the I/O thread.
    pub(crate) fn left(&self, road: Road) {
        match road {
            Road::Pool => self.deferred.add(1),
            Road::Batch => self.batched.add(1),
        }
    }

    /// How many requests were refused because the workers or the batch had no room.
    pub(crate) fn overloads(&self) -> u64 {
        self.wait_timeouts.get() + self.queue_timeouts.get() + self.datagrams_overloaded.get()
    }

    /// Counts a connection's end.
    pub(crate) fn closed(&self, reason: CloseReason) {
        count(&self.closes, reason.index());
    }
}

impl Snapshot {
    /// Answers of the service with this status.
    #[must_use]
    pub fn answers_with(&self, status: Status) -> u64 {
        self.answers.get(usize::from(status.0)).copied().unwrap_or(0)
    }

    /// Refusals of the reactor with this status.
    #[must_use]
    pub fn refusals_with(&self, status: Status) -> u64 {
        self.refusals.get(usize::from(status.0)).copied().unwrap_or(0)
    }

    /// Connections that ended for this reason.
    #[must_use]
    pub fn closes_for(&self, reason: CloseReason) -> u64 {
        self.closes.get(reason.index()).copied().unwrap_or(0)
    }
}

fn count(counters: &[Counter], index: usize) {
    if let Some(counter) = counters.get(index) {
        counter.add(1);
    }
}

fn read(counters: &[Counter], index: usize) -> u64 {
    counters.get(index).map_or(0, Counter::get)
}

fn add_all(own: &mut [u64], other: &[u64]) {
    for (own, other) in own.iter_mut().zip(other) {
        *own += other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactors_add_up() {
        let (one, two) = (Counters::default(), Counters::default());
        one.requests.add(2);
        one.answered(Status::SUCCESS, Duration::from_micros(3));
        two.requests.add(3);
        two.answered(Status::SUCCESS, Duration::from_micros(3));
        two.refused(Status::INTERNAL);
        let mut sum = one.snapshot();
        sum.merge(&two.snapshot());
        assert_eq!((sum.requests, sum.answers_with(Status::SUCCESS), sum.refusals_with(Status::INTERNAL)), (5, 2, 1));
        assert_eq!((sum.latencies.buckets[2], sum.latencies.total_us), (2, 6));
    }
}
