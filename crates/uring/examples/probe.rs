//! Says whether this kernel lets us use io_uring; the exit code says the same.
//!
//! ```text
//! cargo run -p raida-uring --example probe
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    match raida_uring::probe() {
        Ok(()) => {
            println!("io_uring can be used here");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}
