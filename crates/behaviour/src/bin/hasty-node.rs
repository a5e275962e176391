//! The server around a service that acknowledges changes before it makes them. For tests only.

use raida_behaviour::Hasty;

fn main() -> std::process::ExitCode {
    raida_server::main_with(Hasty::new)
}
