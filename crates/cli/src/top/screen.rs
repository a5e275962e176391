//! A view as rows of characters, on a terminal or as plain text.

use std::time::Duration;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row, Table, Widget};

use crate::top::sample::Sample;
use crate::top::view::View;

/// Draws on a terminal.
pub(crate) fn draw(view: &View, frame: &mut Frame<'_>) {
    render(view, frame.area(), frame.buffer_mut());
}

/// One frame as plain text, as high as it needs to be.
pub(crate) fn plain(view: &View) -> String {
    let rows = view.now.connections.connections.len().min(ROWS_MAX);
    let height = HEAD + 2 + u16::try_from(rows).unwrap_or(u16::MAX).max(1);
    let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, height));
    render(view, buffer.area, &mut buffer);
    let line = |y: u16| (0..WIDTH).filter_map(|x| buffer.cell((x, y))).map(|cell| cell.symbol()).collect::<String>();
    // The last line tells of keys.
    (0..height - 1).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

/// Width of a plain frame.
const WIDTH: u16 = 100;
/// Connections in a plain frame at most.
const ROWS_MAX: usize = 1000;
/// Lines above the connections.
const HEAD: u16 = 10;

fn render(view: &View, area: Rect, buffer: &mut Buffer) {
    let [head, list, foot] =
        Layout::vertical([Constraint::Length(HEAD), Constraint::Min(1), Constraint::Length(1)]).areas(area);
    Paragraph::new(summary(view)).render(head, buffer);
    connections(view).render(list, buffer);
    let keys = " q quit  s sort  r reverse  p pause  up, down scroll";
    Paragraph::new(keys).style(Style::new().add_modifier(Modifier::REVERSED)).render(foot, buffer);
}

fn summary(view: &View) -> Vec<Line<'static>> {
    let report = &view.now.report;
    let title = format!(
        "raida {} on {}, {} {}, {}, up {}",
        report.raida_id,
        report.addresses.join(" "),
        report.version,
        report.backend,
        report.stage,
        span(report.uptime_ms)
    );
    let title = match (&view.lost, view.is_paused()) {
        (Some(reason), _) => Line::styled(format!("lost: {reason}"), warning()),
        (None, true) => Line::from(vec![strong(title), Span::raw("  (paused)")]),
        (None, false) => Line::from(strong(title)),
    };
    let now = &view.now;
    let flow = [traffic(view), commands(view), octets(view), latency(view), load(view)];
    let state = [process(view), store(view), kept(now), trouble(now)];
    [title].into_iter().chain(flow).chain(state).collect()
}

fn traffic(view: &View) -> Line<'static> {
    let pace = view.pace();
    let tcp = pace.figure("accepted");
    let (requests, errors) = (pace.figure("requests"), pace.per_second(Sample::errors));
    let (datagrams, votes) = (pace.figure("datagrams_in"), pace.figure("votes"));
    labelled(
        "traffic",
        format!(
            "{requests:.0} requests/s  {errors:.0} errors/s  {tcp:.0} connections/s  {datagrams:.0} datagrams/s  \
             {votes:.0} votes/s"
        ),
    )
}

/// The commands asked for most often, and what they said of coins.
fn commands(view: &View) -> Line<'static> {
    const SHOWN: usize = 4;
    let pace = view.pace();
    let rate = |command: &str| pace.per_second(|sample| sample.answers_to(command));
    let rates = view.now.report.commands.iter().map(|figures| (rate(&figures.command), figures.name.as_str()));
    let mut rates: Vec<_> = rates.filter(|(rate, _)| *rate > 0.0).collect();
    rates.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let asked: String = rates.iter().take(SHOWN).map(|(rate, name)| format!("{name} {rate:.0}/s  ")).collect();
    let [pass, fail] = ["pass", "fail"].map(|verdict| pace.per_second(|sample| sample.coins(verdict)));
    labelled("commands", format!("{asked}coins {pass:.0}/s pass, {fail:.0}/s fail"))
}

fn octets(view: &View) -> Line<'static> {
    let pace = view.pace();
    let rate = |name| size(pace.figure(name));
    labelled(
        "octets",
        format!(
            "TCP {}/s in, {}/s out  UDP {}/s in, {}/s out",
            rate("octets_in"),
            rate("octets_out"),
            rate("datagram_octets_in"),
            rate("datagram_octets_out")
        ),
    )
}

fn latency(view: &View) -> Line<'static> {
    let pace = view.pace();
    let at = |share: f64| pace.percentile(share).map_or("-".to_owned(), |us| format!("{}us", us));
    let (half, ninety) = (at(0.5), at(0.9));
    labelled("latency", format!("p50 {half}  p90 {ninety}  p99 {}  p99.9 {}", at(0.99), at(0.999)))
}

