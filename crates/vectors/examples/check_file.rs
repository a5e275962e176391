//! Checks the file named on the command line, or the protocol's own vectors.

use std::env;
use std::process::ExitCode;

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors.json");

fn main() -> ExitCode {
    let path = env::args().nth(1).unwrap_or_else(|| OWN.to_owned());
    match raida_vectors::check_file(&path) {
        Ok(report) => {
            println!("{report}");
            if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}
