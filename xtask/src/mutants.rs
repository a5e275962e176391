//! `cargo xtask sim --mutants`: known bugs, each of which the simulation has to find.
//!
//! The production code knows nothing of this: its sources are copied to `target/mutants`, and the bugs are replacements in
//! the copy, each behind a switch in the environment, so that all of them are built at once. A replacement that matches
//! no more is an error here. The seed that shows a bug must show nothing without it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::step;

/// One bug: this text of this file becomes that, wherever it stands. `BUG` is whether it is switched on.
struct Mutant {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// How many seeds are tried for each, the same for all.
const SEEDS: &str = "1000";
/// The first of them.
const FIRST: &str = "1";
/// How many real seconds are tried for each.
const BUDGET: &str = "300";

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a token's generation is not checked",
        file: "crates/reactor/src/slab.rs",
        from: "if *generation == token.generation() =>",
        to: "if *generation == token.generation() || BUG =>",
    },
    Mutant {
        name: "the buffers of a request that was given up do not come back",
        file: "crates/reactor/src/streams.rs",
        from: "        self.buffers.put(request);\n        self.buffers.put(answer);\n        Some((head, began))",
        to: "        if BUG {\n            drop((request, answer));\n        } else {\n            self.buffers.put(request);\n            self.buffers.put(answer);\n        }\n        Some((head, began))",
    },
    Mutant {
        name: "a deadline is not armed again",
        file: "crates/reactor/src/streams.rs",
        from: "        self.rearm(token);\n        order",
        to: "        if !BUG {\n            self.rearm(token);\n        }\n        order",
    },
    Mutant {
        name: "a node that stood still closes whose octets its kernel has",
        file: "crates/reactor/src/reactor.rs",
        from: "let has_news = self.backend.has_news(late);",
        to: "let has_news = self.backend.has_news(late) && !BUG;",
    },
    Mutant {
        name: "a change that a worker has found worth it does not get to the batch",
        file: "crates/reactor/src/streams.rs",
        from: "        self.defer(token, Parked { road: Road::Batch, head, request, answer, began });",
        to: "        if !BUG {\n            self.defer(token, Parked { road: Road::Batch, head, request, answer, began });\n        }",
    },
    Mutant {
        name: "accepting is not tried again after it has failed",
        file: "crates/reactor/src/reactor.rs",
        from: "if gate.open(now) {",
        to: "if gate.open(now) && !BUG {",
    },
    Mutant {
        name: "nothing is accepted behind a connection that was refused",
        file: "crates/reactor/src/reactor.rs",
        from: "            None => drop(socket),",
        to: "            None if BUG => return drop(socket),\n            None => drop(socket),",
    },
    Mutant {
        name: "a shut gate keeps a stopping node awake",
        file: "crates/reactor/src/reactor.rs",
        from: ".filter(|_| self.phase == Phase::Serving).filter_map(AcceptGate::opens)",
        to: ".filter(|_| BUG || self.phase == Phase::Serving).filter_map(AcceptGate::opens)",
    },
    Mutant {
        name: "a stop forgets the datagrams that are with workers",
        file: "crates/reactor/src/reactor.rs",
        from: "self.core.links.is_empty() && in_flight == 0 &&",
        to: "self.core.links.is_empty() && (in_flight == 0 || BUG) &&",
    },
    Mutant {
        name: "a slot is free while a worker has its request",
        file: "crates/conn/src/connection.rs",
        from: "                processing.lose_peer();\n                processing.set_surplus(Surplus::Lost, host);\n                Step::Wait",
        to: "                processing.lose_peer();\n                processing.set_surplus(Surplus::Lost, host);\n                if BUG {\n                    return self.close(CloseReason::PeerGone, host);\n                }\n                Step::Wait",
    },
    Mutant {
        name: "a plain close over octets that nobody has read",
        file: "crates/conn/src/connection.rs",
        from: "} else if is_left && !self.peer_has_ended {",
        to: "} else if is_left && !self.peer_has_ended && !BUG {",
    },
    Mutant {
        name: "a farewell has no end",
        file: "crates/conn/src/phase.rs",
        from: "until: now + policy.linger,",
        to: "until: now + policy.linger * if BUG { 1000 } else { 1 },",
    },
    Mutant {
        name: "the waking flag is not cleared",
        file: "crates/workers/src/completion.rs",
        from: "            inbox.armed = false;\n",
        to: "            inbox.armed = inbox.armed && BUG;\n",
    },
    Mutant {
        name: "a request that finds no room again loses its place",
        file: "crates/reactor/src/streams.rs",
        from: "                return;\n            }\n            self.dispatch.leave(slot);",
        to: "                if BUG {\n                    link.parked = None;\n                }\n                return;\n            }\n            self.dispatch.leave(slot);",
    },
    Mutant {
        name: "received octets are left lying about",
        file: "crates/reactor/src/streams.rs",
        from: "        octets.fill(0);\n        order",
        to: "        if !BUG {\n            octets.fill(0);\n        }\n        order",
    },
    Mutant {
        name: "changes are acknowledged although their commit has failed",
        file: "crates/node/src/together.rs",
        from: ".map_err(Setback::of_commit)",
        to: ".map_err(Setback::of_commit).or_else(|error| if BUG { Ok(Status::SUCCESS) } else { Err(error) })",
    },
    Mutant {
        name: "a commit does not wait for the disk",
        file: "crates/store/src/commit.rs",
        from: "        transaction.commit()?;",
        to: "        let mut transaction = transaction;\n        if BUG {\n            let _ = transaction.set_durability(redb::Durability::None);\n        }\n        transaction.commit()?;",
    },
    Mutant {
        name: "a datagram that comes again runs again",
        file: "crates/node/src/resends.rs",
        from: "life: LIFE",
        to: "life: if BUG { Duration::ZERO } else { LIFE }",
    },
    Mutant {
        name: "strangers are sent more than they send",
        file: "crates/node/src/reply.rs",
        from: "!self.has_proof && len > datagram",
        to: "!self.has_proof && len > datagram * (if BUG { 10 } else { 1 })",
    },
    Mutant {
        name: "a coin that was broken is still there",
        file: "crates/node/src/change.rs",
        from: "    ledger.withdraw(coin)?;\n    // A datagram may",
        to: "    if !BUG {\n        ledger.withdraw(coin)?;\n    }\n    // A datagram may",
    },
    Mutant {
        name: "deadlines are noticed early",
        file: "crates/reactor/src/timer.rs",
        from: "deadline.as_micros().div_ceil(TICK_US)",
        to: "deadline.as_micros().div_ceil(TICK_US).saturating_sub(if BUG { 8 } else { 0 })",
    },
    Mutant {
        name: "a stop cuts off requests that have begun",
        file: "crates/reactor/src/reactor.rs",
        from: "self.for_each_link(|_| true, Core::stop);",
        to: "self.for_each_link(|_| true, if BUG { Core::abort } else { Core::stop });",
    },
    Mutant {
        name: "a stop does not wait for a first word",
        file: "crates/reactor/src/reactor.rs",
        from: "silent_until: Some(now + GRACE.min(drain))",
        to: "silent_until: Some(if BUG { now } else { now + GRACE.min(drain) })",
    },
    Mutant {
        name: "a stop forgets who stands in the queue",
        file: "crates/reactor/src/reactor.rs",
        from: "!self.backend.is_listening() {\n            self.phase = Phase::Over;",
        to: "(BUG || !self.backend.is_listening()) {\n            self.phase = Phase::Over;",
    },
    Mutant {
        name: "a slot's next tenant has the name of the one before",
        file: "crates/reactor/src/slab.rs",
        from: "slot.generation = slot.generation.wrapping_add(1);",
        to: "slot.generation = slot.generation.wrapping_add(if BUG { 0 } else { 1 });",
    },
    Mutant {
        name: "octets that were sent are sent again",
        file: "crates/conn/src/phase.rs",
        from: "self.sent = self.sent.saturating_add(count);",
        to: "self.sent = self.sent.saturating_add(if BUG { count.div_ceil(2) } else { count });",
    },
    Mutant {
        name: "answers that wait for the next one are cut",
        file: "crates/conn/src/phase.rs",
        from: "len: self.owed.saturating_add(len)",
        to: "len: if BUG { len } else { self.owed.saturating_add(len) }",
    },
    Mutant {
        name: "who says one octet a second may do so for ever",
        file: "crates/conn/src/deadline.rs",
        from: "if self.pause_ends <= self.whole_ends {",
        to: "if self.pause_ends <= self.whole_ends || BUG {",
    },
    Mutant {
        name: "the buffer of a connection that broke does not come back",
        file: "crates/reactor/src/streams.rs",
        from: "        if let Some(buffer) = buffer {\n            self.buffers.put(buffer);\n        }\n        if let Some(link)",
        to: "        if let Some(buffer) = buffer\n            && !BUG\n        {\n            self.buffers.put(buffer);\n        }\n        if let Some(link)",
    },
    Mutant {
        name: "a request that was refused runs all the same",
        file: "crates/reactor/src/flights.rs",
        from: "moved(claim, TAKEN))",
        to: "moved(claim, TAKEN) || BUG)",
    },
    Mutant {
        name: "a request that was refused is answered once more",
        file: "crates/reactor/src/flights.rs",
        from: "claim == Some(GIVEN_UP)\n",
        to: "claim == Some(GIVEN_UP) && !BUG\n",
    },
    Mutant {
        name: "who asked for what panicked is not told",
        file: "crates/reactor/src/core.rs",
        from: "                self.refuse(&head.refuse(Status::INTERNAL), answer, began)",
        to: "                if BUG { 0..0 } else { self.refuse(&head.refuse(Status::INTERNAL), answer, began) }",
    },
    Mutant {
        name: "one source has more connections than it may",
        file: "crates/reactor/src/connection_limits.rs",
        from: "if peer.connections >= settings.connections {",
        to: "if peer.connections >= settings.connections && !BUG {",
    },
    Mutant {
        name: "a connection that has ended still counts for its source",
        file: "crates/reactor/src/connection_limits.rs",
        from: "peer.connections = peer.connections.saturating_sub(1);",
        to: "peer.connections = peer.connections.saturating_sub(if BUG { 0 } else { 1 });",
    },
    Mutant {
        name: "the place of a datagram that was answered stays taken",
        file: "crates/reactor/src/dispatch.rs",
        from: "self.lane(road).datagrams -= 1;",
        to: "self.lane(road).datagrams -= if BUG { 0 } else { 1 };",
    },
    Mutant {
        name: "a datagram is refused for the key that it has changed",
        file: "crates/reactor/src/datagram.rs",
        from: "self.repeat(&head, octets, *reply_to, answer, began).ok_or(status)",
        to: "self.repeat(&head, octets, *reply_to, answer, began).filter(|_| !BUG).ok_or(status)",
    },
    Mutant {
        name: "a serial number is kept for two at once",
        file: "crates/node/src/reservations.rs",
        from: ".without(&numbers.on(page))",
        to: ".without(&if BUG { PageBits::default() } else { numbers.on(page) })",
    },
    Mutant {
        name: "what a failed commit has left is told before it is sure",
        file: "crates/store/src/recovery.rs",
        from: "if is_sure && is_open {",
        to: "if (is_sure || BUG) && is_open {",
    },
];

