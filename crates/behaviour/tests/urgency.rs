//! Workers give way to I/O threads where processors are short, also behind the strictest sandbox.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs;

use raida_behaviour::request::{answer, plain, without_time};
use raida_behaviour::{Node, ask, wait_until};

/// What a worker's nice value is higher by.
const WORKERS_NICE: i32 = 5;

/// The nice values of the threads whose name begins so.
fn nice_values(node: &Node, name: &str) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{}/task", node.pid().as_raw_nonzero())).unwrap();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("stat")).ok());
    let nice = |stat: String| {
        let (named, numbers) = stat.rsplit_once(") ").unwrap();
        let is_named = named.split_once('(').unwrap().1.starts_with(name);
        is_named.then(|| numbers.split(' ').nth(16).unwrap().parse().unwrap())
    };
    stats.filter_map(nice).collect()
}

#[test]
fn workers_give_way_behind_a_sandbox_that_is_required() {
    let tried = Node::start();
    let is_lacking = |line: &String| line.contains("WARN") && line.contains("sandbox");
    if let Some(lacking) = tried.log().into_iter().find(is_lacking) {
        return eprintln!("SKIPPED: this kernel has no whole sandbox to require: {lacking}");
    }
    let node = Node::builder().config("sandbox.mode = \"require\"\nserver.threads = 3").start();
    let threads = |name| nice_values(&node, name);
    let own = threads("raida-server")[0];
    // A thread takes its name, and steps back, when it begins. 19 is the lowest there is.
    let lower = (own + WORKERS_NICE).min(19);
    wait_until("workers have stepped back", || threads("raida-work") == [lower; 3]);
    wait_until("I/O is as urgent as ever", || threads("raida-io") == [own]);
    wait_until("changes are as urgent as ever", || threads("raida-batch") == [own]);
    assert!(node.log().iter().any(|line| line.contains("sandbox: system calls")), "{:#?}", node.log());
    // 1/11 for a coin that is not issued: a worker looks.
    let asked = plain(1, 11, &[0; 21], 5);
    assert_eq!(without_time(ask::tcp(node.address(), &asked)), answer(242, 1, 5));
}
