//! What a process gives up once it has what it needs. Nothing of it can be taken back.
//!
//! - [`become_account`]: it goes on as another user and group.
//! - [`confine_files`]: Landlock leaves it a few folders to read and fewer to write, no TCP port to bind any more and no
//!   signals to others.
//! - [`confine_calls`]: seccomp leaves it the system calls of a server that has no business with programs, mounts, kernel
//!   modules, other processes' memory or raw sockets. Those of io_uring are left only to who asks for them.
//!
//! Each says what it has achieved, so that it can be logged, and fails by name where the kernel cannot do it. Landlock
//! binds the thread that calls and those that it starts: call it before they start. The others bind the whole process.
//!
//! The crate knows no configuration and writes no log. It has no `unsafe` of its own.
//!
//! ```
//! // In a thread of its own, so that the rest of this test stays free.
//! std::thread::spawn(|| {
//!     let folder = tempfile::tempdir().unwrap();
//!     let allowed = raida_sandbox::Files { readable: &[], writable: &[folder.path().to_owned()] };
//!     match raida_sandbox::confine_files(&allowed) {
//!         Ok(_) => {
//!             assert!(std::fs::write(folder.path().join("mine"), "yes").is_ok());
//!             assert!(std::fs::read("/etc/passwd").is_err());
//!         }
//!         Err(why) => println!("not on this kernel: {why}"),
//!     }
//! })
//! .join()
//! .unwrap();
//! ```

#![forbid(unsafe_code)]

mod account;
mod call_list;
mod calls;
mod failure;
mod files;

pub use account::{Account, become_account};
pub use calls::{Calls, confine_calls};
pub use failure::Failure;
pub use files::{Confinement, Files, confine_files};