/// Names the one bug that is switched on.
const SWITCH: &str = "RAIDA_MUTANT";

/// Tries all of them, or the one of this name.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    let chosen: Vec<_> = MUTANTS.iter().filter(|mutant| only.is_none_or(|name| mutant.name == name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = MUTANTS.iter().map(|mutant| mutant.name).collect();
        bail!("no mutant has this name; these are known:\n  {}", names.join("\n  "));
    }
    let copy = step::root().join("target/mutants/sources");
    copy_sources(&copy)?;
    let simulator = build(&copy)?;
    let mut missed = Vec::new();
    for Mutant { name, .. } in &chosen {
        let start = Instant::now();
        let found = find(&simulator, name, &["--from", FIRST, "--seeds", SEEDS, "--budget", BUDGET])?;
        let seconds = start.elapsed().as_secs_f32();
        if let Some(Found { seed, .. }) = &found
            && let Some(Found { how, .. }) = find(&simulator, "", &["--seed", seed])?
        {
            bail!("seed {seed} fails without any mutant: {how}");
        }
        match found {
            Some(Found { seed, how }) => {
                println!("    found in {seconds:.1} s, by seed {seed}: {name}\n        {how}");
            }
            None => {
                println!("    NOT FOUND in {seconds:.1} s: {name}");
                missed.push(*name);
            }
        }
    }
    println!("==> {} of {} mutants found", chosen.len() - missed.len(), chosen.len());
    if missed.is_empty() { Ok(()) } else { bail!("not found:\n  {}", missed.join("\n  ")) }
}

