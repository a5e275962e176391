//! Asks one node or several whether they are there: `cargo run -p raida-client --example echo -- 127.0.0.1:50000`.

use std::env;
use std::process::ExitCode;

use raida_client::{AddressError, Options, Target, ask_all, echo};

fn main() -> Result<ExitCode, AddressError> {
    let mut nodes = env::args().skip(1).map(|node| Ok(Target::new(node.parse()?))).collect::<Result<Vec<_>, _>>()?;
    if nodes.is_empty() {
        nodes.push(Target::new("127.0.0.1:50000".parse()?));
    }
    let answers = ask_all(&nodes, |node| echo(node, &Options::default()));
    for (node, answer) in nodes.iter().zip(&answers) {
        match answer {
            Ok(answer) => println!("{node}: answered in {:.1?}", answer.trip.latency),
            Err(error) => println!("{error}"),
        }
    }
    Ok(if answers.iter().all(Result::is_ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
