//! From arguments to what became of coins.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use raida_client::wallet::{AdminKeys, Wallet, WalletError};
use raida_client::wire::CoinId;
use raida_client::{Coin, Fleet, Outcome, Progress, random_words};
use zeroize::Zeroizing;

use crate::arguments::Asking;
use crate::coin_arguments::{
    ChosenArguments, CoinsCommand, CreateArguments, DeleteArguments, FreeArguments, KeyArguments, LockerCommand,
    PeekArguments, PutArguments, RemoveArguments, Selection, TicketArguments, WalletArguments,
};
use crate::coin_report::CoinReport;
use crate::{inquiry, key_file, private_file};

/// Carries out `raida coins ..`. Gives what to show, and whether as JSON.
pub(crate) fn coins(command: &CoinsCommand) -> Result<(CoinReport, bool)> {
    match command {
        CoinsCommand::Create(create) => Ok((self::create(create)?, create.asking.output.json)),
        CoinsCommand::Detect(detect) => on_coins("coins detect", detect, |fleet, _, coins| Ok(fleet.detect(coins))),
        CoinsCommand::Pown(pown) => on_coins("coins pown", pown, |fleet, wallet, coins| wallet.pown(fleet, coins)),
        CoinsCommand::Find(find) => on_coins("coins find", find, |fleet, wallet, coins| wallet.find(fleet, coins)),
        CoinsCommand::Fix(fix) => on_coins("coins fix", fix, |fleet, wallet, coins| wallet.fix(fleet, coins)),
        CoinsCommand::Break(chosen) => Ok((break_coins(chosen)?, chosen.asking.output.json)),
        CoinsCommand::Join(chosen) => Ok((join(chosen)?, chosen.asking.output.json)),
        CoinsCommand::Free(free) => Ok((self::free(free)?, free.asking.output.json)),
        CoinsCommand::Delete(delete) => Ok((self::delete(delete)?, delete.chosen.asking.output.json)),
    }
}

/// Carries out `raida locker ..`.
pub(crate) fn locker(command: &LockerCommand) -> Result<(CoinReport, bool)> {
    match command {
        LockerCommand::Put(put) => Ok((self::put(put)?, put.chosen.asking.output.json)),
        LockerCommand::Peek(peek) => Ok((self::peek(peek)?, peek.asking.output.json)),
        LockerCommand::Remove(remove) => Ok((self::remove(remove)?, remove.wallet.asking.output.json)),
    }
}

/// Carries out `raida tickets`.
pub(crate) fn tickets(arguments: &TicketArguments) -> Result<(CoinReport, bool)> {
    let (mut report, fleet) = begin("tickets", &arguments.asking)?;
    let wallet = Wallet::open(&arguments.wallet.folder, arguments.asking.coin_id)?;
    let coins = selected(&wallet, &arguments.selection)?;
    let (outcome, tickets) = fleet.tickets(&coins);
    report.add(coins.iter().map(|coin| coin.id), outcome);
    report.tickets = tickets;
    Ok((report, arguments.asking.output.json))
}

/// What is done with a list of coins at once.
fn on_coins(
    command: &'static str,
    arguments: &WalletArguments,
    operate: impl FnOnce(&Fleet, &Wallet, &mut [Coin]) -> Result<Outcome, WalletError>,
) -> Result<(CoinReport, bool)> {
    let (mut report, fleet) = begin(command, &arguments.asking)?;
    let wallet = Wallet::open(&arguments.wallet.folder, arguments.asking.coin_id)?;
    let mut coins = selected(&wallet, &arguments.selection)?;
    let outcome = operate(&fleet, &wallet, &mut coins)?;
    report.add(coins.iter().map(|coin| coin.id), outcome);
    Ok((report, arguments.asking.output.json))
}

