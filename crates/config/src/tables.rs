//! Every table and key there is, once: type, name, range, preset, flag and meaning.
//!
//! Checks, messages, `--print-config` and `docs/CONFIGURATION.md` are all derived from here.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use figment::value::Value;
use raida_wire::CoinId;

use crate::choice::{Backend, LogFormat, SandboxMode};
use crate::key::{Key, Kind, Preset};
use crate::peer::Peer;
use crate::reader::Reader;
use crate::secret::AdminKey;
use crate::setting::Setting;

/// Declares the tables: for each a struct of checked values, its keys, and the way from one to the other.
macro_rules! tables {
    ($($(#[doc = $about:literal])+ $table:ident: $Table:ident {
        $($(#[doc = $doc:literal])+ $field:ident: $Type:ty = $key:expr;)+
    })+) => {
        /// The whole configuration, checked: a value of this type breaks no range and no rule between keys.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Config {
            $($(#[doc = $about])+ pub $table: $Table,)+
        }

        impl Config {
            /// Every table in order: name, meaning, keys.
            pub(crate) const TABLES: &[Table] = &[
                $(Table { name: stringify!($table), doc: &[$($about),+], keys: $Table::KEYS },)+
            ];

            /// Reads every key, also after a bad one; `None` where there was a bad one.
            pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
                $(let $table = $Table::read(reader);)+
                Some(Self { $($table: $table?,)+ })
            }

            /// Takes over the values of the keys that can change while the node runs.
            pub(crate) fn take_live(&mut self, newer: &Self) {
                $(self.$table.take_live(&newer.$table);)+
            }

            /// Every key with its value as the file would spell it; `None` where it has none.
            pub(crate) fn values(&self) -> Vec<(Key, Option<Value>)> {
                let mut values = Vec::new();
                $(self.$table.values(&mut values);)+
                values
            }
        }

        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $Table {
                $($(#[doc = $doc])+ pub $field: $Type,)+
            }

            #[expect(non_upper_case_globals, reason = "a key is named after its field")]
            impl $Table {
                $(pub(crate) const $field: Key = $key.within(stringify!($table), &[$($doc),+]);)+
                const KEYS: &[Key] = &[$(Self::$field),+];

                fn read(reader: &mut Reader<'_>) -> Option<Self> {
                    $(let $field = reader.read(&Self::$field);)+
                    Some(Self { $($field: $field?,)+ })
                }

                fn take_live(&mut self, newer: &Self) {
                    $(if Self::$field.is_live {
                        self.$field.clone_from(&newer.$field);
                    })+
                }

                fn values(&self, values: &mut Vec<(Key, Option<Value>)>) {
                    $(values.push((Self::$field, self.$field.write(&Self::$field.kind)));)+
                }
            }
        )+
    };
}

/// One table, as its keys are listed.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) keys: &'static [Key],
}

const SPAN_MAX_MS: u64 = 3_600_000;

tables! {
    /// What the node is. These are the keys that the C server's `config.toml` has.
    server: Server {
        /// Number of this node in the network.
        raida_id: u8 = Key::integer("raida_id", 0..=24, 0).flag("--raida-id");
        /// Coin that this node keeps; requests for another coin are refused.
        coin_id: u16 = Key::integer("coin_id", 0..=65_535, 6).flag("--coin-id");
        /// TCP and UDP port, used where `network.listen` is empty.
        port: u16 = Key::integer("port", 1..=65_535, 0).preset(Preset::Derived("50000 + server.raida_id"));
        /// Worker threads for requests that are heavy or may wait for the disk; 0 means one per processor.
        threads: usize = Key::integer("threads", 0..=1024, 0).flag("--threads");
        /// Key that admin commands must carry. Where it is not set, the one in the secrets file counts.
        admin_key: Option<AdminKey> = Key::new("admin_key", Kind::Secret, Preset::Unset("the secrets file has it"));
        /// Time between two integrity rounds.
        integrity_interval: Duration = Key::seconds("integrity_freq", 10..=604_800, 3600);
        /// Whether the node runs integrity rounds: compares its Merkle roots with those of others.
        synchronization_enabled: bool = Key::boolean("synchronization_enabled", false);
        /// Longest datagram that is received or sent; longer answers tell the client to use TCP.
        udp_payload_max: usize = Key::bytes("udp_effective_payload", 497..=65_507, 1440);
        /// Folder under which `store.data_dir` lies where that is not set.
        root_path: PathBuf = Key::new("root_path", Kind::Path, Preset::Text("."));
        /// Where all 25 nodes are reached, in the order of their ids.
        raida_servers: Vec<Peer> = Key::new("raida_servers", Kind::Peers, Preset::Nothing("no peer is known"));
    }

    /// Sockets and the threads that serve them.
    network: Network {
        /// Addresses for TCP and UDP alike. Port 0 lets the system choose.
        listen: Vec<SocketAddr> = Key::new("listen", Kind::Addresses, Preset::Nothing("all interfaces, IPv4 and IPv6, on server.port")).flag("--listen");
        /// Kernel interface that carries the traffic.
        backend: Backend = Key::choice("backend", Backend::WORDS, "epoll").flag("--backend");
        /// I/O threads; several share the port.
        reactors: NonZeroUsize = Key::integer("reactors", 1..=64, 1).flag("--reactors");
        /// Whether each I/O thread is bound to one processor.
        pin_reactors: bool = Key::boolean("pin_reactors", false);
        /// Connections that wait to be accepted; the kernel lowers it to `net.core.somaxconn`.
        backlog: NonZeroU32 = Key::integer("backlog", 1..=65_535, 4096);
        /// Most kernel events taken at once.
        events_max: NonZeroUsize = Key::integer("events_max", 1..=65_536, 10_000);
        /// Events handled before timers and workers get their turn, so that no busy peer starves them.
        events_per_turn_max: NonZeroUsize = Key::integer("events_per_turn_max", 1..=65_536, 256).live();
        /// Longest wait for kernel events where no deadline is nearer.
        wait: Duration = Key::milliseconds("wait_ms", 1..=60_000, 10_000).live();
        /// Silence after which the kernel asks whether a TCP peer is still there.
        keepalive_idle: Duration = Key::seconds("keepalive_idle_s", 1..=32_767, 60);
        /// Time between two such questions.
        keepalive_interval: Duration = Key::seconds("keepalive_interval_s", 1..=32_767, 10);
        /// Unanswered questions after which the connection counts as broken.
        keepalive_probes: NonZeroU32 = Key::integer("keepalive_probes", 1..=127, 5);
        /// Datagrams received or sent by one system call at most.
        udp_batch: NonZeroUsize = Key::integer("udp_batch", 1..=1024, 64);
        /// Receive buffer asked for on UDP sockets; the kernel lowers it to `net.core.rmem_max`.
        udp_receive_buffer: usize = Key::bytes("udp_receive_buffer_bytes", 4096..=1_073_741_824, 4_194_304);
    }

    /// Bounds. What is over one is refused with a status or closed, and counted.
    limits: Limits {
        /// Connections open at once. Lower where `RLIMIT_NOFILE` is lower: the node says so at start.
        connections_max: NonZeroU32 = Key::integer("connections_max", 1..=1_048_576, 65_535);
        /// Connections open at once from one source (IPv4 /24, IPv6 /64).
        connections_per_source_max: NonZeroU32 = Key::integer("connections_per_source_max", 1..=1_048_576, 1024).live();
        /// Share of `connections_max`, in percent, that one network of many sources (IPv4 /16, IPv6 /48) may hold at once, but
        /// never less than one source may. 100: no limit.
        connections_per_network_percent: u32 = Key::integer("connections_per_network_percent", 1..=100, 25).live();
        /// Requests a second over TCP from one source, and twice as many at once; a connection counts as one. More are
        /// answered with the overload status, and what comes at more than twice the rate is closed unanswered. 0: no limit.
        requests_per_source_max: u32 = Key::integer("requests_per_second_per_source_max", 0..=1_000_000, 1000).live();
        /// Datagrams a second from one source that are answered, and twice as many at once. 0: no limit.
        datagrams_per_source_max: u32 = Key::integer("datagrams_per_second_per_source_max", 0..=1_000_000, 1000).live();
        /// The same for votes and short echoes, which are counted apart. 0: no limit.
        votes_per_source_max: u32 = Key::integer("votes_per_second_per_source_max", 0..=1_000_000, 1000).live();
        /// Of the datagrams over these limits, one in so many is told to use TCP; the others get no answer. 0: all of them.
        udp_slip: u32 = Key::integer("udp_slip", 0..=1000, 2).live();
        /// Memory that one source may keep for requests of which it has sent a part. Each I/O thread has an equal share of
        /// it, but at least 65664 bytes.
        buffers_per_source_max: usize = Key::bytes("buffers_per_source_bytes_max", 65_664..=1_099_511_627_776, 8_388_608).live();
        /// Whether no limit on one source is for loopback addresses.
        loopback_exempt: bool = Key::boolean("loopback_exempt", true).live();
        /// Sources that each I/O thread knows at once, over TCP and again over UDP, and as many networks, about 120 bytes for
        /// all three; the least busy one makes room for the next.
        sources_max: NonZeroUsize = Key::integer("sources_max", 64..=16_777_216, 16_384);
        /// Requests answered on one connection before it is closed. Clients of the C server expect 1.
        requests_per_connection_max: NonZeroU32 = Key::integer("requests_per_connection_max", 1..=4_294_967_295, 1).live();
        /// Longest request body. Longer ones are refused before memory is taken.
        body_max: u16 = Key::bytes("body_bytes_max", 34..=raida_wire::BODY_MAX as u64, raida_wire::BODY_MAX as u64).live();
        /// Memory for half-read requests, which get three quarters of it at most, and for answers. Each I/O thread has
        /// an equal share of it, but at least 262656 bytes.
        buffers_max: usize = Key::bytes("buffers_bytes_max", 1_048_576..=1_099_511_627_776, 67_108_864).live();
        /// Memory that the node may come to take in all, what the kernel keeps for its sockets aside: `connections_max` is
        /// lowered until the sum of all bounds, which is told at start, fits. 0: no maximum.
        memory_max: usize = Key::bytes("memory_bytes_max", 0..=1_099_511_627_776, 0);
        /// Octets read and thrown away after a farewell, so that the peer can still read its answer.
        linger_octets: usize = Key::bytes("linger_bytes_max", 0..=16_777_216, 65_536).live();
        /// Bytes of long requests (more than 512 each) that one I/O thread serves itself before it looks up. More of them go
        /// to the workers meanwhile, so that votes and echoes need not wait.
        inline_max: usize = Key::bytes("inline_bytes_per_turn_max", 0..=1_073_741_824, 131_072).live();
        /// Datagrams being answered by workers at once, or by the batch thread; one more is answered with the overload status.
        udp_in_flight_max: usize = Key::integer("udp_in_flight_max", 0..=65_536, 256).live();
    }

    /// Spans after which a wait ends.
    timeouts: Timeouts {
        /// A peer that owes octets and sends none.
        progress: Duration = Key::milliseconds("progress_ms", 1..=SPAN_MAX_MS, 2000).live();
        /// A request that is not complete this long after its connection was accepted.
        request: Duration = Key::milliseconds("request_ms", 1..=SPAN_MAX_MS, 30_000).live();
        /// A peer that takes no octet of its answer.
        write_progress: Duration = Key::milliseconds("write_progress_ms", 1..=SPAN_MAX_MS, 2000).live();
        /// An answer that is not written completely.
        write: Duration = Key::milliseconds("write_ms", 1..=SPAN_MAX_MS, 30_000).live();
        /// A farewell: what the peer still sends is read and thrown away for this long.
        linger: Duration = Key::milliseconds("linger_ms", 1..=SPAN_MAX_MS, 1000).live();
        /// Silence between two requests, where `limits.requests_per_connection_max` is above 1.
        idle: Duration = Key::milliseconds("idle_ms", 1..=SPAN_MAX_MS, 2000).live();
        /// A request that waits for a worker or the batch thread; then it is answered with the overload status.
        queue: Duration = Key::milliseconds("queue_ms", 1..=SPAN_MAX_MS, 1500).live();
        /// A stop: requests in flight may finish for this long.
        drain: Duration = Key::milliseconds("drain_ms", 0..=SPAN_MAX_MS, 5000).live();
    }

    /// The threads behind the I/O threads: the workers, as many as `server.threads` says, and the batch thread, which
    /// writes all changes.
    workers: Workers {
        /// Whether each worker thread is bound to one processor.
        pin: bool = Key::boolean("pin", false);
        /// Requests that wait for one worker at most.
        queue_max: NonZeroUsize = Key::integer("queue_max", 1..=1_048_576, 1024);
        /// Requests that one I/O thread may have given to workers at once, and to the batch thread.
        completions_max: NonZeroUsize = Key::integer("completions_max", 1..=1_048_576, 1024);
        /// Requests that change coins and share one write to the disk at most.
        batch_max: NonZeroUsize = Key::integer("batch_max", 1..=65_536, 512);
        /// Requests that wait for the next such write at most.
        batch_queue_max: NonZeroUsize = Key::integer("batch_queue_max", 1..=1_048_576, 1024);
    }

    /// What commands may do, and how much they may keep. What is over a bound is refused and counted.
    commands: Commands {
        /// Whether executive commands are obeyed in clear from anywhere. Their admin key is then for everybody to read.
        admin_in_clear: bool = Key::boolean("admin_in_clear", false);
        /// Break requests of one address within `breaks_span_s`. Of datagrams, which anybody may send in its name, those
        /// that broke a coin.
        breaks_max: usize = Key::integer("breaks_per_address_max", 0..=65_536, 30);
        /// Span in which Break requests are counted.
        breaks_span: Duration = Key::seconds("breaks_span_s", 1..=604_800, 28_800);
        /// Whether loopback addresses may break any number of coins.
        breaks_loopback_exempt: bool = Key::boolean("breaks_loopback_exempt", true);
        /// Serial numbers kept for change at once, up to 256 bytes each. Half of them are for connections, half for datagrams,
        /// where both ask.
        reservations_max: usize = Key::integer("reservations_max", 64..=1_048_576, 65_536);
        /// Of these, for one address (IPv6: one /64) by connections, and as many by datagrams.
        reservations_per_address_max: usize = Key::integer("reservations_per_address_max", 64..=1_048_576, 1024);
        /// Answers kept for datagrams that come again within ten seconds; each has `server.udp_effective_payload` bytes at
        /// most. A quarter of them is for requests that failed; the source (/24, /64) with the most makes room for the next.
        resends_max: usize = Key::integer("resends_max", 0..=1_048_576, 4096);
        /// Nonces of requests under encryption types 1 and 2 that are remembered for ten minutes, each with its answer, about
        /// 1500 bytes together; the key with the most makes room for the next. The same request again gets the former answer; any other one under the same key and nonce is
        /// refused with 34, and so is the same one where its answer was longer than 2048 bytes. 0: none is remembered, as
        /// clients with a fixed nonce need it.
        nonces_max: usize = Key::integer("nonces_max", 0..=16_777_216, 0);
    }

    /// What the node asks other nodes, and lets them ask.
    peers: Peers {
        /// A connection to another node.
        connect: Duration = Key::milliseconds("connect_ms", 1..=2000, 2000);
        /// Another node altogether, connecting included.
        total: Duration = Key::milliseconds("total_ms", 1..=32_000, 8000);
        /// Fix requests served at once; one more is refused with 160. One source (IPv4 /24, IPv6 /64) has one of them, unless
        /// `limits.loopback_exempt` was set at the start and it is loopback; datagrams of encryption type 0, which prove no
        /// address, have half of them, but one at least. Each keeps a worker until enough other nodes have answered: where
        /// `server.raida_servers` are known, so many workers are added to those of `server.threads`.
        fixes_max: NonZeroUsize = Key::integer("fixes_max", 1..=64, 2);
        /// Whether a node's claim on a ticket must come from the address that `server.raida_servers` has for it. Switched
        /// off for nodes behind address translation.
        claims_by_address: bool = Key::boolean("claims_by_address", true);
    }

    /// Integrity rounds: comparing Merkle roots with others, and what follows. `server.synchronization_enabled` switches
    /// them on, `server.integrity_freq` says how often.
    integrity: Integrity {
        /// The other mirrors of this node, without itself: they have the same RAIDA id and the same coins. Where there are
        /// none, the other nodes of `server.raida_servers` are asked, and their answers are reported only.
        mirrors: Vec<Peer> = Key::new("mirrors", Kind::Mirrors, Preset::Nothing("this node has no mirrors"));
        /// Coins whose owners may fetch whole pages, that is the secrets of 1024 coins at once. All mirrors have the same
        /// list. Two on different pages can heal each other's page.
        mirror_keys: Vec<CoinId> = Key::new("mirror_keys", Kind::Coins, Preset::Nothing("nobody may fetch a page"));
        /// Whether pages that at least 13 mirrors have otherwise are replaced by theirs.
        heal: bool = Key::boolean("heal", false);
        /// Whether others may see this node's Merkle trees. Where not, votes and roots are those of a node without trees.
        show_trees: bool = Key::boolean("show_trees", true);
        /// Differing pages that one round looks at.
        pages_max: NonZeroUsize = Key::integer("pages_per_round_max", 1..=15_000, 100);
        /// A vote of another node.
        vote: Duration = Key::milliseconds("vote_ms", 1..=10_000, 2000);
    }

    /// What the node writes to standard error.
    log: Log {
        /// Which lines: a level (`error`, `warn`, `info`, `debug`, `trace`) or a list such as `info,raida_reactor=debug`.
        /// The name of a module that does not log is refused.
        filter: String = Key::new("filter", Kind::Text, Preset::Text("info")).flag("--log").live();
        /// What they look like.
        format: LogFormat = Key::choice("format", LogFormat::WORDS, "text");
        /// Lines of one kind in a second at most; the reason of a close and the status of a refusal make kinds of their own.
        /// How many more there were is said in one line. 0: no bound.
        lines_per_second_max: usize = Key::integer("lines_per_second_max", 0..=1_000_000, 100).live();
    }

    /// What the node shows of itself, over HTTP and on this host only: `/metrics` for Prometheus, `/healthz`, `/readyz`,
    /// `/report` and `/connections` for `raida top`.
    monitor: Monitor {
        /// Addresses for it.
        listen: Vec<SocketAddr> = Key::new("listen", Kind::LocalAddresses, Preset::Nothing("nothing is shown"));
        /// A question and its answer.
        request: Duration = Key::milliseconds("request_ms", 1..=60_000, 2000);
        /// Connections that one answer lists at most.
        listed_max: NonZeroUsize = Key::integer("listed_max", 1..=65_536, 10_000);
    }

    /// What the process gives up once its sockets are bound.
    sandbox: Sandbox {
        /// Files and system calls that it has no use for. `off`: it keeps them. `try`: it gives up what this kernel lets
        /// it, and the log says what not. `require`: all of it, or the node does not start.
        mode: SandboxMode = Key::choice("mode", SandboxMode::WORDS, "try");
        /// Account to go on as, whatever the mode is. That takes root.
        user: Option<String> = Key::new("user", Kind::Account, Preset::Unset("it stays who it is"));
        /// Group to go on as.
        group: Option<String> = Key::new("group", Kind::Account, Preset::Unset("the group of sandbox.user"));
    }

    /// What the node keeps on disk.
    store: Store {
        /// Folder for coins and secrets; made where it is missing, for its owner alone.
        data_dir: PathBuf = Key::new("data_dir", Kind::Path, Preset::Derived("`raida-data` under server.root_path")).flag("--data-dir");
        /// Coins kept in memory for answers without a wait, in pages of 1024 coins and 17 KB.
        cache_pages: usize = Key::integer("cache_pages", 1..=15_000, 15_000);
        /// Memory in which the database keeps parts of its file.
        database_cache: usize = Key::bytes("database_cache_bytes", 1_048_576..=1_099_511_627_776, 67_108_864);
        /// Lockers whose keys are kept in memory, about 50 bytes each. Where there are more, the disk is asked for every one, and
        /// that a locker does not exist (34) is told only once its request is there, in the length it has announced.
        lockers_max: usize = Key::integer("lockers_in_memory_max", 0..=15_360_000, 1_000_000);
        /// Whether the whole file is read and checked at every start, not only after a crash: half a second for a full node.
        check: bool = Key::boolean("check_at_start", true);
    }
}
