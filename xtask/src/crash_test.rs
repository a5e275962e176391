//! `cargo xtask crash-test`: a real node under load is killed again and again, and must keep its word.
//!
//! Every client has coins of its own and changes them by Pown, Store, Break and Join, one request at a time, so that it
//! knows what the node acknowledged. The one request that a kill leaves unanswered must have been done wholly or not at
//! all. After each restart every client looks at all its coins.
//!
//! `--mutant` kills a node that breaks its word instead, and fails unless that is found out.

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use raida_client::wire::{AuthenticityNumber, CoinId, Denomination};
use raida_client::{self as client, AskError, Change, KeyCoin, Options as Ask, Renewal, Target, Transport};

use crate::server::{self, Server};

/// The session in which coins are issued without a reservation.
const ANYWHERE: u32 = 0xEEEE_EEEE;

/// Over UDP, nobody says that a node is dead.
const DATAGRAM_WAIT: Duration = Duration::from_millis(700);

/// How hard to try.
#[derive(Args)]
pub(crate) struct Options {
    /// How often the node is killed.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// How many clients change coins at the same time, 1 to 64.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    clients: u8,
    /// Longest time from a start to its kill, in milliseconds.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    delay_ms: u64,
    /// Test the test: the node breaks its word in this way, which must be found out.
    #[arg(long)]
    mutant: Option<Mutant>,
}

/// A node that does not keep its word.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mutant {
    /// Acknowledges changes before they are on disk.
    Hasty,
    /// Makes half a change and falls over.
    Halving,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let Some(mutant) = options.mutant else { return torment(&server::build()?, options) };
    let program = server::build_program("raida-behaviour", &format!("{mutant:?}-node").to_lowercase())?;
    match torment(&program, options) {
        Ok(()) => bail!("{} kills did not show that the node is {mutant:?}", options.kills),
        Err(error) if error.chain().any(|cause| cause.is::<Breach>()) => {
            println!("    found out: {error:#}");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Kills a node of this program again and again.
fn torment(program: &Path, options: &Options) -> Result<()> {
    let folder = tempfile::tempdir().context("making a folder")?;
    std::fs::write(folder.path().join("raida.toml"), "").context("writing the configuration")?;
    println!("==> crash test: {} kills, {} clients", options.kills, options.clients);
    let mut clients = issue(program, folder.path(), options.clients)?;
    let start = Instant::now();
    for kill in 1..=options.kills {
        let delay = Duration::from_micros(getrandom::u64()? % (options.delay_ms * 1000));
        round(program, folder.path(), &mut clients, delay).with_context(|| format!("kill {kill}"))?;
    }
    let server = Server::start(program, folder.path(), "127.0.0.1:0")?;
    let target = server.target()?;
    clients.iter_mut().try_for_each(|client| client.settle(&target))?;
    let sum = |count: fn(&Client) -> u64| clients.iter().map(count).sum::<u64>();
    println!(
        "    {} kills in {:.1} s: {} changes acknowledged ({} of them Break or Join), {} left unanswered ({} of them done, {} not), none lost or halved",
        options.kills,
        start.elapsed().as_secs_f32(),
        sum(|client| client.acknowledged),
        sum(|client| client.exchanged),
        sum(|client| client.found_done + client.found_undone),
        sum(|client| client.found_done),
        sum(|client| client.found_undone),
    );
    if sum(|client| client.exchanged) == 0 {
        bail!("no Break or Join was acknowledged: too little was tested");
    }
    Ok(())
}

/// Starts the node, looks at all coins, lets the clients loose and kills it.
fn round(program: &Path, folder: &Path, clients: &mut [Client], delay: Duration) -> Result<()> {
    let mut server = Server::start(program, folder, "127.0.0.1:0")?;
    let target = server.target()?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let work = |client| scope.spawn(|| Client::work(client, &target, &is_over));
        let threads: Vec<_> = clients.iter_mut().map(work).collect();
        thread::sleep(delay);
        let killed = server.kill();
        is_over.store(true, Ordering::SeqCst);
        for thread in threads {
            thread.join().unwrap_or_else(|_| bail!("a client panicked"))?;
        }
        killed
    })
}

/// Gives each client ten coins of denomination 1.
fn issue(program: &Path, folder: &Path, clients: u8) -> Result<Vec<Client>> {
    let server = Server::start(program, folder, "127.0.0.1:0")?;
    let (target, key) = (server.target()?, server::admin_key(folder)?);
    let issue = |number: u8| {
        let coins = (0..10).map(|n| CoinId::new(1, u32::from(number) * 1024 + n).context("no such coin"));
        let coins = coins.collect::<Result<Vec<_>>>()?;
        let numbers = client::create(&target, ANYWHERE, &key, &coins, &Ask::default())?.value;
        let coins = coins.into_iter().zip(numbers).map(|(coin, number)| KeyCoin { coin, number }).collect();
        Ok(Client { session: NonZeroU32::MIN.saturating_add(number.into()), coins, ..Client::default() })
    };
    (0..clients).map(issue).collect()
}

