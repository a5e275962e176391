//! Presets, file, environment and flags: each wins over the one before, and every value knows where it came from.

#![expect(clippy::panic, reason = "a test may panic, also in its shared parts")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use raida_config::{Backend, Config, ConfigFile, Loaded, LogFormat, Origin, Overrides, Sources};

fn sources(file: &str, environment: &[(&str, &str)], overrides: Overrides) -> Sources {
    Sources {
        file: Some(ConfigFile::from_text("raida.toml", file)),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        overrides,
    }
}

fn load(file: &str, environment: &[(&str, &str)], overrides: Overrides) -> Loaded {
    Config::load(&sources(file, environment, overrides)).unwrap_or_else(|error| panic!("{error}"))
}

fn origin(loaded: &Loaded, key: &str) -> String {
    loaded.origin(key).map(Origin::to_string).unwrap_or_default()
}

#[test]
fn a_node_that_is_told_nothing_is_the_one_of_the_contract() {
    let loaded = Config::load(&Sources::default()).expect("presets are right");
    let config = &loaded.config;
    assert_eq!((config.server.raida_id, config.server.coin_id, config.server.port), (0, 6, 50_000));
    assert_eq!(config.store.data_dir, Path::new("./raida-data"));
    assert_eq!(config.secrets_path(), Path::new("./raida-data/secrets.toml"));
    assert_eq!((config.network.backend, config.network.reactors.get()), (Backend::Epoll, 1));
    assert!(config.listen_is_default());
    let everywhere: Vec<SocketAddr> = vec!["0.0.0.0:50000".parse().unwrap(), "[::]:50000".parse().unwrap()];
    assert_eq!(config.listen_addresses(), everywhere);
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
}

#[test]
fn presets_are_the_constants_of_the_protocol() {
    let config = Config::load(&Sources::default()).expect("presets are right").config;
    assert_eq!(config.timeouts.progress, Duration::from_secs(2));
    assert_eq!(config.timeouts.request, Duration::from_secs(30));
    assert_eq!(config.timeouts.linger, Duration::from_secs(1));
    assert_eq!((config.limits.linger_octets, config.limits.body_max), (65_536, 65_535));
    assert_eq!(config.limits.requests_per_connection_max.get(), 1);
    assert_eq!(config.limits.connections_max.get(), 65_535);
    assert_eq!(config.server.udp_payload_max, 1440);
    assert_eq!(config.network.keepalive_idle, Duration::from_secs(60));
    assert_eq!(config.network.keepalive_interval, Duration::from_secs(10));
    assert_eq!(config.network.keepalive_probes.get(), 5);
    assert_eq!((config.network.events_max.get(), config.network.wait), (10_000, Duration::from_secs(10)));
    assert_eq!((config.workers.queue_max.get(), config.workers.completions_max.get()), (1024, 1024));
}

#[test]
fn the_port_follows_the_raida_id_unless_it_is_given() {
    assert_eq!(load("[server]\nraida_id = 24\n", &[], Overrides::default()).config.server.port, 50_024);
    assert_eq!(load("[server]\nraida_id = 24\nport = 25000\n", &[], Overrides::default()).config.server.port, 25_000);
    let from_flag = Overrides { raida_id: Some(3), ..Overrides::default() };
    assert_eq!(load("[server]\nraida_id = 24\n", &[], from_flag).config.server.port, 50_003);
}

#[test]
fn the_data_folder_lies_under_the_root_path_unless_it_is_given() {
    let rooted = load("[server]\nroot_path = \"/srv/raida\"\n", &[], Overrides::default());
    assert_eq!(rooted.config.store.data_dir, Path::new("/srv/raida/raida-data"));
    let given = Overrides { data_dir: Some("here".into()), ..Overrides::default() };
    let given = load("[server]\nroot_path = \"/srv/raida\"\n", &[], given);
    assert_eq!(given.config.store.data_dir, Path::new("here"));
}

