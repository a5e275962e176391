//! Landlock: which files the process may still open.

use std::fmt;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, make_bitflags,
};

use crate::failure::Failure;

/// What may still be opened. A folder stands for all below it; what does not exist is passed over.
#[derive(Clone, Copy, Debug)]
pub struct Files<'f> {
    /// To read.
    pub readable: &'f [PathBuf],
    /// To read, write, make and remove. Nothing can be executed, no device and no socket made.
    pub writable: &'f [PathBuf],
}

/// What Landlock does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Whether it is all that was wanted; otherwise this kernel has a part of it only.
    pub is_whole: bool,
    /// Folders and files that are left.
    pub paths: usize,
}

/// The version of Landlock that has all of this: Linux 6.12.
const WANTED: ABI = ABI::V6;

/// Leaves the calling thread, and those that it will start, these files, no TCP port to bind, and no signals to others.
/// Also, no program that it might start gets more privileges than it has (`no_new_privs`). What is open stays open.
///
/// # Errors
///
/// Where the kernel has no Landlock, or refuses.
pub fn confine_files(files: &Files<'_>) -> Result<Confinement, Failure> {
    let (paths, status) = restrict(files).map_err(|error| Failure::system("confining files with Landlock", error))?;
    match status {
        RulesetStatus::FullyEnforced => Ok(Confinement { is_whole: true, paths }),
        RulesetStatus::PartiallyEnforced => Ok(Confinement { is_whole: false, paths }),
        RulesetStatus::NotEnforced => {
            let reason = "it is not built in, or not switched on (see /sys/kernel/security/lsm)".to_owned();
            Err(Failure::Unsupported { what: "Landlock", reason })
        }
    }
}

fn restrict(files: &Files<'_>) -> Result<(usize, RulesetStatus), RulesetError> {
    let reading = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let writing =
        reading | make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer});
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::Signal)?
        .create()?;
    let mut paths = 0;
    for (list, access) in [(files.readable, reading), (files.writable, writing)] {
        for path in list {
            let Ok(file) = PathFd::new(path) else { continue };
            rules = rules.add_rule(PathBeneath::new(file, fitting(path, access)))?;
            paths += 1;
        }
    }
    Ok((paths, rules.restrict_self()?.ruleset))
}

/// What makes sense for a folder makes none for a file.
fn fitting(path: &std::path::Path, access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() { access } else { access & AccessFs::from_file(WANTED) }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = if self.is_whole { "" } else { ", as far as this kernel can" };
        write!(f, "{} paths are left{extent}", self.paths)
    }
}
