//! The server around a service that lies to other nodes about tickets. For tests only.

use raida_behaviour::Lying;

fn main() -> std::process::ExitCode {
    raida_server::main_with(Lying::new)
}
