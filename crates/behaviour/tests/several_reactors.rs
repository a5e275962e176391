//! A node with several I/O threads on one port answers as one with a single thread does.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

use raida_behaviour::request::{answer, echo_request, plain, with_payload, without_time};
use raida_behaviour::{Node, Shared, ask};

static NODE: Shared = Shared::new(|| Node::builder().flag("--reactors", 4).start());

#[test]
fn every_connection_is_answered_whichever_thread_it_falls_to() {
    let node = NODE.hold();
    for number in 0..200 {
        assert_eq!(without_time(ask::tcp(node.address(), &echo_request(number))), answer(250, 0, number));
    }
}

#[test]
fn every_datagram_is_answered_whichever_thread_it_falls_to() {
    let node = NODE.hold();
    for number in 0..200 {
        assert_eq!(without_time(ask::udp(node.address(), &echo_request(number))), answer(250, 0, number));
    }
}

#[test]
fn the_figures_of_all_threads_are_added_up() {
    let node = Node::builder().flag("--reactors", 4).start();
    for number in 0..50 {
        assert_eq!(ask::tcp(node.address(), &echo_request(number)).len(), 32);
        assert_eq!(ask::udp(node.address(), &echo_request(number)).len(), 32);
    }
    let stats = without_time(ask::tcp(node.address(), &plain(0, 2, &node.admin_key(), 1)));
    let figures = [100_u64, 0, 0, 50].map(|figure| figure.to_be_bytes().into_iter().rev()).into_iter().flatten();
    assert_eq!(stats, with_payload(answer(250, 0, 1), &figures.collect::<Vec<u8>>()));
}

#[test]
fn every_pinned_thread_has_one_processor_and_no_two_the_same_while_there_are_enough() {
    let node = Node::builder().config("[network]\nreactors = 2\npin_reactors = true").start();
    // A thread pins itself before it serves: whoever is answered has waited for that of one thread, so ask often.
    for number in 0..50 {
        assert_eq!(ask::tcp(node.address(), &echo_request(number)).len(), 32);
    }
    let all = processors(&format!("/proc/{}/status", std::process::id()));
    let mut pinned: Vec<_> = threads(&node, "raida-io-").iter().map(|thread| processors(thread)).collect();
    pinned.sort_unstable();
    assert!(pinned.len() == 2 && pinned.iter().all(|set| set.parse::<u32>().is_ok()), "{pinned:?}");
    assert_eq!(pinned[0] == pinned[1], all.parse::<u32>().is_ok(), "{pinned:?} of {all}");
}

/// The status files of a node's threads whose names begin so.
fn threads(node: &Node, name: &str) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", node.pid().as_raw_nonzero())).unwrap();
    let files = tasks.map(|task| task.unwrap().path().join("status").display().to_string());
    files.filter(|file| std::fs::read_to_string(file).unwrap().starts_with(&format!("Name:\t{name}"))).collect()
}

/// The processors that a thread may run on, as the kernel lists them.
fn processors(status: &str) -> String {
    let text = std::fs::read_to_string(status).unwrap();
    text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:\t")).unwrap().to_owned()
}