#[test]
fn a_later_source_wins_and_is_named() {
    let file = "[server]\ncoin_id = 1\nthreads = 1\nraida_id = 1\n";
    let variables = [("RAIDA_SERVER__THREADS", "2"), ("RAIDA_SERVER__RAIDA_ID", "2"), ("HOME", "/root")];
    let loaded = load(file, &variables, Overrides { raida_id: Some(3), ..Overrides::default() });
    let server = &loaded.config.server;
    assert_eq!((server.coin_id, server.threads, server.raida_id), (1, 2, 3));
    assert_eq!(origin(&loaded, "server.coin_id"), "raida.toml");
    assert_eq!(origin(&loaded, "server.threads"), "environment variable RAIDA_SERVER__THREADS");
    assert_eq!(origin(&loaded, "server.raida_id"), "flag --raida-id");
    assert_eq!(origin(&loaded, "server.port"), "default: 50000 + server.raida_id");
    assert_eq!(origin(&loaded, "network.backlog"), "default");
    assert_eq!(loaded.origin("server.colour"), None);
}

#[test]
fn every_flag_reaches_its_key() {
    let addresses: Vec<SocketAddr> = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:7000".parse().unwrap()];
    let loaded = load(
        "",
        &[],
        Overrides {
            raida_id: Some(7),
            coin_id: Some(9),
            listen: addresses.clone(),
            data_dir: Some("data".into()),
            backend: Some(Backend::IoUring),
            reactors: Some(2),
            threads: Some(3),
            log: Some("debug".to_owned()),
        },
    );
    let config = &loaded.config;
    assert_eq!((config.server.raida_id, config.server.coin_id, config.server.threads), (7, 9, 3));
    assert_eq!((config.network.backend, config.network.reactors.get()), (Backend::IoUring, 2));
    assert_eq!((&config.store.data_dir, config.log.filter.as_str()), (&"data".into(), "debug"));
    assert_eq!(config.listen_addresses(), addresses);
    assert!(!config.listen_is_default());
    for (key, flag) in [("network.listen", "--listen"), ("store.data_dir", "--data-dir"), ("log.filter", "--log")] {
        assert_eq!(origin(&loaded, key), format!("flag {flag}"));
    }
}

#[test]
fn every_kind_of_value_can_come_from_the_environment() {
    let variables = [
        ("RAIDA_SERVER__PORT", "50007"),
        ("RAIDA_SERVER__ADMIN_KEY", "00000000000000000000000000000012"),
        ("RAIDA_NETWORK__LISTEN", "127.0.0.1:1, [::1]:2"),
        ("RAIDA_NETWORK__PIN_REACTORS", "true"),
        ("RAIDA_LOG__FORMAT", "json"),
        ("RAIDA_LOG__FILTER", "12"),
        ("RAIDA_STORE__DATA_DIR", "/var/lib/raida"),
        ("RAIDA_TIMEOUTS__DRAIN_MS", "0"),
    ];
    let config = load("", &variables, Overrides::default()).config;
    assert_eq!((config.server.port, config.network.listen.len(), config.network.pin_reactors), (50_007, 2, true));
    assert_eq!(config.server.admin_key.as_ref().map(|key| key.expose()[15]), Some(0x12));
    assert_eq!((config.log.format, config.log.filter.as_str()), (LogFormat::Json, "12"));
    assert_eq!((config.store.data_dir.as_path(), config.timeouts.drain), (Path::new("/var/lib/raida"), Duration::ZERO));
}

#[test]
fn a_list_in_a_later_source_replaces_the_whole_list() {
    let file = "[network]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n";
    let config = load(file, &[("RAIDA_NETWORK__LISTEN", "127.0.0.1:3")], Overrides::default()).config;
    assert_eq!(config.listen_addresses(), vec!["127.0.0.1:3".parse::<SocketAddr>().unwrap()]);
    let config = load(file, &[("RAIDA_NETWORK__LISTEN", "")], Overrides::default()).config;
    assert!(config.listen_is_default());
}

#[test]
fn sources_of_the_process_read_the_file_that_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("raida.toml");
    std::fs::write(&path, "[server]\nport = 1234\n").expect("written");
    let sources = Sources::of_process(Some(&path), Overrides::default()).expect("readable");
    assert_eq!(Config::load(&sources).expect("right").config.server.port, 1234);
    let error = Sources::of_process(Some(&folder.path().join("none.toml")), Overrides::default()).expect_err("missing");
    assert!(error.to_string().contains("none.toml: No such file"), "{error}");
}