/// One owner of coins.
struct Client {
    session: NonZeroU32,
    /// What the node has acknowledged.
    coins: Vec<KeyCoin>,
    /// The change that nobody knows about.
    open: Option<Step>,
    acknowledged: u64,
    /// How many of them were Break or Join.
    exchanged: u64,
    found_done: u64,
    found_undone: u64,
}

impl Default for Client {
    fn default() -> Self {
        let session = NonZeroU32::MIN;
        Self { session, coins: Vec::new(), open: None, acknowledged: 0, exchanged: 0, found_done: 0, found_undone: 0 }
    }
}

/// A change: these coins become those.
#[derive(Clone)]
struct Step {
    command: Command,
    before: Vec<KeyCoin>,
    after: Vec<KeyCoin>,
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Pown,
    Store,
    Break,
    Join,
}

impl Client {
    /// Looks at what is there, then changes it until the node is gone.
    fn work(&mut self, target: &Target, is_over: &AtomicBool) -> Result<()> {
        loop {
            let outcome = self.settle(target).and_then(|()| self.change(target));
            match outcome {
                Ok(()) => {}
                // The node is dead, or about to be: what it left is seen after the next start.
                Err(error) if error.downcast_ref::<AskError>().is_some_and(is_silence) => {
                    while !is_over.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(1));
                    }
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            if is_over.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }

    /// Decides what became of the open change, and asserts that every coin is as it was acknowledged.
    fn settle(&mut self, target: &Target) -> Result<()> {
        if let Some(step) = &self.open {
            let (before, after) = (present(target, &step.before)?, present(target, &step.after)?);
            match verdict(&before, &after) {
                Some(false) => self.found_undone += 1,
                Some(true) => {
                    self.found_done += 1;
                    replace(&mut self.coins, step);
                }
                None => return Err(Breach::Halved { command: step.command, before, after }.into()),
            }
            self.open = None;
        }
        let present = present(target, &self.coins)?;
        if let Some(place) = present.iter().position(|is| !is) {
            return Err(Breach::Lost(self.coins.get(place).map(|owned| owned.coin)).into());
        }
        Ok(())
    }

    /// Makes one change.
    fn change(&mut self, target: &Target) -> Result<()> {
        let step = self.next(target)?;
        self.open = Some(step.clone());
        match self.ask(target, &step) {
            Ok(true) => {
                replace(&mut self.coins, &step);
                (self.open, self.acknowledged) = (None, self.acknowledged + 1);
                self.exchanged += u64::from(matches!(step.command, Command::Break | Command::Join));
                Ok(())
            }
            Ok(false) => bail!("a change of coins that are owned was refused"),
            Err(error) => {
                if !error.may_have_arrived() {
                    self.open = None;
                }
                Err(error.into())
            }
        }
    }

    fn ask(&self, target: &Target, Step { command, before, after }: &Step) -> Result<bool, AskError> {
        let transport = if self.acknowledged.is_multiple_of(2) { Transport::Tcp } else { Transport::Udp };
        let options = Ask { transport, timeout: DATAGRAM_WAIT, retries: 0 };
        match command {
            Command::Pown => {
                let renewal = |(old, new): (&KeyCoin, &KeyCoin)| Renewal {
                    coin: old.coin,
                    number: old.number.clone(),
                    proposed: new.number.clone(),
                };
                let renewals: Vec<_> = before.iter().zip(after).map(renewal).collect();
                let passed = client::pown(target, &renewals, &options)?.value;
                Ok(passed.into_iter().all(|passed| passed))
            }
            Command::Store => {
                let Some(key) = after.first() else { return Ok(false) };
                client::store(target, before, &key.number, &options).map(|answer| answer.value)
            }
            Command::Break => {
                let (Some(whole), Ok(pieces)) = (before.first(), <&[_; 10]>::try_from(after.as_slice())) else {
                    return Ok(false);
                };
                client::break_coin(target, self.session, whole, pieces, &options).map(|_| true)
            }
            Command::Join => {
                let (Some(whole), Ok(pieces)) = (after.first(), <&[_; 10]>::try_from(before.as_slice())) else {
                    return Ok(false);
                };
                client::join_coins(target, self.session, whole, pieces, &options).map(|_| true)
            }
        }
    }

    /// Chooses what to do: Pown of two coins, Store of two, Break of one, Join of ten small ones.
    fn next(&self, target: &Target) -> Result<Step> {
        let of = |denomination: i8| {
            let is_one = move |owned: &&KeyCoin| owned.coin.denomination.exponent() == denomination;
            self.coins.iter().filter(is_one).cloned().collect::<Vec<_>>()
        };
        let (large, small) = (of(1), of(0));
        let chosen = getrandom::u64()? % 4;
        if chosen == 2
            && small.len() < 30
            && !large.is_empty()
            && let Some(after) = self.free(target, Change::Break, 1, 10)?
        {
            let before: Vec<_> = large.into_iter().take(1).collect();
            return Ok(Step { command: Command::Break, before, after });
        }
        if chosen == 3
            && small.len() >= 10
            && let Some(after) = self.free(target, Change::Join, 0, 1)?
        {
            let before: Vec<_> = small.into_iter().take(10).collect();
            return Ok(Step { command: Command::Join, before, after });
        }
        let before: Vec<_> = large.into_iter().chain(small).rev().take(2).collect();
        let is_pown = chosen.is_multiple_of(2);
        let shared = fresh(!is_pown)?;
        let after = |owned: &KeyCoin| {
            let number = if is_pown { fresh(false)? } else { shared.clone() };
            Ok(KeyCoin { coin: owned.coin, number })
        };
        let after = before.iter().map(after).collect::<Result<_>>()?;
        Ok(Step { command: if is_pown { Command::Pown } else { Command::Store }, before, after })
    }

    /// So many free coins, reserved, with numbers of their own. `None` while the node keeps as many for this address as one
    /// may have.
    fn free(&self, target: &Target, change: Change, denomination: i8, count: usize) -> Result<Option<Vec<KeyCoin>>> {
        let denomination = Denomination::new(denomination).context("no such denomination")?;
        let free = client::available_change(target, self.session, change, denomination, &Ask::default())?.value;
        if free.len() < count {
            return Ok(None);
        }
        let coins = free.into_iter().take(count).map(|coin| Ok(KeyCoin { coin, number: fresh(false)? }));
        coins.collect::<Result<_>>().map(Some)
    }
}

/// How a node broke its word.
#[derive(Debug)]
enum Breach {
    /// The coin of an acknowledged change is not as it should be.
    Lost(Option<CoinId>),
    /// Of an unanswered change, neither all nor nothing was done.
    Halved { command: Command, before: Vec<bool>, after: Vec<bool> },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(coin) => write!(f, "an acknowledged change is lost: {coin:?}"),
            Self::Halved { command, before, after } => {
                write!(f, "a {command:?} was halved: old coins {before:?}, new coins {after:?}")
            }
        }
    }
}

