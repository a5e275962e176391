//! What `--print-config` prints is a configuration file: loaded again, it gives the same configuration.

#![expect(clippy::panic, reason = "a test may panic, also in its shared parts")]

use std::net::SocketAddr;
use std::path::PathBuf;

use proptest::prelude::*;
use raida_config::{Backend, Config, ConfigFile, Loaded, Overrides, Sources};

fn reload(loaded: &Loaded) -> Loaded {
    let file = Some(ConfigFile::from_text("printed.toml", loaded.print()));
    Config::load(&Sources { file, ..Sources::default() }).unwrap_or_else(|error| panic!("{error}\n{}", loaded.print()))
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<std::net::IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

prop_compose! {
    fn overrides()(
        raida_id in prop::option::of(0u64..25),
        coin_id in prop::option::of(0u64..65_536),
        listen in prop::collection::btree_set(address(), 0..16),
        data_dir in prop::option::of("[^\0]{1,40}"),
        uring in prop::option::of(any::<bool>()),
        reactors in prop::option::of(1u64..65),
        threads in prop::option::of(0u64..1025),
        log in prop::option::of("\\PC{1,40}|[\\x00-\\x1f\"\\\\#\\x7f]{1,9}"),
    ) -> Overrides {
        let backend = uring.map(|uring| if uring { Backend::IoUring } else { Backend::Epoll });
        Overrides {
            raida_id, coin_id, reactors, threads, log, backend,
            listen: listen.into_iter().collect(),
            data_dir: data_dir.map(PathBuf::from),
        }
    }
}

fn variables() -> impl Strategy<Value = Vec<(String, String)>> {
    let number = |name: &'static str, range: std::ops::Range<u32>| {
        range.prop_map(move |value| (name.to_owned(), value.to_string())).boxed()
    };
    let peers = prop::collection::vec("[a-z][a-z0-9.-]{0,20}:[1-9][0-9]{0,3}|\\[::[1-9a-f]{1,4}\\]:[1-9]", 25)
        .prop_map(|peers| ("RAIDA_SERVER__RAIDA_SERVERS".to_owned(), peers.join(",")));
    let any = prop_oneof![
        number("RAIDA_SERVER__PORT", 1..65_536),
        number("RAIDA_SERVER__INTEGRITY_FREQ", 10..604_801),
        number("RAIDA_TIMEOUTS__PROGRESS_MS", 1..30_001),
        number("RAIDA_TIMEOUTS__DRAIN_MS", 0..3_600_001),
        number("RAIDA_NETWORK__KEEPALIVE_IDLE_S", 1..32_768),
        number("RAIDA_LIMITS__BODY_BYTES_MAX", 34..65_536),
        "[^\0]{1,30}".prop_map(|path| ("RAIDA_SERVER__ROOT_PATH".to_owned(), path)),
        any::<bool>().prop_map(|truth| ("RAIDA_WORKERS__PIN".to_owned(), truth.to_string())),
        peers,
    ];
    prop::collection::vec(any, 0..6)
}

proptest! {
    #[test]
    fn the_same_configuration_comes_back(overrides in overrides(), variables in variables(), secret in "[0-9a-f]{32}") {
        let mut environment: Vec<_> = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.push(("RAIDA_SERVER__ADMIN_KEY".into(), secret.clone().into()));
        let mut loaded = Config::load(&Sources { file: None, environment, overrides }).expect("all in range");
        let printed = loaded.print();
        prop_assert!(!printed.contains(&secret), "{}", printed);
        let again = reload(&loaded);
        loaded.config.server.admin_key = None;
        prop_assert_eq!(&again.config, &loaded.config);
    }
}

#[test]
fn every_value_is_printed_with_its_origin() {
    let sources = Sources {
        file: Some(ConfigFile::from_text("odd\nname.toml", "[network]\nbacklog = 7\n")),
        environment: vec![("RAIDA_SERVER__THREADS".into(), "2".into())],
        overrides: Overrides { raida_id: Some(4), ..Overrides::default() },
    };
    let printed = Config::load(&sources).expect("right").print();
    for line in [
        "raida_id = 4 # flag --raida-id",
        "port = 50004 # default: 50000 + server.raida_id",
        "threads = 2 # environment variable RAIDA_SERVER__THREADS",
        "# admin_key is not set: the secrets file has it",
        "listen = [] # default: all interfaces, IPv4 and IPv6, on server.port",
        "backlog = 7 # odd\\nname.toml",
        "progress_ms = 2000 # default",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line:?} missing in\n{printed}");
    }
}

#[test]
fn the_admin_key_is_printed_as_a_place() {
    let text = "[server]\nadmin_key = \"00112233445566778899aabbccddeeff\"\n";
    let file = Some(ConfigFile::from_text("raida.toml", text));
    let loaded = Config::load(&Sources { file, ..Sources::default() }).expect("right");
    let printed = loaded.print();
    assert!(printed.contains("# admin_key = (secret, from raida.toml)\n"), "{printed}");
    assert!(!printed.contains("00112233"), "{printed}");
    assert_eq!(reload(&loaded).config.server.admin_key, None);
}

#[test]
fn a_printed_default_configuration_causes_no_notice() {
    let loaded = Config::load(&Sources::default()).expect("right");
    assert!(reload(&loaded).notices.is_empty());
}