fn create(arguments: &CreateArguments) -> Result<CoinReport> {
    let (mut report, fleet) = begin("coins create", &arguments.asking)?;
    let keys = admin_keys(&arguments.keys, &fleet)?;
    let wallet = Wallet::open_or_make(&arguments.wallet.folder, arguments.asking.coin_id)?;
    let count = usize::try_from(arguments.count)?;
    while report.coins.len() < count {
        match wallet.create(&fleet, &keys, arguments.denomination, count - report.coins.len()) {
            Ok((coins, outcome)) => report.add(coins.iter().map(|coin| coin.id), outcome),
            Err(error) => return Ok(ended(report, error)),
        }
    }
    Ok(report)
}

fn delete(DeleteArguments { keys, chosen }: &DeleteArguments) -> Result<CoinReport> {
    let (mut report, fleet) = begin("coins delete", &chosen.asking)?;
    let keys = admin_keys(keys, &fleet)?;
    let wallet = Wallet::open(&chosen.wallet.folder, chosen.asking.coin_id)?;
    let mut coins = selected(&wallet, &chosen.selection)?;
    let outcome = wallet.delete(&fleet, &keys, &mut coins)?;
    report.add(coins.iter().map(|coin| coin.id), outcome);
    Ok(report)
}

fn free(arguments: &FreeArguments) -> Result<CoinReport> {
    let (mut report, fleet) = begin("coins free", &arguments.asking)?;
    let keys = admin_keys(&arguments.keys, &fleet)?;
    let coins: Vec<CoinId> = arguments.coins.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let outcome = fleet.free(&keys, &coins);
    report.add(coins, outcome);
    Ok(report)
}

fn break_coins(chosen: &ChosenArguments) -> Result<CoinReport> {
    let (mut report, fleet) = begin("coins break", &chosen.asking)?;
    let wallet = Wallet::open(&chosen.wallet.folder, chosen.asking.coin_id)?;
    for coin in selected(&wallet, &chosen.selection)? {
        match wallet.break_coin(&fleet, &coin) {
            Ok((pieces, outcome)) => report.add(pieces.iter().map(|piece| piece.id), outcome),
            Err(error) => return Ok(ended(report, error)),
        }
    }
    Ok(report)
}

fn join(chosen: &ChosenArguments) -> Result<CoinReport> {
    let (mut report, fleet) = begin("coins join", &chosen.asking)?;
    let wallet = Wallet::open(&chosen.wallet.folder, chosen.asking.coin_id)?;
    let coins = selected(&wallet, &chosen.selection)?;
    let alike: Vec<_> = coins.chunk_by(|one, other| one.id.denomination == other.id.denomination).collect();
    for coins in &alike {
        let (found, denomination) = (coins.len(), coins.iter().map(|coin| coin.id.denomination).min());
        let denomination = denomination.map_or_else(String::new, |denomination| denomination.to_string());
        ensure!(found % 10 == 0, "{found} coins of denomination {denomination} are chosen, expected a multiple of ten");
    }
    for ten in alike.iter().flat_map(|coins| coins.chunks(10)) {
        match wallet.join(&fleet, ten) {
            Ok((whole, outcome)) => report.add(whole.iter().map(|coin| coin.id), outcome),
            Err(error) => return Ok(ended(report, error)),
        }
    }
    Ok(report)
}

fn put(arguments: &PutArguments) -> Result<CoinReport> {
    let chosen = &arguments.chosen;
    let (mut report, fleet) = begin("locker put", &chosen.asking)?;
    let wallet = Wallet::open(&chosen.wallet.folder, chosen.asking.coin_id)?;
    let mut coins = selected(&wallet, &chosen.selection)?;
    let words = match (&arguments.new_words_file, &arguments.words_file) {
        (Some(path), _) => new_words(path)?,
        (None, Some(path)) => words(path)?,
        (None, None) => anyhow::bail!("no file with words is named"),
    };
    let outcome = wallet.put(&fleet, &mut coins, &words)?;
    report.add(coins.iter().map(|coin| coin.id), outcome);
    Ok(report)
}

fn peek(arguments: &PeekArguments) -> Result<CoinReport> {
    let (mut report, fleet) = begin("locker peek", &arguments.asking)?;
    let (coins, outcome) = fleet.peek(&words(&arguments.words_file)?);
    report.add(coins, outcome);
    Ok(report)
}

