//! The course of most scenarios: quiet, attack, recovery.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use raida_behaviour::{Node, process};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

use crate::finding::Finding;
use crate::honest::Honest;
use crate::stage::Stage;
use crate::watch::{processor_share, watched};

/// One who attacks.
pub(crate) trait Attacker: Send {
    /// Brings everything up. Honest clients are watched from its end on.
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    /// Goes on for some milliseconds.
    fn go_on(&mut self) -> Result<()>;

    /// What was done, in numbers.
    fn tally(&self) -> String;
}

/// Several who attack side by side.
impl<A: Attacker> Attacker for Vec<A> {
    fn begin(&mut self) -> Result<()> {
        self.iter_mut().try_for_each(Attacker::begin)
    }

    fn go_on(&mut self) -> Result<()> {
        thread::scope(|scope| {
            let all: Vec<_> = self.iter_mut().map(|one| scope.spawn(|| one.go_on())).collect();
            all.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err(anyhow!("an attacker panicked"))))
        })
    }

    fn tally(&self) -> String {
        self.iter().map(Attacker::tally).collect::<Vec<_>>().join("\n")
    }
}

/// What is asked of a node under attack besides that honest clients are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Siege {
    pub(crate) honest: Honest,
    /// Whether the attack is idle enough for the node to rest.
    pub(crate) must_rest: bool,
    /// Whether clients over TCP must be served too: not where all connections are taken.
    pub(crate) tcp_is_served: bool,
}

/// A node that uses a bigger share of one processor while nothing happens is spinning.
const REST_MAX: f64 = 0.1;

/// Attacks have to be over by this time after they were stopped.
const RECOVERY_MAX: Duration = Duration::from_secs(1);

impl Siege {
    /// Everybody is served, from 127.0.0.1.
    pub(crate) fn of(node: &Node) -> Self {
        Self { honest: Honest::at(node.address()), must_rest: false, tcp_is_served: true }
    }

    /// Plays it.
    pub(crate) fn play(self, stage: &Stage, node: &Node, mut attacker: impl Attacker) -> Result<Finding> {
        let before = process::descriptors_at_rest(node.pid());
        let (quiet, _) = watched(node, || self.honest.ask_for(stage.quiet()));
        let (is_up, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
        let (seen, used, rest, fought) = thread::scope(|scope| {
            let fight = scope.spawn(|| {
                step_back();
                let fought = attacker.begin();
                is_up.store(true, Ordering::SeqCst);
                fought?;
                while !is_over.load(Ordering::SeqCst) {
                    attacker.go_on()?;
                }
                anyhow::Ok(())
            });
            while !is_up.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(10));
            }
            let (seen, used) = watched(node, || self.honest.ask_for(stage.attack()));
            let rest = self.must_rest.then(|| processor_share(node, Duration::from_secs(2)));
            is_over.store(true, Ordering::SeqCst);
            (seen, used, rest, fight.join().unwrap_or_else(|_| Err(anyhow!("the attacker panicked"))))
        });
        let tally = attacker.tally();
        drop(attacker);
        let recovery = self.honest.first_success();
        let mut finding = Finding::of(quiet, seen).remark(tally);
        finding.recovery = recovery;
        finding.used = Some(used);
        fought?;
        Ok(self.judged(finding, rest, before, node))
    }

    fn judged(self, finding: Finding, rest: Option<f64>, before: usize, node: &Node) -> Finding {
        let seen = finding.meanwhile.clone().unwrap_or_default();
        let is_served = if self.tcp_is_served { seen.is_complete() } else { seen.udp.asked == seen.udp.answered };
        let failure = [&seen.tcp, &seen.udp].map(|lane| lane.first_failure.clone().unwrap_or_default()).join("; ");
        let (used, recovery) = (finding.used.unwrap_or_default(), finding.recovery);
        let quiet = finding.quiet.clone().unwrap_or_default();
        let finding = finding
            .remark(ratios(&quiet, &seen))
            .expect(is_served, || format!("honest requests were not answered: {failure}"))
            .expect(recovery.is_some_and(|span| span <= RECOVERY_MAX), || format!("recovery took {recovery:?}"))
            .expect(used.budget.is_none_or(|budget| used.memory_max <= budget), || "memory above its budget".to_owned())
            .expect(rest.is_none_or(|share| share < REST_MAX), || format!("it spins: {rest:?} of a processor"));
        let finding = match rest {
            Some(share) => finding.remark(format!("at rest it takes {:.1} % of a processor", share * 100.0)),
            None => finding,
        };
        let back = descriptors_back(node, before);
        finding.expect(back.is_ok(), || format!("{} descriptors did not come back", back.unwrap_or_else(|n| n)))
    }
}

/// Attackers are elsewhere. Where they share processors with the node and its clients, they get what those leave, at once and
/// not at the end of a time slice, so that it is the node that is tried and not the machine.
fn step_back() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle).is_err() {
        // Then the attack is as unfair as the machine.
        let _ = rustix::process::nice(19);
    }
}

fn ratios(quiet: &crate::honest::Seen, seen: &crate::honest::Seen) -> String {
    let ratio = |before: u64, after: u64| {
        Duration::from_micros(after).as_secs_f64() / Duration::from_micros(before.max(1)).as_secs_f64()
    };
    format!(
        "p99 against quiet: TCP {:.2} times, UDP {:.2} times",
        ratio(quiet.tcp.at(0.99), seen.tcp.at(0.99)),
        ratio(quiet.udp.at(0.99), seen.udp.at(0.99))
    )
}

/// Waits until the node has no more descriptors than before, or tells how many are left.
pub(crate) fn descriptors_back(node: &Node, before: usize) -> Result<usize, usize> {
    let start = Instant::now();
    loop {
        let left = process::descriptors(node.pid()).saturating_sub(before);
        if left == 0 {
            return Ok(0);
        }
        if start.elapsed() > Duration::from_secs(5) {
            return Err(left);
        }
        thread::sleep(Duration::from_millis(20));
    }
}
