//! A report in the words of Prometheus.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;
use raida_reactor::counters::Snapshot;
use raida_wire::Status;

use crate::report::{CommandFigures, Report};

/// The media type of [`text`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything counted, as OpenMetrics text.
pub(crate) fn text(report: Report) -> String {
    let mut registry = Registry::with_prefix("raida");
    registry.register_collector(Box::new(Figures(report)));
    let mut text = String::with_capacity(16 << 10);
    // Writing to a `String` cannot fail.
    let _ = encode(&mut text, &registry);
    text
}

/// No labels.
type Plain = [(&'static str, &'static str); 0];
/// No examples of what was counted.
type NoExemplar<'a> = Option<&'a Exemplar<Plain, u64>>;

#[derive(Debug)]
struct Figures(Report);

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        let Self(report) = self;
        page.node(report)?;
        page.reactors(report)?;
        page.latencies(report)?;
        page.commands(report)?;
        page.service(report)?;
        page.roads(report)?;
        page.store(report)?;
        page.process(report)
    }
}

/// What is written so far.
struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    fn node(&mut self, report: &Report) -> fmt::Result {
        let Report { version, backend, raida_id, coin_id, .. } = report;
        let (raida_id, coin_id) = (raida_id.to_string(), coin_id.to_string());
        let labels = [
            ("version", version.as_str()),
            ("backend", backend.as_str()),
            ("raida_id", raida_id.as_str()),
            ("coin_id", coin_id.as_str()),
        ];
        self.metric("node", "What this node is", MetricType::Info)?.encode_info(&labels)?;
        self.gauge("serving", "1 while requests are served", u64::from(report.stage == "serving"))?;
        self.gauge("uptime_seconds", "Since the start", report.uptime_ms / 1000)?;
        self.gauge("reactors", "I/O threads", report.reactors)?;
        self.gauge("workers", "Worker threads", report.workers)?;
        self.family("limit", "Bounds of the configuration", MetricType::Gauge, "name", &report.limits)
    }

    /// Every figure the reactors have, so that none can be forgotten here.
    fn reactors(&mut self, report: &Report) -> fmt::Result {
        for (name, help, _) in Snapshot::default().figures() {
            let value = report.figures.get(name).copied().unwrap_or(0);
            let help = help.trim().trim_end_matches('.');
            if is_gauge(help) {
                self.gauge(gauge_name(name), help, value)?;
            } else {
                self.counter(counter_name(name), help, value)?;
            }
        }
        let help = "Answers of the service";
        self.family("answers", help, MetricType::Counter, "status", &by_status(&report.answers))?;
        let help = "Requests refused before the service was asked";
        self.family("refusals", help, MetricType::Counter, "status", &by_status(&report.refusals))?;
        self.family("connections_closed", "Connections closed", MetricType::Counter, "reason", &report.closes)
    }

    /// What was asked and what came of it.
    fn commands(&mut self, report: &Report) -> fmt::Result {
        let none: NoExemplar<'_> = None;
        let help = "Answers by command and outcome: pass, fail, mixed, or refused where it did not run to its end";
        let mut metric = self.metric("commands", help, MetricType::Counter)?;
        for CommandFigures { command, name, answers, .. } in &report.commands {
            for (outcome, count) in answers {
                let labels = [("command", command.as_str()), ("name", name.as_str()), ("outcome", outcome.as_str())];
                metric.encode_family(&labels)?.encode_counter(count, none)?;
            }
        }
        let help = "Coins that commands have judged, by verdict: pass or fail";
        let mut metric = self.metric("coins_judged", help, MetricType::Counter)?;
        for CommandFigures { command, name, coins, .. } in &report.commands {
            for (verdict, count) in coins {
                let labels = [("command", command.as_str()), ("name", name.as_str()), ("verdict", verdict.as_str())];
                metric.encode_family(&labels)?.encode_counter(count, none)?;
            }
        }
        let help = "Requests that met a bound of the node's: its name";
        self.family("commands_declined", help, MetricType::Counter, "bound", &report.declined)
    }

    /// Every figure the node has, so that none can be forgotten here.
    fn service(&mut self, report: &Report) -> fmt::Result {
        for (name, help, _) in raida_node::Figures::default().all() {
            let value = report.service.get(name).copied().unwrap_or(0);
            let help = help.trim().trim_end_matches('.');
            if is_gauge(help) { self.gauge(name, help, value)? } else { self.counter(name, help, value)? }
        }
        Ok(())
    }

    fn roads(&mut self, report: &Report) -> fmt::Result {
        let roads = report.roads;
        self.gauge("workers_busy", "Workers that are at a request now", roads.workers_busy)?;
        self.gauge("workers_queued", "Requests in the queues of the workers now", roads.workers_queued)?;
        self.gauge("batch_queued", "Requests in the queue of the batch now", roads.batch_queued)?;
        self.counter("batches", "Batches of requests that change coins, each with one commit at most", roads.batches)?;
        self.counter("batch_requests", "Requests in those batches", roads.batch_requests)?;
        self.gauge("batch_requests_largest", "Requests in the largest batch so far", roads.batch_requests_largest)
    }

    fn latencies(&mut self, report: &Report) -> fmt::Result {
        let bound = |us: Option<u64>| us.map_or(f64::INFINITY, |us| us as f64 / 1e6);
        let buckets: Vec<_> = report.latencies.iter().map(|bucket| (bound(bucket.at_most_us), bucket.count)).collect();
        let count = report.latencies.iter().map(|bucket| bucket.count).sum();
        let help = "How long the service took to answer, waiting for workers or the disk included";
        let examples: Option<&HashMap<usize, Exemplar<Plain, f64>>> = None;
        let sum = report.latency_total_us as f64 / 1e6;
        self.metric("request_duration_seconds", help, MetricType::Histogram)?
            .encode_histogram(sum, count, &buckets, examples)
    }

    fn store(&mut self, report: &Report) -> fmt::Result {
        let store = report.store;
        self.gauge("coins_issued", "Coins issued", store.issued)?;
        self.counter("store_commits", "Writes of coins that reached the disk", store.commits)?;
        self.seconds("store_commit_seconds", "Time that those writes took", store.commit_us as f64 / 1e6)?;
        self.counter("store_cache_hits", "Looks at a coin that memory could answer", store.hits)?;
        self.counter("store_cache_misses", "Looks at a coin that went to the disk", store.misses)?;
        self.counter("store_cache_evictions", "Groups of 64 coins let go to make room", store.evictions)?;
        self.gauge("store_cached_groups", "Groups of 64 coins in memory", store.cached)?;
        self.gauge(
            "store_takes_changes",
            "1 while coins can change, 0 after the disk has failed",
            store.takes_changes,
        )?;
        self.counter("store_failures", "Writes of coins that the disk failed", store.failures)?;
        self.counter("store_recoveries", "Times that the disk came back", store.recoveries)
    }

    fn process(&mut self, report: &Report) -> fmt::Result {
        let process = &report.process;
        self.gauge("memory_bytes", "Memory in use (resident)", process.memory)?;
        self.gauge("memory_peak_bytes", "The most memory that ever was in use", process.memory_peak)?;
        self.gauge("descriptors_open", "Open descriptors", process.descriptors)?;
        if let Some(most) = process.descriptors_max {
            self.gauge("descriptors_max", "RLIMIT_NOFILE", most)?;
        }
        self.gauge("threads", "Threads of the process", process.threads)?;
        self.seconds("cpu_seconds", "Processor time used", process.cpu_ms as f64 / 1e3)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let none: NoExemplar<'_> = None;
        self.metric(name, help, MetricType::Counter)?.encode_counter(&value, none)
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let none: NoExemplar<'_> = None;
        self.metric(name, help, MetricType::Counter)?.encode_counter(&value, none)
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// One number for each value of a label.
    fn family<'v, K: ToString + 'v>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        label: &'static str,
        values: impl IntoIterator<Item = (K, &'v u64)>,
    ) -> fmt::Result {
        let (none, is_gauge): (NoExemplar<'_>, _) = (None, matches!(kind, MetricType::Gauge));
        let mut metric = self.metric(name, help, kind)?;
        for (key, value) in values {
            let key = key.to_string();
            let labels = [(label, key.as_str())];
            let mut one = metric.encode_family(&labels)?;
            if is_gauge {
                one.encode_gauge(value)?;
            } else {
                one.encode_counter(value, none)?;
            }
        }
        Ok(())
    }

    fn metric<'m>(&'m mut self, name: &'m str, help: &str, kind: MetricType) -> Result<MetricEncoder<'m>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }
}

