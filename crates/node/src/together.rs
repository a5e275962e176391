//! Requests that change coins: many of them, one durable commit, then all answers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use raida_reactor::service::{Answer, Flow, Place, Request};
use raida_store::Batch;
use raida_wire::{Month, Status};
use tracing::error;

use crate::asked::Asked;
use crate::dispatch::Work;
use crate::ledger::Ledger;
use crate::node::{Node, guarded, tell};
use crate::once::{Fingerprint, Hold, Opened};
use crate::reply::Reply;
use crate::sealed::Sealed;
use crate::setback::{Outcome, Setback, is_last_word};
use crate::statistics::Powned;

/// Serves these requests in order, each on what the ones before it have left, and answers all of them when what they
/// changed is on disk. Where the disk fails, every one of them is told 194.
///
/// A request that panics is answered with 252 and has changed nothing; the others go on.
pub(crate) fn serve<'r, 'q: 'r, 'a: 'r>(
    node: &Node,
    calls: impl Iterator<Item = (&'r mut Request<'q>, &'r mut Answer<'a>)>,
) {
    let mut together = Together {
        node,
        batch: node.store().write().map_err(Setback::from),
        month: node.surroundings.calendar.month(),
        ran: Vec::new(),
    };
    let (mut firsts, mut repeats) = (HashMap::new(), Vec::new());
    for (request, answer) in calls {
        let fingerprint = node.fingerprint(request, true);
        let first = fingerprint.and_then(|fingerprint| firsts.get(&fingerprint).copied());
        if let (Some(fingerprint), Some(first)) = (fingerprint, first) {
            fingerprint.count_repeated(&node.books);
            repeats.push((first, answer));
            continue;
        }
        // What panics outside of its command has no envelope for an answer: the reactor tells it 252.
        if let Ok(Some(place)) = guarded(request.head.command(), || Ok(together.run(fingerprint, request, answer))) {
            fingerprint.and_then(|fingerprint| firsts.insert(fingerprint, place));
        }
    }
    let (mut answers, now) = (together.commit(), node.now());
    for (hold, answer) in &mut answers {
        if let Some(hold) = hold.take() {
            hold.keep(now, answer);
        }
    }
    for (first, answer) in repeats {
        if let Some((_, first)) = answers.get_mut(first) {
            Sealed::of(first).write(answer);
        }
    }
}

/// One batch, and the requests that have run in it.
struct Together<'n, 'r, 'a> {
    node: &'n Node,
    /// Why there is none, where there is none.
    batch: Result<Batch<'n>, Setback>,
    month: Month,
    ran: Vec<Ran<'n, 'r, 'a>>,
}

/// A request that has run and waits for the commit.
struct Ran<'n, 'r, 'a> {
    /// Where it must not run a second time: it is known to run until its answer is kept.
    hold: Option<Hold<'n>>,
    reply: Reply<'r, 'a>,
    outcome: Outcome,
    powned: Powned,
}

impl<'n, 'r, 'a> Together<'n, 'r, 'a> {
    /// Runs one request, and tells its place among those that wait. One that is not to run, or can not even be opened, does
    /// not wait.
    fn run(
        &mut self,
        fingerprint: Option<Fingerprint>,
        request: &mut Request<'_>,
        answer: &'r mut Answer<'a>,
    ) -> Option<usize> {
        let (node, head, from, transport) = (self.node, request.head, request.peer.ip(), request.transport);
        let Opened { payload, session, hold } = match node.take(fingerprint, request, answer, Place::Worker) {
            Ok(opened) => opened,
            Err(flow) => {
                // The same request in this batch, over the other transport: a batch answers every one.
                if flow == Flow::Silent {
                    node.refuse(head.refuse(Status::REQUEST_RATE), &head, answer);
                }
                tell(request, answer.status());
                return None;
            }
        };
        let asked = Asked::new(head, payload, from, transport, Place::Worker);
        let mut reply = Reply::new(answer, session, transport);
        let ran = self.change(&asked, &mut reply);
        let (outcome, powned) = match ran {
            Ok((status, powned)) => (Ok(status), powned),
            Err(setback) => (Err(setback), Powned::default()),
        };
        if let Err(Setback::Refused(status) | Setback::InDoubt(status)) = outcome {
            tell(request, status);
        }
        self.ran.push(Ran { hold, reply, outcome, powned });
        Some(self.ran.len() - 1)
    }

