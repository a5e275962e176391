//! The RAIDA node.

fn main() -> std::process::ExitCode {
    raida_server::main_with(|node| node)
}
