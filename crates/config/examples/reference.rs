//! Prints the reference of all keys.
//!
//! `cargo run -p raida-config --example reference > docs/CONFIGURATION.md`

fn main() {
    print!("{}", raida_config::reference());
}