fn load(view: &View) -> Line<'static> {
    let now = &view.now;
    let limit = |name: &str| now.report.limits.get(name).map_or(String::new(), |limit| format!("/{limit}"));
    let (open, in_flight) = (now.figure("open"), now.figure("in_flight"));
    let (in_batch, waiting) = (now.figure("in_batch"), now.figure("waiting"));
    labelled(
        "load",
        format!(
            "{open}{} connections  {in_flight}{} with workers, {in_batch} of them in the batch  {waiting} waiting",
            limit("connections_max"),
            limit("completions_max")
        ),
    )
}

fn process(view: &View) -> Line<'static> {
    let process = &view.now.report.process;
    let most = process.descriptors_max.map_or(String::new(), |most| format!("/{most}"));
    let (memory, peak) = (size(process.memory as f64), size(process.memory_peak as f64));
    let (cpu, threads, descriptors) = (view.pace().cpu_percent(), process.threads, process.descriptors);
    labelled(
        "process",
        format!("{cpu:.0} % CPU  {memory} memory, {peak} at most  {descriptors}{most} descriptors  {threads} threads"),
    )
}

fn store(view: &View) -> Line<'static> {
    let (pace, store) = (view.pace(), &view.now.report.store);
    let commits = pace.per_second(|sample| sample.report.store.commits);
    let took = pace.commit_us().map_or("-".to_owned(), |us| format!("{us}us"));
    let hits = pace.hit_percent().map_or("-".to_owned(), |percent| format!("{percent:.1} %"));
    let evictions = pace.per_second(|sample| sample.report.store.evictions);
    labelled(
        "coins",
        format!(
            "{} issued  {commits:.0} commits/s of {took}  {hits} from memory  {evictions:.0} evictions/s",
            store.issued
        ),
    )
}

/// What is kept between requests.
fn kept(now: &Sample) -> Line<'static> {
    let of = |name| now.service(name);
    let roads = now.report.roads;
    labelled(
        "kept",
        format!(
            "{} tickets  {} numbers reserved  {} answers to repeat  {} Fix running  {}/{} workers busy",
            of("tickets_live"),
            of("reserved_numbers"),
            of("resends_kept"),
            of("fixes_running"),
            roads.workers_busy,
            now.report.workers
        ),
    )
}

/// What an operator should know of, counted since the start; nothing where all is well.
fn trouble(now: &Sample) -> Line<'static> {
    const FIGURES: &[(&str, &str)] = &[
        ("refused_full", "refused: full"),
        ("refused_source", "refused: source"),
        ("refused_network", "refused: network"),
        ("shed", "shed"),
        ("accept_failures", "accept failures"),
        ("wait_timeouts", "overload 160"),
        ("queue_timeouts", "overload 160, queue"),
        ("datagrams_overloaded", "overload 160, UDP"),
        ("datagrams_lost_in_kernel", "lost in kernel"),
        ("datagrams_unsent", "unsent"),
        ("panics", "panics"),
    ];
    let figures = FIGURES.iter().map(|(name, text)| ((*text).to_owned(), now.figure(name)));
    let closes = now.report.closes.iter().filter(|(reason, _)| reason.starts_with("timeout"));
    let closes = closes.map(|(reason, count)| (reason.clone(), *count));
    let declined = now.report.declined.iter().map(|(bound, count)| (format!("bound: {bound}"), *count));
    let told: Vec<_> = figures.chain(closes).chain(declined).filter(|(_, count)| *count > 0).collect();
    let told = told.iter().map(|(text, count)| format!("{text} {count}")).collect::<Vec<_>>().join("  ");
    let mut line = labelled("trouble", if told.is_empty() { "none".to_owned() } else { told.clone() });
    if !told.is_empty() {
        line = line.patch_style(warning());
    }
    line
}

fn connections(view: &View) -> Table<'static> {
    let rows = view.connections().into_iter().skip(view.scrolled).take(ROWS_MAX).map(|connection| {
        Row::new([
            connection.peer.clone(),
            connection.state.clone(),
            span(connection.age_ms),
            size(connection.bytes_in as f64),
            size(connection.bytes_out as f64),
            connection.reactor.to_string(),
        ])
    });
    let widths = [48, 11, 9, 10, 10, 3].map(Constraint::Length);
    let cut = if view.now.connections.is_cut { ", cut" } else { "" };
    let peer = format!("PEER (by {}{cut})", view.order());
    let header = Row::new([peer.as_str(), "STATE", "AGE", "IN", "OUT", "IO"].map(str::to_owned));
    Table::new(rows, widths).header(header.style(Style::new().add_modifier(Modifier::REVERSED)))
}

fn labelled(label: &'static str, text: String) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{label:<9}"), Style::new().fg(Color::Cyan)), Span::raw(text)])
}

