//! What is wrong is named: key, value, what is accepted, source. All of it at once, on one line.

#![expect(clippy::expect_used, reason = "a test may panic, also in its shared parts")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use raida_config::{Config, ConfigError, ConfigFile, Overrides, Problem, Sources};

fn refused(sources: &Sources) -> ConfigError {
    Config::load(sources).expect_err("should have been refused")
}

fn file(text: &str) -> Sources {
    Sources { file: Some(ConfigFile::from_text("raida.toml", text)), ..Sources::default() }
}

fn messages(text: &str) -> Vec<String> {
    refused(&file(text)).problems().iter().map(Problem::to_string).collect()
}

#[test]
fn a_value_out_of_range_is_named_with_key_range_and_source() {
    let texts = messages("[server]\nraida_id = 25\n[timeouts]\nprogress_ms = 0\n");
    assert_eq!(
        texts,
        [
            "server.raida_id is 25 (raida.toml), must be a whole number from 0 to 24",
            "timeouts.progress_ms is 0 (raida.toml), must be a whole number from 1 to 3600000 milliseconds",
        ]
    );
}

#[test]
fn a_value_of_the_wrong_sort_is_named() {
    for (line, found) in [
        ("port = \"50007\"", "\"50007\""),
        ("port = 1.5", "1.5"),
        ("port = -1", "-1"),
        ("port = true", "true"),
        ("port = [1]", "a list"),
        ("port = { a = 1 }", "a table"),
        ("port = 1979-05-27T07:32:00Z", "a table"),
        ("port = 9223372036854775807", "9223372036854775807"),
    ] {
        let texts = messages(&format!("[server]\n{line}\n"));
        assert_eq!(texts, [format!("server.port is {found} (raida.toml), must be a whole number from 1 to 65535")]);
    }
}

#[test]
fn the_wrong_entry_of_a_list_is_named() {
    let texts = messages("[network]\nlisten = [\"127.0.0.1:1\", \"localhost:1\"]\n");
    assert!(texts[0].starts_with("network.listen is \"localhost:1\" (raida.toml), must be a list of"), "{texts:?}");
    let texts = messages("[network]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:1\"]\n");
    assert!(texts[0].contains("the same address twice"), "{texts:?}");
    let texts = messages("[server]\nraida_servers = [\"a:1\", \"b:2\"]\n");
    assert!(texts[0].contains("is a list of 2 (raida.toml), must be a list of 25 entries"), "{texts:?}");
    let texts = messages("[integrity]\nmirrors = [\"a:1\", \"b:2\", \"a:1\"]\n");
    assert!(texts[0].contains("the same address twice"), "{texts:?}");
    let many: Vec<_> = (1..=25).map(|port| format!("\"mirror:{port}\"")).collect();
    let texts = messages(&format!("[integrity]\nmirrors = [{}]\n", many.join(",")));
    assert!(texts[0].contains("is a list of 25 (raida.toml), must be a list of at most 24 different"), "{texts:?}");
}

#[test]
fn coins_that_can_not_exist_are_named() {
    for wrong in ["7:0", "-9:0", "0:1024000", "0", ":", "0:-1", "0:1:2", "x:1"] {
        let texts = messages(&format!("[integrity]\nmirror_keys = [\"0:258\", \"{wrong}\"]\n"));
        let expected = format!("integrity.mirror_keys is {wrong:?} (raida.toml), must be a list of at most 16 coins");
        assert!(texts[0].starts_with(&expected), "{texts:?}");
    }
}

#[test]
fn healing_without_mirrors_or_keys_is_refused() {
    assert_eq!(
        messages("[integrity]\nheal = true\nmirrors = [\"a:1\"]\n"),
        [
            "integrity.heal is true (raida.toml), then integrity.mirrors must have at least 13 entries, but has 1",
            "integrity.heal is true (raida.toml), then integrity.mirror_keys must have at least 1 entries, but has 0",
        ]
    );
    let mirrors: Vec<_> = (1..=13).map(|port| format!("\"mirror:{port}\"")).collect();
    let text = format!("[integrity]\nheal = true\nmirror_keys = [\"-8:1023999\"]\nmirrors = [{}]\n", mirrors.join(","));
    let sources = Sources { file: Some(ConfigFile::from_text("raida.toml", text)), ..Sources::default() };
    let integrity = Config::load(&sources).expect("enough of both").config.integrity;
    assert_eq!((integrity.mirrors.len(), integrity.mirror_keys[0].to_string()), (13, "-8:1023999".to_owned()));
}

