//! Other nodes that take their time do not hold up this one.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use raida_behaviour::request::plain;
use raida_behaviour::{Crowd, Node, ask};
use raida_client::wire::Status;

/// Nodes of the network that take calls and never say anything, each at a loopback address of its own.
struct Silent {
    port: u16,
    calls: Arc<AtomicUsize>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let (port, calls) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&calls);
        let held: Mutex<Vec<TcpStream>> = Mutex::default();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                held.lock().unwrap().push(stream);
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, calls }
    }
}

/// A Fix for one coin, with tickets of thirteen other nodes.
fn fix(number: u32) -> Vec<u8> {
    let tickets = (0..25_u32).flat_map(|node| if (1..14).contains(&node) { 7_u32 } else { 0 }.to_be_bytes());
    plain(2, 80, &[0; 5].into_iter().chain([9; 16]).chain(tickets).collect::<Vec<_>>(), number)
}

#[test]
fn silent_peers_keep_fixes_waiting_and_nobody_else() {
    let silent = Silent::start();
    let nodes: Vec<_> = (1..26).map(|node| format!("\"127.0.0.{node}:{}\"", silent.port)).collect();
    let nodes = nodes.join(", ");
    let config = format!("server.raida_servers = [{nodes}]\npeers.fixes_max = 2\npeers.total_ms = 32000");
    let node = Node::builder().flag("--threads", 1).config(&config).start();
    let mut crowd = Crowd::of(node.address());
    (0..2).for_each(|number| crowd.join(&fix(number)));
    crowd.until("both fixes ask thirteen nodes each", |_| silent.calls.load(Ordering::SeqCst) == 26);
    assert_eq!(ask::tcp(node.address(), &fix(2)).get(2), Some(&Status::REQUEST_RATE.0), "one too many");
    for number in 3..20 {
        for ask in [ask::tcp, ask::udp] {
            // Pown goes to the batch thread, Detect Sum to a worker, Echo nowhere.
            let status = |group, command, len| {
                ask(node.address(), &plain(group, command, &vec![0; len], number)).get(2).copied()
            };
            assert_eq!(status(1, 20, 37), Some(Status::ALL_FAIL.0));
            assert_eq!(status(1, 11, 21), Some(Status::ALL_FAIL.0));
            assert_eq!(status(0, 0, 0), Some(Status::SUCCESS.0));
        }
    }
}