impl Mutant {
    /// The file's text with the bug in it.
    fn put_into(&self, text: &str) -> Result<String> {
        if !text.contains(self.from) {
            bail!("{:?} does not apply any more: {} has changed", self.name, self.file);
        }
        let switch = format!("std::env::var_os({SWITCH:?}).is_some_and(|name| name == {:?})", self.name);
        Ok(text.replace(self.from, &self.to.replace("BUG", &switch)))
    }
}

/// The sources of one file, with all its bugs.
fn mutated(name: &Path, text: Vec<u8>) -> Result<Vec<u8>> {
    let own: Vec<_> = MUTANTS.iter().filter(|mutant| Path::new(mutant.file) == name).collect();
    if name == Path::new(NO_STD) {
        return Ok(String::from_utf8(text)?.replace("#![no_std]", "").into_bytes());
    }
    if own.is_empty() {
        return Ok(text);
    }
    own.iter().try_fold(String::from_utf8(text)?, |text, mutant| mutant.put_into(&text)).map(String::into_bytes)
}

/// Knows no environment otherwise.
const NO_STD: &str = "crates/conn/src/lib.rs";

/// Builds the copy, and gives the simulator.
fn build(copy: &Path) -> Result<PathBuf> {
    let target = step::root().join("target/mutants/build");
    let mut cargo =
        step::cargo(["build", "--profile", "fuzz", "--locked", "--package", "raida-sim", "--bin", "raida-sim"]);
    cargo.current_dir(copy).env("CARGO_TARGET_DIR", &target);
    step::run("building all mutants", &mut cargo)?;
    Ok(target.join("fuzz/raida-sim"))
}