#[test]
fn variables_and_flags_are_named_as_typed() {
    let sources = Sources {
        file: None,
        environment: vec![("RAIDA_NETWORK__BACKEND".into(), "kqueue".into())],
        overrides: Overrides { reactors: Some(65), ..Overrides::default() },
    };
    assert_eq!(
        refused(&sources).to_string(),
        "network.backend is \"kqueue\" (environment variable RAIDA_NETWORK__BACKEND), must be \"epoll\" or \"io-uring\"; \
         network.reactors is 65 (flag --reactors), must be a whole number from 1 to 64"
    );
}

#[test]
fn what_is_not_text_is_refused_and_not_guessed() {
    let bytes = OsString::from_vec(vec![b'a', 0xff]);
    let sources = Sources {
        file: None,
        environment: vec![("RAIDA_LOG__FILTER".into(), bytes.clone())],
        overrides: Overrides { data_dir: Some(bytes.into()), ..Overrides::default() },
    };
    let text = refused(&sources).to_string();
    assert!(text.contains("log.filter is not UTF-8 (environment variable RAIDA_LOG__FILTER)"), "{text}");
    assert!(text.contains("store.data_dir is not UTF-8 (flag --data-dir)"), "{text}");
}

#[test]
fn keys_that_contradict_each_other_are_named_with_both_values() {
    assert_eq!(
        messages("[timeouts]\nprogress_ms = 31000\n"),
        [
            "timeouts.progress_ms is 31000 (raida.toml), must not be more than timeouts.request_ms, which is 30000 (default)"
        ]
    );
    assert_eq!(messages("[timeouts]\nwrite_ms = 1\n").len(), 1);
    assert_eq!(
        messages("[server]\nudp_effective_payload = 5000\n[network]\nudp_receive_buffer_bytes = 4096\n").len(),
        1
    );
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let texts = messages("raida_id = 3\nserver.prot = 1\nserver.listen = []\n[limit]\na = 1\n[log]\ncolour = true\n");
    assert_eq!(
        texts,
        [
            "\"limit\" (raida.toml): there is no such key, did you mean [limits]?",
            "\"log.colour\" (raida.toml): there is no such key",
            "\"raida_id\" (raida.toml): there is no such key, did you mean server.raida_id?",
            "\"server.listen\" (raida.toml): there is no such key, did you mean network.listen?",
            "\"server.prot\" (raida.toml): there is no such key, did you mean server.port?",
        ]
    );
    assert_eq!(messages("server = 3\n"), ["server is a number (raida.toml), must be a table"]);
}

#[test]
fn unknown_variables_are_refused_with_the_nearest_known_one() {
    let refuse = |name: &str| {
        refused(&Sources { environment: vec![(name.into(), "1".into())], ..Sources::default() }).to_string()
    };
    let meant = "there is no such key, did you mean RAIDA_SERVER__PORT?";
    for name in ["RAIDA_SERVER__PROT", "RAIDA_SERVR__PORT", "RAIDA_SERVER__port"] {
        assert_eq!(refuse(name), format!("environment variable {name}: {meant}"));
    }
    assert_eq!(refuse("RAIDA_X__Y"), "environment variable RAIDA_X__Y: there is no such key");
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    let names = ["RAIDA_SIM_SEED", "RAIDA_", "RAIDA", "XRAIDA_SERVER__PROT", "RAIDA_SERVER_PORT_50000_TCP"];
    let environment = names.iter().map(|name| (name.into(), "tcp://10.0.0.1:50000".into())).collect();
    let loaded = Config::load(&Sources { environment, ..Sources::default() }).expect("none of them is a setting");
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
}

#[test]
fn a_variable_with_one_underscore_too_few_is_pointed_out() {
    let environment = vec![("RAIDA_SERVER_PORT".into(), "50007".into())];
    let loaded = Config::load(&Sources { environment, ..Sources::default() }).expect("not a setting");
    assert_eq!(loaded.config.server.port, 50_000);
    let texts: Vec<_> = loaded.notices.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["environment variable RAIDA_SERVER_PORT is not read, RAIDA_SERVER__PORT would be"]);
}