fn remove(RemoveArguments { words_file, wallet: arguments }: &RemoveArguments) -> Result<CoinReport> {
    let (mut report, fleet) = begin("locker remove", &arguments.asking)?;
    let words = words(words_file)?;
    let wallet = Wallet::open_or_make(&arguments.wallet.folder, arguments.asking.coin_id)?;
    let wanted: BTreeSet<CoinId> = arguments.selection.of(fleet.peek(&words).0).collect();
    let (coins, outcome) = wallet.remove(&fleet, &words, |id| wanted.contains(&id))?;
    report.add(coins.iter().map(|coin| coin.id), outcome);
    Ok(report)
}

/// The nodes, each at most once, with a bar for whoever waits at a terminal.
fn begin(command: &'static str, asking: &Asking) -> Result<(CoinReport, Fleet)> {
    let targets = inquiry::targets(asking)?;
    let mut ids = BTreeSet::new();
    for target in &targets {
        ensure!(
            ids.insert(target.raida_id),
            "RAIDA {} is named twice: give each node its id with @ID",
            target.raida_id
        );
    }
    let report = CoinReport::new(command, targets.clone());
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} words of nodes, {eta} to go") {
        bar.set_style(style);
    }
    let fleet = Fleet::new(targets, asking.options()).telling(move |progress| match progress {
        Progress::Planned(words) => bar.inc_length(u64::try_from(words).unwrap_or(u64::MAX)),
        Progress::Done(words) => {
            bar.inc(u64::try_from(words).unwrap_or(u64::MAX));
            if Some(bar.position()) == bar.length() {
                bar.finish_and_clear();
            }
        }
    });
    Ok((report, fleet))
}

/// The coins of the wallet that are meant, at least one.
fn selected(wallet: &Wallet, selection: &Selection) -> Result<Vec<Coin>> {
    let ids: Vec<_> = selection.of(wallet.ids()?).collect();
    for id in &selection.coins {
        ensure!(ids.contains(id) || selection.limit.is_some(), "the wallet has no coin {id} that is meant");
    }
    ensure!(!ids.is_empty(), "the wallet has no coins that are meant");
    Ok(ids.into_iter().map(|id| wallet.coin(id)).collect::<Result<_, _>>()?)
}

fn admin_keys(arguments: &KeyArguments, fleet: &Fleet) -> Result<AdminKeys> {
    let mut keys = AdminKeys::default();
    for id in fleet.nodes.iter().map(|target| target.raida_id) {
        let own = arguments.admin_key_files.iter().find(|file| file.raida_id == Some(id));
        let file = own.or_else(|| arguments.admin_key_files.iter().find(|file| file.raida_id.is_none()));
        let in_dir = arguments.admin_key_dir.as_ref().and_then(|dir| {
            [dir.join(format!("{id}.key")), dir.join(id.to_string()).join("secrets.toml")]
                .into_iter()
                .find(|path| path.exists())
        });
        if let Some(path) = file.map(|file| &file.path).or(in_dir.as_ref()) {
            keys.set(id, key_file::admin_key(path)?);
        }
    }
    Ok(keys)
}

/// Words that are worth a locker.
fn words(path: &Path) -> Result<Zeroizing<String>> {
    /// Fewer letters are soon guessed.
    const LETTERS_MIN: usize = 12;
    let words = private_file::read(path)?;
    let letters = words.trim().chars().count();
    ensure!(letters >= LETTERS_MIN, "{} has {letters} letters, expected at least {LETTERS_MIN}", path.display());
    Ok(words)
}

fn new_words(path: &Path) -> Result<Zeroizing<String>> {
    let words = random_words().context("no random octets")?;
    private_file::write_new(path, &words)?;
    Ok(words)
}

fn ended(report: CoinReport, error: WalletError) -> CoinReport {
    CoinReport { failure: Some(error), ..report }
}
