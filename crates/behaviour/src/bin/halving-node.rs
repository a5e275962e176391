//! The server around a service that falls over in the middle of a change. For tests only.

use raida_behaviour::Halving;

fn main() -> std::process::ExitCode {
    raida_server::main_with(Halving::new)
}
