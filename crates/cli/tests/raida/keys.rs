//! Files with keys: what they open, and that nobody sees what is in them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use raida_client::testing::{self, ADMIN_KEY, Honest};

use crate::{Run, node, raida};

/// A file in the folder with this text and mode.
fn file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join(format!("{mode:o}.key"));
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The file for the coin that [`knowing`] knows; at RAIDA 3 it has another number.
fn key_text() -> String {
    format!("denomination = 1\nserial_number = 171\nan = {}\nan.3 = {}\n", hex(&[0xAB; 16]), hex(&[0xCD; 16]))
}

fn knowing(raida_id: u8) -> Honest {
    let mut coin = testing::key_coin(1, 0xAB).unwrap();
    if raida_id == 3 {
        coin.number = [0xCD; 16].into();
    }
    Honest { coins: vec![coin], ..Honest::new(raida_id) }
}

fn assert_discreet(run: &Run) {
    let shown = format!("{}{}", run.out, run.err).to_lowercase();
    assert!(!shown.contains("abab") && !shown.contains("cdcd") && !shown.contains("adad"), "{run:?}");
}

#[test]
fn encrypted_questions_open_with_each_nodes_own_number() {
    let ((_one, first), (_two, second)) = (node(&knowing(3)), node(&knowing(4)));
    let folder = tempfile::tempdir().unwrap();
    let key = file(folder.path(), &key_text(), 0o600);
    for encryption in ["1", "4"] {
        for transport in ["--tcp", "--udp"] {
            let run = raida([
                "version",
                transport,
                "--encryption",
                encryption,
                "--key-file",
                key.to_str().unwrap(),
                "--node",
                &first,
                "--node",
                &second,
            ]);
            assert_eq!((run.code, run.out.matches("20250323").count()), (Some(0), 2), "{run:?}");
            assert_discreet(&run);
        }
    }
}

#[test]
fn wrong_number_and_unknown_coin_are_told_by_status() {
    let ((_one, wrong), (_two, unknown)) = (node(&knowing(4)), node(&Honest::new(5)));
    let folder = tempfile::tempdir().unwrap();
    let key = file(folder.path(), &key_text().replace("ab", "ac"), 0o400);
    for (encryption, statuses) in [("1", [37, 34]), ("4", [204, 25])] {
        for (name, status) in [&wrong, &unknown].into_iter().zip(statuses) {
            let run = raida([
                "echo",
                "--json",
                "--encryption",
                encryption,
                "--key-file",
                key.to_str().unwrap(),
                "--node",
                name,
            ]);
            assert_eq!((run.code, &run.json()["status"]), (Some(1), &status.into()));
            assert_discreet(&run);
        }
    }
}

#[test]
fn key_file_that_others_can_open_is_refused_before_anything_is_sent() {
    let (_fake, name) = node(&knowing(4));
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o644, 0o640, 0o602] {
        let key = file(folder.path(), &key_text(), mode);
        let key = key.to_str().unwrap();
        let run = raida(["echo", "--encryption", "4", "--key-file", key, "--node", &name]);
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
        assert!(run.err.contains(&format!("mode {mode:03o}")) && run.err.contains("chmod 600"), "{run:?}");
        assert_eq!(raida(["stats", "--admin-key-file", key, "--node", &name]).code, Some(1));
    }
}

#[test]
fn broken_and_missing_key_files_are_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let broken = file(folder.path(), &key_text().replace("an = ", "an = zz"), 0o600);
    let missing = folder.path().join("missing.key");
    for path in [broken, missing] {
        let path = path.to_str().unwrap();
        let run = raida(["echo", "--encryption", "1", "--key-file", path]);
        assert_eq!(run.code, Some(1));
        assert!(run.err.contains(path), "{run:?}");
        assert_discreet(&run);
    }
}

#[test]
fn stats_take_the_admin_key_from_the_servers_secrets_file() {
    let (_fake, name) = node(&Honest::new(0));
    let folder = tempfile::tempdir().unwrap();
    let secrets = format!("# secrets\nadmin_key = \"{}\"\nnode_secret = \"{}\"\n", hex(&ADMIN_KEY), hex(&[9; 32]));
    for text in [secrets, hex(&ADMIN_KEY)] {
        let key = file(folder.path(), &text, 0o600);
        let key = key.to_str().unwrap();
        let run = raida(["stats", "--admin-key-file", key, "--node", &name]);
        assert!(
            run.code == Some(0) && run.out.lines().nth(1).unwrap().contains("  1       2             3"),
            "{run:?}"
        );
        let line = raida(["stats", "--json", "--udp", "--admin-key-file", key, "--node", &name]).json();
        let expected = serde_json::json!({
            "echoes": 1, "coins_powned": 2, "value_powned": 300_000_000, "udp_datagrams": 4
        });
        assert_eq!(line["result"], expected);
        assert_discreet(&run);
    }
}

#[test]
fn wrong_admin_key_is_told_by_status() {
    let (_fake, name) = node(&Honest::new(0));
    let folder = tempfile::tempdir().unwrap();
    let key = file(folder.path(), &hex(&[0xAB; 16]), 0o600);
    let run = raida(["stats", "--admin-key-file", key.to_str().unwrap(), "--node", &name]);
    assert!(run.out.contains("38 ADMIN_AUTH") && run.err.contains("check the admin key"), "{run:?}");
    assert_eq!(run.code, Some(1));
    assert_discreet(&run);
}
