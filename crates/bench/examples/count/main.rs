//! Does one small thing many times, so that an instruction counter can tell what it costs.
//!
//! `count SUBJECT TIMES` does it; `count` names the subjects. `cargo xtask counts` runs it under callgrind, twice with
//! different numbers of times, and takes the difference: what it costs to start is not counted.

mod loopback;
mod subject;

use std::process::ExitCode;

use subject::Subject;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (name, times) = (arguments.next(), arguments.next().and_then(|times| times.parse::<u32>().ok()));
    let Some(name) = name else {
        Subject::ALL.iter().for_each(|subject| println!("{}", subject.name));
        return ExitCode::SUCCESS;
    };
    let subject = Subject::ALL.iter().find(|subject| subject.name == name);
    match subject.zip(times).map(|(subject, times)| (subject.run)(times)) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("usage: count SUBJECT TIMES");
            ExitCode::FAILURE
        }
    }
}