/// What a simulation with a bug came to.
struct Found {
    seed: String,
    /// The promise that was broken.
    how: String,
}

/// Simulates these seeds with this bug switched on. Says how it showed, if it did.
fn find(simulator: &Path, name: &str, seeds: &[&str]) -> Result<Option<Found>> {
    let mut simulator = Command::new(simulator);
    simulator.args(seeds).args(["--threads", "2", "--until-violation"]);
    let output = simulator.env(SWITCH, name).stderr(Stdio::null()).output().context("starting the simulation")?;
    if output.status.success() {
        return Ok(None);
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let behind = |mark: &str| printed.lines().find_map(|line| Some(line.split_once(mark)?.1.to_owned()));
    let (how, seed) = (behind("violation: "), behind("--seed "));
    let (Some(how), Some(seed)) = (how, seed) else { bail!("the simulation ended without a word: {}", output.status) };
    Ok(Some(Found { seed, how }))
}

/// Brings the copy up to date; files that are the same keep their age, so that little is built again.
fn copy_sources(copy: &Path) -> Result<()> {
    let output = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(step::root()).output();
    let listed = output.context("asking git for the sources")?;
    for name in String::from_utf8(listed.stdout)?.lines().map(PathBuf::from) {
        let (from, to) = (step::root().join(&name), copy.join(&name));
        // What git still lists may be gone.
        let Ok(text) = fs::read(&from) else { continue };
        let text = mutated(&name, text)?;
        if fs::read(&to).is_ok_and(|known| known == text) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).context("making the copy")?;
        }
        fs::write(&to, text).with_context(|| format!("copying {}", name.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_still_applies() {
        for mutant in MUTANTS {
            let text = fs::read_to_string(step::root().join(mutant.file)).expect("a file of the workspace");
            assert!(mutant.put_into(&text).is_ok(), "{:?}: {} has changed", mutant.name, mutant.file);
        }
    }
}