fn strong(text: String) -> Span<'static> {
    Span::styled(text, Style::new().add_modifier(Modifier::BOLD))
}

fn warning() -> Style {
    Style::new().fg(Color::Yellow)
}

/// A time, in the two units that say most.
fn span(ms: u64) -> String {
    let seconds = Duration::from_millis(ms).as_secs();
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (0, 0, 0) => format!("{}.{}s", seconds, ms % 1000 / 100),
        (0, 0, minutes) => format!("{minutes}m{:02}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h{:02}m", minutes % 60),
        (days, hours, _) => format!("{days}d{:02}h", hours % 24),
    }
}

/// A number of bytes.
fn size(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut amount, mut unit) = (bytes, 0);
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        (amount, unit) = (amount / 1024.0, unit + 1);
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{amount:.0}{name}") } else { format!("{amount:.1}{name}") }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use raida_monitor::{Bucket, CommandFigures, Connection, Connections, Report};
    use ratatui::crossterm::event::KeyCode;

    use super::*;
    use crate::top::Sort;

    fn sample(at: Instant, requests: u64) -> Sample {
        let connection = |peer: &str, age_ms, bytes_in| Connection {
            peer: peer.to_owned(),
            state: "header".to_owned(),
            age_ms,
            bytes_in,
            bytes_out: 7,
            reactor: 0,
        };
        let connections = vec![connection("192.0.2.1:5000", 100, 2000), connection("192.0.2.2:5000", 90_000, 10)];
        let report = Report {
            figures: [("requests".to_owned(), requests), ("panics".to_owned(), 2)].into(),
            answers: [(250, requests), (252, requests / 10)].into(),
            commands: vec![CommandFigures {
                command: "1/10".to_owned(),
                name: "Detect".to_owned(),
                answers: [("pass".to_owned(), requests), ("fail".to_owned(), requests / 2)].into(),
                coins: [("pass".to_owned(), 10 * requests)].into(),
            }],
            service: [("tickets_live".to_owned(), 12)].into(),
            declined: [("tickets".to_owned(), 0), ("fixes".to_owned(), 4)].into(),
            latencies: vec![
                Bucket { at_most_us: Some(64), count: requests },
                Bucket { at_most_us: Some(128), count: 0 },
            ],
            ..Report::default()
        };
        Sample { at, report, connections: Connections { connections, ..Connections::default() } }
    }

    fn view() -> View {
        let start = Instant::now();
        View::new(Sort::Age, sample(start, 1000)).with(sample(start + Duration::from_secs(2), 3000))
    }

    #[test]
    fn a_frame_tells_rates_percentiles_trouble_and_connections() {
        let text = plain(&view());
        assert!(text.contains("1000 requests/s  100 errors/s"), "{text}");
        assert!(text.contains("p50 64us  p90 64us"), "{text}");
        assert!(text.contains("commands Detect 1500/s  coins 10000/s pass, 0/s fail"), "{text}");
        assert!(text.contains("kept     12 tickets  0 numbers reserved"), "{text}");
        assert!(text.contains("trouble  panics 2  bound: fixes 4\n"), "{text}");
        let last: Vec<_> = text.lines().rev().take(2).collect();
        assert!(last[0].starts_with("192.0.2.1:5000") && last[1].starts_with("192.0.2.2:5000"), "{text}");
        assert!(last[1].contains("1m30s") && last[0].contains("2.0KiB"), "{text}");
    }

    #[test]
    fn keys_sort_reverse_scroll_and_end() {
        let mut view = view();
        let first = |view: &View| view.connections()[0].peer.clone();
        assert_eq!(first(&view), "192.0.2.2:5000");
        assert!(view.press(KeyCode::Char('s')));
        assert_eq!(first(&view), "192.0.2.1:5000", "most bytes in first");
        assert!(view.press(KeyCode::Char('r')));
        assert_eq!(first(&view), "192.0.2.2:5000");
        (0..5).for_each(|_| assert!(view.press(KeyCode::Down)));
        assert_eq!(view.scrolled, 1, "never past the last");
        assert!(view.press(KeyCode::Char('p')) && view.is_paused());
        assert!(!view.press(KeyCode::Char('q')));
    }

    #[test]
    fn a_small_terminal_is_no_reason_to_panic() {
        for (width, height) in [(1, 1), (10, 3), (80, 5), (300, 2)] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            render(&view(), buffer.area, &mut buffer);
        }
    }

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!([0.0, 1023.0, 1536.0, 5e9].map(size), ["0B", "1023B", "1.5KiB", "4.7GiB"]);
        assert_eq!([0, 1_250, 61_000, 7_260_000, 90_000_000].map(span), ["0.0s", "1.2s", "1m01s", "2h01m", "1d01h"]);
    }
}
