//! The sandbox, as the configuration wants it.

use std::fmt;
use std::path::{Path, PathBuf};

use raida_config::{Backend, Config, DataDirError, SandboxMode, make_data_dir};
use raida_sandbox::{Account, Calls, Confinement, Failure, Files, become_account, confine_calls, confine_files};
use tracing::{info, warn};

/// Gives up what the node does not need once its sockets are bound: privileges, files, system calls. Each step is said in
/// the log. Threads started before keep their files: there should be none that open any.
///
/// # Errors
///
/// Where `sandbox.user` or `sandbox.group` cannot be become, or where `sandbox.mode` is `require` and the kernel does not
/// have all of it.
pub fn confine(config: &Config, file: Option<&Path>) -> Result<(), ConfineError> {
    own_account(config)?;
    let mode = config.sandbox.mode;
    if mode == SandboxMode::Off {
        info!("sandbox is off");
        return Ok(());
    }
    let folder = &config.store.data_dir;
    make_data_dir(folder)?;
    let readable = readable(file);
    let files = confine_files(&Files { readable: &readable, writable: std::slice::from_ref(folder) });
    let calls = confine_calls(Calls { io_uring: config.network.backend == Backend::IoUring });
    match files {
        Ok(confinement @ Confinement { is_whole: true, .. }) => info!(%confinement, "sandbox: files"),
        Ok(part) if mode == SandboxMode::Try => warn!(confinement = %part, "sandbox: files"),
        Ok(_) => return Err(ConfineError::Required("this kernel's Landlock is too old for all of it".to_owned())),
        Err(failure) => soften(mode, &failure)?,
    }
    match calls {
        Ok(left) => info!(left, "sandbox: system calls"),
        Err(failure) => soften(mode, &failure)?,
    }
    Ok(())
}

fn soften(mode: SandboxMode, failure: &Failure) -> Result<(), ConfineError> {
    match mode {
        SandboxMode::Require => Err(ConfineError::Required(failure.to_string())),
        SandboxMode::Off | SandboxMode::Try => {
            warn!(%failure, "sandbox: going on without");
            Ok(())
        }
    }
}

/// Becomes whom the configuration names. A data folder that is not there yet is made for them first: afterwards the node
/// may not be allowed to.
fn own_account(config: &Config) -> Result<(), ConfineError> {
    let (user, group) = (config.sandbox.user.as_deref(), config.sandbox.group.as_deref());
    if user.is_none() && group.is_none() {
        return Ok(());
    }
    let account = Account::find(user, group).map_err(ConfineError::Account)?;
    let folder = &config.store.data_dir;
    if !folder.exists() {
        make_data_dir(folder)?;
        account.own(folder).map_err(ConfineError::Account)?;
    }
    become_account(&account).map_err(ConfineError::Account)?;
    info!(%account, "sandbox: account");
    Ok(())
}

/// What a running node still reads besides its data: its configuration, and what the C library needs to find the
/// addresses of others, or the process to find out about itself.
fn readable(file: Option<&Path>) -> Vec<PathBuf> {
    const SYSTEM: &[&str] = &[
        "/dev/null",
        "/dev/urandom",
        "/etc/gai.conf",
        "/etc/host.conf",
        "/etc/hosts",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/etc/nsswitch.conf",
        "/etc/resolv.conf",
        "/lib",
        "/lib64",
        "/proc/self",
        "/run/systemd/resolve",
        "/sys/devices/system/cpu",
        "/sys/fs/cgroup",
        "/usr/lib",
        "/usr/lib64",
    ];
    // The folder, not the file: editors replace files, and Landlock goes by what was there before.
    let folder = |file: &Path| file.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
    let own = file.map(|file| folder(file).unwrap_or_else(|| ".".into()));
    SYSTEM.iter().map(PathBuf::from).chain(own).chain(std::env::current_exe()).collect()
}

/// Why the node does not go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfineError {
    /// `sandbox.user` or `sandbox.group`.
    Account(Failure),
    /// There is no data folder to leave to the node.
    Folder(DataDirError),
    /// `sandbox.mode` is `require`, and this kernel cannot.
    Required(String),
}

impl From<DataDirError> for ConfineError {
    fn from(error: DataDirError) -> Self {
        Self::Folder(error)
    }
}

impl fmt::Display for ConfineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(failure) => write!(f, "sandbox.user, sandbox.group: {failure}"),
            Self::Folder(error) => error.fmt(f),
            Self::Required(reason) => write!(f, "sandbox.mode is require, but {reason}"),
        }
    }
}

impl std::error::Error for ConfineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Account(failure) => Some(failure),
            Self::Folder(error) => Some(error),
            Self::Required(_) => None,
        }
    }
}
