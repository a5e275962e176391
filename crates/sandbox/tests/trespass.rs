//! What the sandbox forbids does fail, and what it leaves does work.
//!
//! This program is both: with an argument it confines itself and trespasses, otherwise it starts itself again so.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::Uid;
use raida_sandbox::{Account, Calls, Files, become_account, confine_calls, confine_files};

fn main() {
    let confined = env::var_os("RAIDA_CONFINED").map(PathBuf::from);
    match (confined, env::var("RAIDA_PART").as_deref()) {
        (Some(folder), Ok("files")) => files(folder),
        (Some(_), Ok("calls")) => calls(),
        (Some(folder), Ok(_)) => account(&folder),
        _ => {
            for part in ["files", "calls", "account"] {
                // Root can go anywhere but where Landlock stops it; becoming somebody takes root.
                if part == "account" && !Uid::effective().is_root() {
                    println!("account: skipped, it takes root");
                    continue;
                }
                let folder = tempfile::tempdir().unwrap();
                let mut again = Command::new(env::current_exe().unwrap());
                let output = again.env("RAIDA_CONFINED", folder.path()).env("RAIDA_PART", part).output().unwrap();
                assert!(output.status.success(), "{part}: {}", String::from_utf8_lossy(&output.stderr));
                println!("{part}: {}", String::from_utf8_lossy(&output.stdout).trim());
            }
        }
    }
}

fn files(folder: PathBuf) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (own, readable) = (folder.join("own"), folder.join("readable"));
    [&own, &readable].iter().for_each(|folder| fs::create_dir(folder).unwrap());
    fs::write(readable.join("file"), "text").unwrap();
    let allowed =
        Files { readable: &[readable.clone(), "/no/such/place".into()], writable: std::slice::from_ref(&own) };
    let confinement = match confine_files(&allowed) {
        Ok(confinement) => confinement,
        Err(failure) => return println!("skipped: {failure}"),
    };
    // In a thread that was started later, as all that matter are.
    thread::spawn(move || {
        fs::write(own.join("a"), "b").unwrap();
        fs::rename(own.join("a"), own.join("c")).unwrap();
        fs::remove_file(own.join("c")).unwrap();
        assert_eq!(fs::read(readable.join("file")).unwrap(), b"text");
        assert!(fs::write(readable.join("file"), "other").is_err(), "it may only be read");
        assert!(fs::read("/etc/passwd").is_err());
        assert!(fs::read_dir("/").is_err());
        assert!(fs::write(folder.join("outside"), "x").is_err());
        assert!(Command::new("/bin/true").status().is_err(), "no program can be started");
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap();
        if confinement.is_whole {
            assert!(TcpListener::bind("127.0.0.1:0").is_err(), "no port can be bound any more");
        }
    })
    .join()
    .unwrap();
    println!("{confinement}");
}

fn calls() {
    // A thread that was there before is confined, too.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let older = thread::spawn(move || {
        wait.recv().unwrap();
        Command::new("/bin/true").status().is_err()
    });
    let left = match confine_calls(Calls::default()) {
        Ok(left) => left,
        Err(failure) => return println!("skipped: {failure}"),
    };
    go.send(()).unwrap();
    assert!(older.join().unwrap(), "no program can be started");
    assert_eq!(thread::spawn(|| 7).join().unwrap(), 7, "threads can");
    fs::read("/etc/passwd").unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap();
    let raw = socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), None);
    assert_eq!(raw.err(), Some(nix::Error::EPERM), "no raw packets");
    assert_eq!(nix::unistd::chroot("/"), Err(nix::Error::EPERM));
    assert_eq!(nix::unistd::setsid(), Err(nix::Error::EPERM));
    assert_eq!(nix::unistd::sethostname("mine"), Err(nix::Error::EPERM));
    assert!(TcpListener::bind("127.0.0.1:0").is_err(), "nobody listens anew");
    println!("{left} calls are left");
}

fn account(folder: &std::path::Path) {
    let nobody = Account::find(Some("65534"), None).unwrap();
    fs::create_dir(folder.join("theirs")).unwrap();
    nobody.own(&folder.join("theirs")).unwrap();
    become_account(&nobody).unwrap();
    assert!(nobody.is_own());
    assert!(!Uid::effective().is_root());
    assert!(fs::read("/etc/shadow").is_err(), "that is for root");
    assert!(become_account(&Account::find(Some("0"), None).unwrap()).is_err(), "there is no way back");
    println!("{nobody}");
}
