//! A `config.toml` written for the C server starts this node, too.

use raida_config::{Config, ConfigFile, Notice, Sources};

fn config_toml() -> String {
    let peers: String = (0..25).map(|id| format!("    \"raida{id}.example.com:{}\",\n", 50_000 + id)).collect();
    format!(
        "[server]
raida_id = 11
coin_id = 6
port = 25011
threads = 8
proxy_key = \"ffeeddccbbaa99887766554433221100\"
admin_key = \"00112233445566778899AABBCCDDEEFF\"
proxy_addr = \"proxy.example.com\"
proxy_port = 50000
backup_freq = 300
integrity_freq = 600
synchronization_enabled = true
udp_effective_payload = 1024
btc_confirmations = 6
root_path = \"/opt/raida\"
raida_servers = [
{peers}]
"
    )
}

#[test]
fn it_loads_as_it_is() {
    let file = Some(ConfigFile::from_text("config.toml", config_toml()));
    let loaded = Config::load(&Sources { file, ..Sources::default() }).unwrap_or_else(|error| panic!("{error}"));
    let server = &loaded.config.server;
    assert_eq!((server.raida_id, server.port, server.threads, server.udp_payload_max), (11, 25_011, 8, 1024));
    assert_eq!(server.admin_key.as_ref().map(|key| key.expose()[1]), Some(0x11));
    assert_eq!((server.raida_servers[24].host(), server.raida_servers[24].port()), ("raida24.example.com", 50_024));
}

#[test]
fn each_key_that_changes_nothing_is_pointed_out_by_name() {
    let file = Some(ConfigFile::from_text("config.toml", config_toml()));
    let loaded = Config::load(&Sources { file, ..Sources::default() }).expect("right");
    let mut idle: Vec<&str> = Vec::new();
    for notice in &loaded.notices {
        let Notice::NoEffect { key, .. } = notice else { panic!("{notice}") };
        idle.push(key.trim_start_matches("server."));
        assert!(!notice.to_string().contains("ffeedd"), "{notice}");
    }
    idle.sort_unstable();
    assert_eq!(idle, ["backup_freq", "btc_confirmations", "proxy_addr", "proxy_key", "proxy_port"]);
}

#[test]
fn they_may_also_come_from_the_environment() {
    let environment = vec![("RAIDA_SERVER__BACKUP_FREQ".into(), "5".into())];
    let loaded = Config::load(&Sources { environment, ..Sources::default() }).expect("known");
    assert_eq!(
        loaded.notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["server.backup_freq (environment variable RAIDA_SERVER__BACKUP_FREQ) is known and has no effect here: every \
             change is on disk before it is answered"]
    );
}
