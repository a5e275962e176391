//! The node's own secrets: made once, for the owner alone, shown to nobody.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::process::{ECHO, Running, assert_answers, run};

/// The value of a key in the secrets file.
#[expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]
fn secret(text: &str, key: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

#[test]
fn secrets_are_made_once_for_the_owner_alone_and_their_place_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("raida-data");
    let mut node = Running::start(&folder, &[]);
    assert_eq!(node.stop(), Some(0));
    assert!(node.log.iter().any(|line| line.contains("raida-data/secrets.toml")), "{:#?}", node.log);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("secrets.toml")), 0o600);

    let made = fs::read_to_string(data.join("secrets.toml")).unwrap();
    let mut node = Running::start(&folder, &[]);
    assert_eq!(node.stop(), Some(0));
    assert!(!node.log.iter().any(|line| line.contains("first start")), "{:#?}", node.log);
    assert_eq!(fs::read_to_string(data.join("secrets.toml")).unwrap(), made);

    let other = tempfile::tempdir().unwrap();
    assert_eq!(Running::start(&other, &[]).stop(), Some(0));
    let others = fs::read_to_string(other.path().join("raida-data/secrets.toml")).unwrap();
    assert_ne!(secret(&made, "admin_key"), secret(&others, "admin_key"));
}

#[test]
fn the_admin_key_opens_the_counters_and_appears_in_no_log_and_no_print() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Running::start(&folder, &["--log", "trace"]);
    assert_answers(node.addresses[0]);
    let text = fs::read_to_string(folder.path().join("raida-data/secrets.toml")).unwrap();
    let (admin_key, node_secret) = (secret(&text, "admin_key"), secret(&text, "node_secret"));

    let octets = (0..16).map(|i| u8::from_str_radix(&admin_key[2 * i..2 * i + 2], 16).unwrap());
    let mut show_stats: Vec<u8> = ECHO[..48].iter().copied().chain(octets).chain([0x3E, 0x3E]).collect();
    (show_stats[5], show_stats[23]) = (2, 34);
    let answer = ask(&node, &show_stats);
    assert_eq!((answer[2], answer.len()), (250, 66));
    assert_eq!(answer[32..40], 2_u64.to_le_bytes(), "two echoes");
    assert_eq!(answer[56..64], 1_u64.to_le_bytes(), "one datagram");
    show_stats[48] ^= 1;
    let answer = ask(&node, &show_stats);
    assert_eq!((answer[2], answer.len()), (38, 32));

    assert_eq!(node.stop(), Some(0));
    let print = run(folder.path(), &["--print-config"]);
    let everything =
        format!("{:?}{}{}", node.log, String::from_utf8_lossy(&print.stdout), String::from_utf8_lossy(&print.stderr));
    for secret in [admin_key, node_secret] {
        assert!(!everything.contains(&secret) && !everything.contains(&secret.to_uppercase()));
    }
}

#[expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]
fn ask(node: &Running, request: &[u8]) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(node.addresses.first().unwrap()).unwrap();
    stream.set_read_timeout(Some(crate::process::PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}
