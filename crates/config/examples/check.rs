//! Checks a configuration file the way a node would, and prints what it amounts to.
//!
//! `cargo run -p raida-config --example check -- deploy/raida.toml`

use std::path::PathBuf;
use std::process::ExitCode;

use raida_config::{Config, Overrides, Sources};

fn main() -> ExitCode {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    match Sources::of_process(file.as_deref(), Overrides::default()).and_then(|sources| Config::load(&sources)) {
        Ok(loaded) => {
            for notice in &loaded.notices {
                eprintln!("notice: {notice}");
            }
            print!("{}", loaded.print());
            ExitCode::SUCCESS
        }
        Err(error) => {
            for problem in error.problems() {
                eprintln!("{problem}");
            }
            ExitCode::FAILURE
        }
    }
}