/// With a zero for every status that a node may send: a series that begins with its first count has no rate then.
fn by_status(counts: &BTreeMap<u8, u64>) -> BTreeMap<u8, u64> {
    let sent = Status::all().iter().filter(|entry| entry.is_sent);
    let mut all: BTreeMap<_, _> = sent.map(|entry| (entry.status.0, 0)).collect();
    all.extend(counts);
    all
}

/// Figures that go down too are described as they are *now*.
fn is_gauge(help: &str) -> bool {
    help.ends_with(" now")
}

/// The conventions of Prometheus: what is counted first, its unit last.
fn gauge_name(name: &str) -> &str {
    match name {
        "open" => "connections_open",
        "in_flight" => "requests_in_flight",
        "in_batch" => "requests_in_batch",
        "waiting" => "requests_waiting",
        "buffer_octets" => "buffers_bytes",
        other => other,
    }
}

fn counter_name(name: &str) -> &str {
    match name {
        "accepted" => "connections_accepted",
        "refused_full" => "connections_refused_full",
        "refused_source" => "connections_refused_source",
        "refused_network" => "connections_refused_network",
        "refused_rate" => "connections_refused_rate",
        "shed" => "connections_shed",
        "deferred" => "requests_deferred",
        "batched" => "requests_batched",
        "waited" => "requests_waited",
        "octets_in" => "tcp_received_bytes",
        "octets_out" => "tcp_sent_bytes",
        "datagram_octets_in" => "udp_received_bytes",
        "datagram_octets_out" => "udp_sent_bytes",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::Bucket;

    fn report() -> Report {
        Report {
            version: "1.2.3".to_owned(),
            backend: "epoll".to_owned(),
            stage: "serving".to_owned(),
            figures: [("requests".to_owned(), 7), ("open".to_owned(), 3)].into(),
            answers: [(250, 6)].into(),
            closes: [("served".to_owned(), 5)].into(),
            latencies: vec![
                Bucket { at_most_us: Some(1), count: 2 },
                Bucket { at_most_us: Some(2), count: 1 },
                Bucket { at_most_us: None, count: 1 },
            ],
            latency_total_us: 1_500_000,
            ..Report::default()
        }
    }

    #[test]
    fn what_was_counted_stands_in_the_text_as_counters_gauges_and_a_histogram() {
        let text = text(report());
        for line in [
            "# TYPE raida_requests counter",
            "raida_requests_total 7",
            "# TYPE raida_connections_open gauge",
            "raida_connections_open 3",
            "raida_answers_total{status=\"250\"} 6",
            "raida_refusals_total{status=\"254\"} 0",
            "raida_connections_closed_total{reason=\"served\"} 5",
            "raida_request_duration_seconds_bucket{le=\"0.000002\"} 3",
            "raida_request_duration_seconds_bucket{le=\"+Inf\"} 4",
            "raida_request_duration_seconds_sum 1.5",
            "raida_serving 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is missing in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn no_name_stands_for_two_metrics() {
        let text = text(report());
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.len() > 50, "{names:?}");
    }

    #[test]
    fn figures_that_go_down_too_are_gauges() {
        let gauges: Vec<_> = Snapshot::default()
            .figures()
            .filter(|(_, help, _)| is_gauge(help.trim().trim_end_matches('.')))
            .map(|(name, ..)| name)
            .collect();
        for name in ["open", "in_flight", "in_batch", "waiting", "buffer_octets"] {
            assert!(gauges.contains(&name), "{name} is not among {gauges:?}");
        }
        assert!(!gauges.contains(&"requests"));
    }
}