#[test]
fn what_is_not_toml_is_named_with_its_place() {
    let texts = messages("[server]\n# ä\nport = = 3\n");
    assert!(texts[0].starts_with("raida.toml: line 3, column 8: "), "{texts:?}");
    assert_eq!(texts.len(), 1);
    assert!(messages(&format!("x = {}", "[".repeat(100_000)))[0].starts_with("raida.toml: line 1"));
}

#[test]
fn a_number_too_large_to_be_read_is_named_with_its_key_and_what_that_accepts() {
    const NUMBER: &str = "99999999999999999999999";
    for text in [
        format!("[server]\n  port = {NUMBER} # too much\n"),
        format!("server.port = {NUMBER}\n"),
        format!("server = {{ raida_id = 3, port = {NUMBER} }}\n"),
        format!("server = {{ port = -{NUMBER} }}\n"),
    ] {
        let texts = messages(&text);
        let is_named =
            |told: &str| told.contains(": server.port: ") && told.ends_with("a whole number from 1 to 65535");
        assert!(texts.len() == 1 && is_named(&texts[0]), "{texts:?}");
    }
    let texts = messages(&format!("[nowhere]\nport = {NUMBER}\n"));
    assert!(texts[0].starts_with("raida.toml: line 2, column 8: "), "{texts:?}");
}

#[test]
fn the_message_stays_on_one_line_and_within_bounds() {
    let long = "x".repeat(5000);
    let text = refused(&file(&format!("\"a\\nb\" = 1\n[log]\nformat = \"{long}\\n\"\n\"{long}\" = 1\n"))).to_string();
    assert!(!text.contains('\n') && text.len() < 1000, "{text}");
    let many: String = (0..1000).map(|number| format!("nonsense{number} = 1\n")).collect();
    let error = refused(&file(&many));
    assert_eq!(error.problems().len(), 1000);
    assert!(error.to_string().ends_with("; and 980 more"), "{error}");
}

#[test]
fn a_file_that_is_no_text_or_far_too_long_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("raida.toml");
    std::fs::write(&path, [b'#', 0xff]).expect("written");
    assert!(ConfigFile::read(&path).expect_err("not UTF-8").to_string().contains("UTF-8"));
    let length = usize::try_from(ConfigFile::LENGTH_MAX).expect("small");
    std::fs::write(&path, vec![b'\n'; length]).expect("written");
    assert!(ConfigFile::read(&path).is_ok());
    std::fs::write(&path, vec![b'\n'; length + 1]).expect("written");
    assert!(ConfigFile::read(&path).expect_err("too long").to_string().contains("longer than 1048576 bytes"));
}

#[test]
fn only_regular_files_are_read_and_a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, link, pipe) = (folder.path().join("raida.toml"), folder.path().join("link"), folder.path().join("pipe"));
    std::fs::write(&file, "[server]\nport = 7\n").expect("written");
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    assert!(ConfigFile::read(&link).is_ok());
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("runs");
    assert!(made.success());
    // Nobody ever writes to it.
    for path in ["/dev/null".as_ref(), folder.path(), &pipe] {
        let told = ConfigFile::read(path).expect_err("no file").to_string();
        assert_eq!(told, format!("{}: is not a regular file", path.display()));
    }
}

#[test]
fn a_value_that_toml_itself_refuses_is_named_with_its_key_and_not_quoted() {
    for text in
        ["[network]\nreactors = 1\n[server]\nport = 99999999999999999999\n", "server.port = 99999999999999999999\n"]
    {
        let texts = messages(text);
        assert_eq!(texts.len(), 1);
        assert!(texts[0].starts_with("raida.toml: line ") && texts[0].contains(": server.port: "), "{texts:?}");
        assert!(!texts[0].contains("9999"), "{texts:?}");
    }
    let texts = messages("[server]\nadmin_key = 0123456789abcdef0123456789abcdef\n");
    assert!(texts[0].contains("server.admin_key: ") && !texts[0].contains("0123456789"), "{texts:?}");
}
