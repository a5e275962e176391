//! The scenarios, one file each.

mod amplification;
mod clock_steps;
mod dear_changes;
mod dear_requests;
mod descriptors;
mod flood;
mod forged_votes;
mod full_disk;
mod garbage;
mod hoarders;
mod kill;
mod long_requests;
mod monitor;
mod pipelining;
mod read_only_disk;
mod resets;
mod rivals;
mod saturation;
mod slow_body;
mod slow_header;
mod slow_reader;
mod stopped;
mod tickets;
mod truncation;
mod udp_flood;

use anyhow::Result;

use crate::finding::Finding;
use crate::stage::Stage;

/// One attack, or one accident.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What happens, in one line.
    pub(crate) story: &'static str,
    pub(crate) play: fn(&Stage) -> Result<Finding>,
}

/// All of them, in the order in which they are played.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "slow-header",
        story: "10 000 connections say one octet of a header a second",
        play: slow_header::play,
    },
    Scenario {
        name: "slow-body",
        story: "5 000 connections announce the largest body and drip it",
        play: slow_body::play,
    },
    Scenario { name: "slow-reader", story: "2 000 connections ask and never read the answer", play: slow_reader::play },
    Scenario {
        name: "long-requests",
        story: "a botnet takes all room for half-sent requests, and a client sends a long one",
        play: long_requests::play,
    },
    Scenario {
        name: "hoarders",
        story: "the largest answers there are, on connections that hardly read",
        play: hoarders::play,
    },
    Scenario { name: "flood", story: "one /24 opens ten times the connections that it may have", play: flood::play },
    Scenario {
        name: "saturation",
        story: "many sources take every connection that there is, and are silent",
        play: saturation::play,
    },
    Scenario { name: "descriptors", story: "the process has no descriptor left", play: descriptors::play },
    Scenario { name: "resets", story: "clients reset right behind their request", play: resets::play },
    Scenario { name: "garbage", story: "HTTP, TLS, SSH, WebSocket and noise on the port", play: garbage::play },
    Scenario {
        name: "pipelining",
        story: "requests without end on connections that never read",
        play: pipelining::play,
    },
    Scenario {
        name: "dear-requests",
        story: "the longest requests there are, and guessed keys, without a pause",
        play: dear_requests::play,
    },
    Scenario {
        name: "dear-changes",
        story: "the longest changes there are, all of them wrong, while an owner changes a coin",
        play: dear_changes::play,
    },
    Scenario { name: "rivals", story: "a hundred clients change one coin at the same moment", play: rivals::play },
    Scenario { name: "tickets", story: "the owner of one coin asks for all tickets", play: tickets::play },
    Scenario { name: "monitor", story: "slow and endless questions to the monitor's port", play: monitor::play },
    Scenario {
        name: "forged-votes",
        story: "votes and echoes from hundreds of forged sources",
        play: forged_votes::play,
    },
    Scenario { name: "udp-flood", story: "datagrams as fast as one thread can send them", play: udp_flood::play },
    Scenario { name: "truncation", story: "every request cut at every octet, in datagrams", play: truncation::play },
    Scenario {
        name: "amplification",
        story: "octets in and out for every command and every error",
        play: amplification::play,
    },
    Scenario { name: "stopped", story: "the process is stopped and continued", play: stopped::play },
    Scenario { name: "kill", story: "kill -9 while clients write", play: kill::play },
    Scenario { name: "full-disk", story: "the disk is full for a while", play: full_disk::play },
    Scenario { name: "read-only-disk", story: "a start on a disk that can only be read", play: read_only_disk::play },
    Scenario { name: "clock-steps", story: "the wall clock jumps by years", play: clock_steps::play },
];
