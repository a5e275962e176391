//! A kernel that refuses io_uring, as Docker's default profile makes it do.
#![cfg(feature = "io-uring")]
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::thread;

use raida_behaviour::request::{answer, plain, without_time};
use raida_behaviour::{Node, ask};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// Does something where nobody gets a ring: neither this thread nor a process that it starts.
fn without_io_uring<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    let rules = BTreeMap::from([(libc::SYS_io_uring_setup, Vec::new())]);
    let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, ARCH.try_into().unwrap());
    let program: BpfProgram = filter.and_then(TryInto::try_into).unwrap();
    let confined = || {
        apply_filter(&program).unwrap();
        act()
    };
    thread::scope(|scope| scope.spawn(confined).join().unwrap())
}

#[test]
fn a_node_that_may_not_use_io_uring_says_so_loudly_and_serves_with_epoll() {
    // Built first: the compiler has nothing to do with it.
    let builder = Node::builder().backend("io-uring", "epoll");
    let node = without_io_uring(|| builder.start());
    let log = node.log();
    let warning = log.iter().find(|line| line.contains("THE KERNEL REFUSES IO_URING"));
    assert!(warning.is_some_and(|line| line.contains("WARN") && line.contains("Operation not permitted")), "{log:#?}");
    let echo = plain(0, 0, &[], 20);
    assert_eq!(without_time(ask::tcp(node.address(), &echo)), answer(250, 0, 20));
    assert_eq!(without_time(ask::udp(node.address(), &echo)), answer(250, 0, 20));
}
