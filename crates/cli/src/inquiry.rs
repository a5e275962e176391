//! From arguments to answers.

use anyhow::Result;
use clap::CommandFactory;
use clap::error::ErrorKind;
use raida_client::{Answer, AskError, Envelope, Options, Target, ask_all};

use crate::arguments::{Arguments, Asking, EncryptionArgument, StatsArguments, VoteArguments};
use crate::key_file::{self, KeyFile};
use crate::report::{Report, Row, Value};

pub(crate) fn echo(asking: &Asking) -> Result<Report> {
    let ask = |target: &Target, options: &Options| Ok(raida_client::echo(target, options)?.map(|()| Value::Echo));
    Ok(inquire("echo", targets(asking)?, asking.options(), ask))
}

pub(crate) fn version(asking: &Asking) -> Result<Report> {
    let ask = |target: &Target, options: &Options| Ok(raida_client::version(target, options)?.map(Value::Version));
    Ok(inquire("version", targets(asking)?, asking.options(), ask))
}

pub(crate) fn stats(StatsArguments { admin_key_file, asking }: &StatsArguments) -> Result<Report> {
    let targets = targets(asking)?;
    let key = key_file::admin_key(admin_key_file)?;
    let ask = |target: &Target, options: &Options| Ok(raida_client::stats(target, &key, options)?.map(Value::Stats));
    Ok(inquire("stats", targets, asking.options(), ask))
}

pub(crate) fn audit(asking: &Asking) -> Result<Report> {
    let ask = |target: &Target, options: &Options| Ok(raida_client::audit(target, options)?.map(Value::Audit));
    Ok(inquire("audit", targets(asking)?, asking.options(), ask))
}

pub(crate) fn vote(arguments: &VoteArguments) -> Result<Report> {
    let roots = arguments.roots.read()?;
    let ask = |target: &Target, options: &Options| {
        Ok(raida_client::vote(target, &roots, options)?.map(|is_match| Value::Vote { is_match }))
    };
    Ok(inquire("vote", arguments.nodes.targets()?, arguments.options(), ask))
}

/// Asks all nodes at once.
fn inquire(
    command: &'static str,
    targets: Vec<Target>,
    options: Options,
    ask: impl Fn(&Target, &Options) -> Result<Answer<Value>, AskError> + Sync,
) -> Report {
    let results = ask_all(&targets, |target| ask(target, &options));
    let rows = targets.into_iter().zip(results).map(|(target, result)| Row { target, result }).collect();
    Report { command, transport: options.transport, rows }
}

/// The nodes, each with the envelope that it can open. A key file that would not be used ends the program: whoever names
/// one counts on encryption.
pub(crate) fn targets(asking: &Asking) -> Result<Vec<Target>> {
    let seal = match (asking.encryption, &asking.key_file) {
        (EncryptionArgument::Coin, Some(path)) => {
            Some((Envelope::Coin as fn(_) -> _, KeyFile::read(path, asking.coin_id)?))
        }
        (EncryptionArgument::Coin256, Some(path)) => {
            Some((Envelope::Coin256 as fn(_) -> _, KeyFile::read(path, asking.coin_id)?))
        }
        (EncryptionArgument::Clear, Some(_)) => {
            let message = "--key-file needs --encryption 1 or 4: without it the question goes out in clear";
            Arguments::command().error(ErrorKind::ArgumentConflict, message).exit()
        }
        (EncryptionArgument::Clear | EncryptionArgument::Coin | EncryptionArgument::Coin256, None) => None,
    };
    let mut targets = asking.nodes.targets()?;
    for target in &mut targets {
        target.coin_id = asking.coin_id;
        if let Some((envelope, key_file)) = &seal {
            target.envelope = envelope(key_file.coin_at(target.raida_id)?);
        }
    }
    Ok(targets)
}