    fn change(&mut self, asked: &Asked<'_>, reply: &mut Reply<'_, '_>) -> Result<(Status, Powned), Setback> {
        let (node, month, command) = (self.node, self.month, asked.head.command());
        let Work::Together(run) = node.entry(command).work else { return Err(Status::INTERNAL.into()) };
        let batch = self.batch.as_mut().map_err(|setback| *setback)?;
        guarded(command, || {
            batch.request(|changes| {
                let mut ledger = Ledger::new(changes, month);
                Ok((run(node, asked, &mut ledger, reply)?, ledger.powned()))
            })
        })
    }

    /// Commits, counts what was powned, seals all answers and hands them back; with them the holds of those that are to be
    /// kept.
    fn commit(self) -> Vec<(Option<Hold<'n>>, &'r mut Answer<'a>)> {
        let committed = self.batch.and_then(commit);
        let seal = |Ran { hold, reply, outcome, powned }| {
            let outcome = committed.and(outcome);
            if outcome.is_ok() {
                self.node.statistics().count_powned(powned);
            }
            let answer = self.node.seal(reply, outcome);
            (hold.filter(|_| is_last_word(outcome, answer.status())), answer)
        };
        self.ran.into_iter().map(seal).collect()
    }
}

/// Puts a batch on disk. Where that fails or panics, it may be there all the same.
fn commit(batch: Batch<'_>) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| batch.commit())) {
        Ok(committed) => committed.map(|()| Status::SUCCESS).map_err(Setback::of_commit),
        Err(_) => {
            error!("a commit panicked: its batch is answered with 252");
            Err(Setback::InDoubt(Status::INTERNAL))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;
    use std::sync::{Arc, Barrier};
    use std::thread;

    use raida_reactor::buffer::Buffer;
    use raida_reactor::service::{Flow, Service, Transport};
    use raida_store::testing::Disk;
    use raida_store::{Record, StoreError};
    use raida_wire::payload::Claim;
    use raida_wire::{AuthenticityNumber, CoinId, Command, Head, Rules};

    use super::*;
    use crate::dispatch::Entry;
    use crate::settings::Surroundings;
    use crate::testing::{
        COIN_ID, Coins, HandClock, MONTH, PEER, ask_together, in_clear, node_of, settings, surroundings,
    };

    fn coin(serial_number: u32) -> CoinId {
        CoinId::new(0, serial_number).unwrap()
    }

    fn coins() -> Coins {
        (0..8).fold(Coins::new(), |coins, number| coins.with_coin(coin(number), [1; 16].into()))
    }

    fn pown(number: u32, an: u8, pan: u8) -> Vec<u8> {
        [&coin(number).raw().0[..], &[an; 16], &[pan; 16]].concat()
    }

    /// The statuses of powns that are served together.
    fn powned(node: &Node, payloads: &[Vec<u8>], transport: Transport) -> Vec<Status> {
        let (requests, readers): (Vec<_>, Vec<_>) =
            payloads.iter().map(|payload| in_clear(node, Command::POWN, payload)).unzip();
        let requests: Vec<_> = requests.iter().map(|request| (&request[..], transport, PEER)).collect();
        let answers = ask_together(node, &requests);
        let read = answers.into_iter().zip(readers);
        read.map(|(answer, pending)| pending.read(&mut answer.unwrap()).unwrap().status).collect()
    }

    #[test]
    fn requests_of_one_batch_see_the_ones_before_them() {
        let node = node_of(14, &coins());
        let statuses = powned(&node, &[pown(1, 1, 2), pown(1, 1, 3), pown(1, 2, 4), pown(2, 1, 5)], Transport::Tcp);
        assert_eq!(statuses, [Status::ALL_PASS, Status::ALL_FAIL, Status::ALL_PASS, Status::ALL_PASS]);
        let read = |number| node.store().read(coin(number)).unwrap().unwrap();
        assert_eq!(read(1), Record { an: [4; 16].into(), month: MONTH });
        assert_eq!(node.statistics().read().coins_powned, 3);
    }

    #[test]
    fn many_requests_share_one_commit() {
        let disk = Disk::new();
        let store = Arc::new(coins().store_on(&disk).unwrap());
        let node = Node::new(settings(14), Surroundings { store, ..surroundings(&Coins::new()) });
        let syncs = disk.syncs();
        powned(&node, &(0..8).map(|number| pown(number, 1, 2)).collect::<Vec<_>>(), Transport::Tcp);
        let once = disk.syncs() - syncs;
        powned(&node, &[pown(0, 2, 3)], Transport::Tcp);
        assert_eq!(disk.syncs() - syncs, 2 * once);
    }

    #[test]
    fn a_failed_commit_is_194_for_all_and_nothing_counts() {
        let disk = Disk::new();
        let store = Arc::new(coins().store_on(&disk).unwrap());
        let node = Node::new(settings(14), Surroundings { store, ..surroundings(&Coins::new()) });
        disk.fail_after(0);
        let payloads = [pown(1, 1, 2), pown(2, 9, 9), vec![0; 3]];
        let udp = Transport::Udp { datagram: 200, limit: 1440 };
        for transport in [Transport::Tcp, udp, udp] {
            assert_eq!(powned(&node, &payloads, transport), [Status::FILESYSTEM; 3]);
        }
        assert_eq!(node.statistics().read().coins_powned, 0);
        assert!(matches!(node.store().read(coin(1)), Err(StoreError::Broken)), "in doubt");
        disk.work_again();
        node.store().recover().unwrap();
        assert_eq!(node.store().read(coin(1)).unwrap().unwrap().an, AuthenticityNumber::new([1; 16]));
    }

    #[test]
    fn an_error_behind_a_change_that_may_have_been_made_is_told_again() {
        let (clock, disk, udp) = (HandClock::default(), Disk::new(), Transport::Udp { datagram: 87, limit: 1440 });
        let store = Arc::new(coins().store_on(&disk).unwrap());
        let clocked = Surroundings { store, clock: Arc::new(clock.clone()), ..surroundings(&Coins::new()) };
        let node = Node::new(settings(14), clocked);
        disk.fail_after(0);
        let [first, second] = [[pown(1, 1, 2)], [pown(2, 1, 2)]];
        assert_eq!(powned(&node, &first, udp), [Status::FILESYSTEM], "its commit failed");
        assert_eq!(powned(&node, &second, udp), [Status::FILESYSTEM], "it did not even begin");
        disk.work_again();
        node.store().recover().unwrap();
        assert_eq!(powned(&node, &first, udp), [Status::FILESYSTEM], "nobody has told that it was not made");
        assert_eq!(powned(&node, &second, udp), [Status::ALL_PASS], "it surely was not");
        assert_eq!(node.observer().figures().resends, 1);
        clock.advance(std::time::Duration::from_secs(10));
        assert_eq!(powned(&node, &first, udp), [Status::ALL_PASS], "after ten seconds it runs again");
    }

    #[test]
    fn a_request_that_panics_is_252_and_leaves_nothing_while_the_others_go_on() {
        const OFFERED: &[Entry] = &[Entry::new(
            Command::POWN,
            Work::Together(|_, asked, ledger, reply| {
                let records = asked.payload().records()?;
                for record in records {
                    let Claim { coin, an } = Claim::read(record);
                    ledger.pown(coin.judge().unwrap(), an)?;
                    reply.payload(b"half an answer");
                    assert!(records.len() == 1, "a defect");
                }
                Ok(Status::ALL_PASS)
            }),
        )];
        let node = node_of(14, &coins()).offering(OFFERED);
        let give = |number: u32| [&coin(number).raw().0[..], &[7; 16]].concat();
        let statuses = powned(&node, &[give(1), [give(2), give(3)].concat(), give(4)], Transport::Tcp);
        assert_eq!(statuses, [Status::ALL_PASS, Status::INTERNAL, Status::ALL_PASS]);
        let changed = (0..8).filter(|number| node.store().read(coin(*number)).unwrap().unwrap().month == MONTH);
        assert_eq!(changed.collect::<Vec<_>>(), [1, 4]);
        assert_eq!(node.statistics().read().coins_powned, 2);
    }

    #[test]
    fn a_datagram_is_known_to_run_until_its_answer_is_kept() {
        static RENDEZVOUS: Barrier = Barrier::new(2);
        const SLOW: &[Entry] = &[Entry::new(
            Command::POWN,
            Work::Together(|_, _, _, _| {
                RENDEZVOUS.wait();
                RENDEZVOUS.wait();
                Ok(Status::ALL_PASS)
            }),
        )];
        let node = node_of(14, &coins()).offering(SLOW);
        let (octets, _) = in_clear(&node, Command::POWN, &pown(1, 1, 2));
        let transport = Transport::Udp { datagram: octets.len(), limit: 1440 };
        let rules = Rules { raida_id: 14, coin_id: COIN_ID, body_max: u16::MAX };
        let head = Head::judge(&octets, &rules).unwrap().unwrap();
        let repeat = || {
            let (mut octets, mut buffer) = (octets.clone(), Buffer::zeroed(64));
            let request = Request { head, octets: &mut octets, peer: PEER, transport };
            let mut answer = Answer::new(&mut buffer);
            (node.repeat(&request, &mut answer), answer.range().len())
        };
        assert_eq!(repeat(), (None, 0));
        thread::scope(|scope| {
            scope.spawn(|| ask_together(&node, &[(&octets, transport, PEER)]));
            RENDEZVOUS.wait();
            assert_eq!(repeat(), (Some(Flow::Silent), 0), "whoever runs it will answer");
            RENDEZVOUS.wait();
        });
        assert_eq!(repeat(), (Some(Flow::Answered), 32));
    }

    #[test]
    fn a_datagram_that_comes_again_is_answered_again_and_does_nothing() {
        let clock = HandClock::default();
        let surroundings = Surroundings { clock: Arc::new(clock.clone()), ..surroundings(&coins()) };
        let node = Node::new(settings(14), surroundings);
        let udp = Transport::Udp { datagram: 87, limit: 1440 };
        let (first, again) = (pown(1, 1, 2), pown(1, 1, 2));
        assert_eq!(powned(&node, &[first.clone(), again], udp), [Status::ALL_PASS; 2], "in one batch");
        assert_eq!(powned(&node, from_ref(&first), udp), [Status::ALL_PASS], "in a later one");
        assert_eq!(node.statistics().read().coins_powned, 1);
        let figures = node.observer().figures();
        assert_eq!((figures.resends, figures.resends_kept), (2, 1));
        let other = Transport::Udp { datagram: 88, limit: 1440 };
        assert_eq!(powned(&node, from_ref(&first), other), [Status::ALL_FAIL], "with other padding it is another one");
        assert_eq!(powned(&node, from_ref(&first), Transport::Tcp), [Status::ALL_FAIL], "over TCP it runs again");
        clock.advance(std::time::Duration::from_secs(10));
        assert_eq!(powned(&node, &[first], udp), [Status::ALL_FAIL], "after ten seconds it runs again");
    }
}
