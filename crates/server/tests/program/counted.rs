//! What commands do shows in the metrics, number by number; and what is shipped asks for nothing that is not shown.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a step that fails is a test that fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;

use raida_wire::{Challenge, Command, Recipient, Request, Sender, Status};
use tempfile::TempDir;

use crate::monitor;
use crate::process::{PATIENCE, run};

/// Every line of the metrics: name and labels, value.
type Scrape = BTreeMap<String, f64>;

/// A request in clear, in room that is long enough.
fn request(command: Command, payload: &[u8]) -> Vec<u8> {
    let recipient = Recipient { raida_id: 0, coin_id: 6, shard: 0 };
    let sender = Sender::Nobody { echo: [1, 2], challenge: Challenge::new([7; 12]) };
    let mut octets = vec![0; payload.len() + 50];
    let (len, _) = Request::new(recipient, command, sender).build(&mut octets, payload).unwrap();
    octets.truncate(len);
    octets
}

/// The status of the answer over a connection of its own.
fn over_tcp(node: SocketAddr, command: Command, payload: &[u8]) -> Status {
    let mut stream = TcpStream::connect_timeout(&node, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request(command, payload)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Status(answer[2])
}

fn over_udp(socket: &UdpSocket, node: SocketAddr, octets: &[u8]) -> Status {
    socket.send_to(octets, node).unwrap();
    let mut answer = [0; 2000];
    let (len, _) = socket.recv_from(&mut answer).unwrap();
    Status(answer[..len][2])
}

fn scrape(monitor: SocketAddr) -> Scrape {
    let text = monitor::text(monitor, "/metrics");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

/// A node with the coins 0:0 to 0:7 issued, each with its serial number and one in every octet of its number.
fn start(folder: &TempDir) -> (crate::process::Running, SocketAddr) {
    let mut page = vec![0; 1024 * 17];
    for (number, record) in (1..=8).zip(page.chunks_mut(17)) {
        record.fill(number);
    }
    fs::create_dir_all(folder.path().join("Data/00/00")).unwrap();
    fs::write(folder.path().join("Data/00/00/0000.bin"), page).unwrap();
    assert!(run(folder.path(), &["import", "."]).status.success());
    monitor::start(folder, &[])
}

fn claim(coin: u8, number: u8) -> Vec<u8> {
    [&[0, 0, 0, 0, coin][..], &[number; 16]].concat()
}

fn exchange(coin: u8, number: u8, new: u8) -> Vec<u8> {
    [claim(coin, number), vec![new; 16]].concat()
}

#[test]
fn what_commands_come_to_shows_by_command_coin_and_bound() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, monitor) = start(&folder);
    let node = running.addresses[0];
    let before = scrape(monitor);

    let ask = |command, payload: &[u8]| over_tcp(node, command, payload);
    assert_eq!(ask(Command::DETECT, &[claim(0, 1), claim(1, 2), claim(2, 9)].concat()), Status::MIXED);
    assert_eq!(ask(Command::DETECT, &claim(0, 1)), Status::ALL_PASS);
    assert_eq!(ask(Command::DETECT, &[0; 22]), Status::COINS_NOT_DIV);
    assert_eq!(ask(Command::POWN, &[exchange(0, 1, 50), exchange(1, 2, 50)].concat()), Status::ALL_PASS);
    assert_eq!(ask(Command::POWN, &exchange(0, 1, 60)), Status::ALL_FAIL);
    assert_eq!(ask(Command::GET_TICKET, &claim(3, 4)), Status::ALL_PASS);
    assert_eq!(ask(Command::GET_AVAILABLE_CHANGE_SNS, &[0, 0, 0, 7, 1, 1]), Status::SUCCESS);
    assert_eq!(ask(Command::new(4, 42), &[0; 8]), Status::NOT_IMPLEMENTED);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let datagram = request(Command::POWN, &exchange(4, 5, 51));
    assert_eq!([(); 3].map(|()| over_udp(&socket, node, &datagram)), [Status::ALL_PASS; 3], "it runs once");

    let after = scrape(monitor);
    let grown = |name: &str| after[name] - before[name];
    for (command, name, outcome, expected) in [
        ("1/10", "Detect", "pass", 1.0),
        ("1/10", "Detect", "mixed", 1.0),
        ("1/10", "Detect", "fail", 0.0),
        ("1/10", "Detect", "refused", 1.0),
        ("1/20", "Pown", "pass", 2.0),
        ("1/20", "Pown", "fail", 1.0),
        ("2/40", "Get Ticket", "pass", 1.0),
        ("9/91", "Get Available Change SNs", "pass", 1.0),
        ("other", "not on offer", "refused", 1.0),
    ] {
        let line = format!("raida_commands_total{{command={command:?},name={name:?},outcome={outcome:?}}}");
        assert_eq!(grown(&line), expected, "{line}");
    }
    for (command, name, verdict, expected) in [
        ("1/10", "Detect", "pass", 3.0),
        ("1/10", "Detect", "fail", 1.0),
        ("1/20", "Pown", "pass", 3.0),
        ("1/20", "Pown", "fail", 1.0),
        ("2/40", "Get Ticket", "pass", 1.0),
    ] {
        let line = format!("raida_coins_judged_total{{command={command:?},name={name:?},verdict={verdict:?}}}");
        assert_eq!(grown(&line), expected, "{line}");
    }
    for (name, expected) in [
        ("raida_coins_powned_total", 3.0),
        ("raida_value_powned_total", 3e8),
        ("raida_tickets_issued_total", 1.0),
        ("raida_tickets_live", 1.0),
        ("raida_reserved_numbers", 64.0),
        ("raida_resends_total", 2.0),
        ("raida_resends_kept", 1.0),
        ("raida_fixes_total", 0.0),
        ("raida_batch_requests_total", 5.0),
        ("raida_store_commits_total", 2.0),
        ("raida_commands_declined_total{bound=\"tickets\"}", 0.0),
        ("raida_coins_issued", 0.0),
    ] {
        assert_eq!(grown(name), expected, "{name}");
    }
    assert_eq!(after["raida_coins_issued"], 8.0);
    assert!((1.0..=5.0).contains(&grown("raida_batches_total")));
    assert!(after["raida_batch_requests_largest"] >= 1.0);
    assert_eq!(running.stop(), Some(0));
}

