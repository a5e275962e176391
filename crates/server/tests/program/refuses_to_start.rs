//! What keeps a node from starting: one line on standard error, exit code 1; 2 for a usage error.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use crate::process::{Running, free_port, refusal, run};

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let said = refusal(&run(folder.path(), &["--listen", &address]));
    assert!(said.contains(&address) && said.contains("TCP"), "{said}");
    assert_eq!(said.matches("in use").count(), 1, "the reason is told, and told once: {said}");
    drop(tcp);

    let udp = UdpSocket::bind(("127.0.0.1", free_port())).unwrap();
    let address = udp.local_addr().unwrap().to_string();
    let said = refusal(&run(folder.path(), &["--listen", &address]));
    assert!(said.contains(&address) && said.contains("UDP") && said.contains("in use"), "{said}");
    assert!(!folder.path().join("raida-data").exists(), "nothing was made");
}

#[test]
fn a_second_node_on_the_same_port_does_not_start_also_with_several_io_threads() {
    let folder = tempfile::tempdir().unwrap();
    for reactors in ["1", "2"] {
        let node = Running::start(&folder, &["--reactors", reactors]);
        let address = node.addresses[0].to_string();
        let said = refusal(&run(folder.path(), &["--listen", &address, "--reactors", reactors]));
        assert!(said.contains(&address), "{said}");
    }
}

#[test]
fn a_bad_value_is_named_with_its_key_and_range() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.toml"), "[server]\nraida_id = 25\n").unwrap();
    let said = refusal(&run(folder.path(), &["--config", "bad.toml"]));
    for part in ["server.raida_id", "25", "0", "24", "bad.toml"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let said = refusal(&run(folder.path(), &["--reactors", "65"]));
    for part in ["network.reactors", "65", "1", "64", "--reactors"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("typo.toml"), "[timeouts]\nprogess_ms = 5\n").unwrap();
    for arguments in [&["--config", "typo.toml"][..], &["--config", "typo.toml", "--check-config"]] {
        let said = refusal(&run(folder.path(), arguments));
        assert!(said.contains("progess_ms") && said.contains("timeouts.progress_ms"), "{said}");
    }
}

#[test]
fn what_this_build_cannot_do_is_said_also_by_the_check() {
    let folder = tempfile::tempdir().unwrap();
    for check in [&[][..], &["--check-config"]] {
        if cfg!(not(feature = "io-uring")) {
            let said = refusal(&run(folder.path(), &[&["--backend", "io-uring"], check].concat()));
            assert!(said.contains("network.backend is io-uring"), "{said}");
        }
        let said = refusal(&run(folder.path(), &[&["--log", "raida=loud"], check].concat()));
        assert!(said.contains("log.filter is \"raida=loud\""), "{said}");
        let said = refusal(&run(folder.path(), &[&["--log", "[conn{peer=[}]=debug"], check].concat()));
        assert!(said.contains("unclosed character class"), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there_or_a_folder_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = refusal(&run(folder.path(), &["--config", "nowhere.toml"]));
    assert!(said.contains("nowhere.toml"), "{said}");

    fs::write(folder.path().join("file"), "").unwrap();
    let output = run(folder.path(), &["--data-dir", "file", "--listen", "127.0.0.1:0", "--log", "error"]);
    assert!(refusal(&output).contains("file"));
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Running::start(&folder, &[]).stop(), Some(0));
    let secrets = folder.path().join("raida-data/secrets.toml");
    let listen = ["--listen", "127.0.0.1:0", "--log", "error"];
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&secrets, fs::Permissions::from_mode(mode)).unwrap();
        let said = refusal(&run(folder.path(), &listen));
        assert!(said.contains("secrets.toml") && said.contains(&format!("{mode:04o}")), "{said}");
    }
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Running::start(&folder, &[]).stop(), Some(0));
}

#[test]
fn too_few_descriptors_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let script = "ulimit -n 20; exec \"$0\" --listen 127.0.0.1:0";
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_raida-server")]).current_dir(folder.path()).env_clear();
    let said = refusal(&shell.output().unwrap());
    assert!(said.contains("RLIMIT_NOFILE is 20"), "{said}");
}

#[test]
fn a_usage_error_is_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["--no-such-flag"][..], &["--reactors", "many"], &["--listen", "nowhere"], &["--backend", "kqueue"]]
    {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(arguments[0]), "{text}");
    }
}
