//! The server around a service with faults built in. For tests only.

use raida_behaviour::Faulty;

fn main() -> std::process::ExitCode {
    raida_server::main_with(Faulty::new)
}
