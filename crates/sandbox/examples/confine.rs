//! Gives up files and system calls, and says what is left: `cargo run -p raida-sandbox --example confine`.

use raida_sandbox::{Calls, Files, confine_calls, confine_files};

fn main() {
    let files = Files { readable: &["/usr/lib".into()], writable: &[] };
    match confine_files(&files) {
        Ok(confinement) => println!("files: {confinement}"),
        Err(failure) => println!("files: {failure}"),
    }
    match confine_calls(Calls::default()) {
        Ok(count) => println!("system calls: {count} are left"),
        Err(failure) => println!("system calls: {failure}"),
    }
    println!("reading /etc/passwd: {:?}", std::fs::read("/etc/passwd").map(|octets| octets.len()));
    println!("starting a program: {:?}", std::process::Command::new("/bin/true").status());
}