/// The words of an expression that name metrics, each with its `label="value"` pairs.
fn selectors(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("raida_") {
        if expression[..at].ends_with(is_word) {
            continue;
        }
        let (name, rest) =
            expression[at..].split_at(expression[at..].find(|c| !is_word(c)).unwrap_or(expression.len() - at));
        let labels = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(labels, _)| labels);
        let plain = labels.split(',').map(str::trim).filter(|pair| !pair.contains("=~") && !pair.contains("!="));
        found.push((name.to_owned(), plain.filter(|pair| !pair.is_empty()).map(str::to_owned).collect()));
    }
    found
}

/// Every text under a key of this name, anywhere in a document.
fn texts(document: &serde_json::Value, key: &str, found: &mut Vec<String>) {
    if let Some(fields) = document.as_object() {
        found.extend(fields.get(key).and_then(|text| text.as_str()).map(str::to_owned));
        fields.values().for_each(|value| texts(value, key, found));
    }
    document.as_array().into_iter().flatten().for_each(|value| texts(value, key, found));
}

#[test]
fn what_the_operations_guide_lists_is_shown() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let guide = fs::read_to_string(guide).unwrap();
    let rows = guide.lines().skip_while(|line| *line != "| what | metrics |").take_while(|line| line.starts_with('|'));
    let listed: Vec<_> = rows.flat_map(|row| row.split('`')).filter(|word| word.starts_with("raida_")).collect();
    assert!(listed.len() > 50, "{listed:?}");
    let folder = tempfile::tempdir().unwrap();
    let (_running, monitor) = start(&folder);
    let shown = scrape(monitor);
    let is_shown = |name: &str| {
        shown
            .keys()
            .filter_map(|line| line.strip_prefix(name))
            .any(|rest| ["", "_sum"].contains(&rest) || rest.starts_with('{'))
    };
    for name in listed {
        assert!(is_shown(name), "{name} is listed, and no node shows it");
    }
}

#[test]
fn rules_and_dashboard_ask_for_nothing_that_a_node_does_not_show() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let read = |name: &str| fs::read_to_string(deploy.join(name)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut running, monitor) = start(&folder);
    let shown = scrape(monitor);
    let names: BTreeSet<_> = shown.keys().map(|line| line.split('{').next().unwrap()).collect();
    assert_eq!(running.stop(), Some(0));

    let rules = read("raida-rules.yml");
    let mut expressions: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("expr:")).map(str::to_owned).collect();
    let asked_by_rules = expressions.len();
    let dashboard = serde_json::from_str(&read("grafana-raida.json")).unwrap();
    ["expr", "query"].iter().for_each(|key| texts(&dashboard, key, &mut expressions));
    assert!(asked_by_rules >= 10 && expressions.len() >= asked_by_rules + 20, "{expressions:#?}");

    for (name, labels) in expressions.iter().flat_map(|expression| selectors(expression)) {
        assert!(names.contains(name.as_str()), "{name} is asked for, and no node shows it");
        let with = |label: &String| shown.keys().any(|line| line.starts_with(&name) && line.contains(label));
        assert!(labels.iter().all(with), "{name} is asked for with {labels:?}, and no node shows that");
    }
}
