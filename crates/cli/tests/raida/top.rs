//! `raida top` against a node's monitor.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use raida_client::testing::ClosedPort;

use crate::raida;

/// Shows always the same.
fn monitor() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut question = Vec::new();
            while !question.ends_with(b"\r\n\r\n") {
                let mut octet = [0];
                stream.read_exact(&mut octet).unwrap();
                question.extend(octet);
            }
            let body = if question.starts_with(b"GET /report ") {
                r#"{"version": "9.8.7", "raida_id": 7, "backend": "epoll", "stage": "serving", "news": 1}"#
            } else {
                r#"{"connections": [{"peer": "192.0.2.9:4", "state": "body", "age_ms": 5, "bytes_in": 1,
                    "bytes_out": 2, "reactor": 0}], "is_cut": false, "silent_reactors": []}"#
            };
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    address
}

#[test]
fn one_plain_frame_for_a_pipe() {
    let monitor = monitor().to_string();
    for arguments in [vec!["top", "--once"], vec!["top"]] {
        let run = raida([arguments, vec!["--monitor", &monitor, "--interval", "0.01"]].concat());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
        assert!(run.out.starts_with("raida 7 on "), "{run:?}");
        assert!(run.out.contains("192.0.2.9:4") && !run.out.contains('\u{1b}'), "{run:?}");
    }
}

#[test]
fn json_carries_everything_that_the_node_shows() {
    let run = raida(["top", "--once", "--json", "--monitor", &monitor().to_string()]);
    let json = run.json();
    assert_eq!((run.code, &json["report"]["version"]), (Some(0), &"9.8.7".into()));
    assert_eq!(json["connections"]["connections"][0]["state"], "body");
}

#[test]
fn a_monitor_that_is_not_there_is_named_with_what_to_look_for() {
    let closed = ClosedPort::tcp().unwrap();
    let run = raida(["top", "--once", "--monitor", &closed.address().to_string()]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains(&closed.address().to_string()) && run.err.contains("monitor.listen"), "{run:?}");
    assert_eq!(run.err.matches("refused").count(), 1, "{run:?}");
}