impl std::error::Error for Breach {}

fn is_silence(error: &AskError) -> bool {
    !matches!(error.trouble(), client::Trouble::Refused(_) | client::Trouble::Payload(_))
}

fn present(target: &Target, coins: &[KeyCoin]) -> Result<Vec<bool>> {
    Ok(client::detect(target, coins, &Ask::default())?.value)
}

/// Whether a change was made, from what of the old and of the new is there; `None`: neither made nor not made.
fn verdict(before: &[bool], after: &[bool]) -> Option<bool> {
    let all = |coins: &[bool], expected| coins.iter().all(|is| *is == expected);
    match (all(before, true) && all(after, false), all(before, false) && all(after, true)) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        (true, true) | (false, false) => None,
    }
}

fn replace(coins: &mut Vec<KeyCoin>, step: &Step) {
    coins.retain(|owned| step.before.iter().all(|gone| gone.coin != owned.coin));
    coins.extend(step.after.iter().cloned());
}

/// A number that nobody else has; one of lockers or an ordinary one.
fn fresh(is_locker: bool) -> Result<AuthenticityNumber> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets)?;
    if let Some(tail) = octets.get_mut(12..) {
        tail.fill(if is_locker { 0xFF } else { 0x11 });
    }
    Ok(AuthenticityNumber::new(octets))
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn a_change_is_made_wholly_or_not_at_all() {
        assert_eq!(verdict(&[true], &[false; 10]), Some(false));
        assert_eq!(verdict(&[false], &[true; 10]), Some(true));
        for (before, after) in [([true, false], [false; 2]), ([false; 2], [false; 2]), ([true; 2], [true; 2])] {
            assert_eq!(verdict(&before, &after), None, "{before:?} {after:?}");
        }
        assert_eq!(verdict(&[false; 2], &[true, false]), None);
    }
}
