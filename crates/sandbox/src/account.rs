//! Who the process is.

use std::fmt;
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User, chown, getgid, getuid, initgroups, setgroups, setresgid, setresuid};

use crate::failure::Failure;

/// A user and a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    uid: Uid,
    gid: Gid,
    /// Name of the user, where it has one: its further groups come with it.
    name: Option<String>,
}

impl Account {
    /// Looks a user up, and the group that it has or that is named. Each may be a name or a number; without a user it is
    /// the present one.
    ///
    /// # Errors
    ///
    /// Where there is no such user or group.
    pub fn find(user: Option<&str>, group: Option<&str>) -> Result<Self, Failure> {
        let unknown = |what, name: &str| Failure::Unknown { what, name: name.to_owned() };
        let mut account = match user {
            None => Self { uid: getuid(), gid: getgid(), name: None },
            Some(name) => Self::of_user(name)?.ok_or_else(|| unknown("user", name))?,
        };
        if let Some(name) = group {
            let found = Group::from_name(name).map_err(|error| Failure::system("looking the group up", error))?;
            let number = || name.parse().ok().map(Gid::from_raw);
            account.gid = found.map(|group| group.gid).or_else(number).ok_or_else(|| unknown("group", name))?;
        }
        Ok(account)
    }

    fn of_user(name: &str) -> Result<Option<Self>, Failure> {
        let failed = |error| Failure::system("looking the user up", error);
        let known = match name.parse() {
            Ok(number) => User::from_uid(Uid::from_raw(number)),
            Err(_) => User::from_name(name),
        };
        if let Some(User { uid, gid, name, .. }) = known.map_err(failed)? {
            return Ok(Some(Self { uid, gid, name: Some(name) }));
        }
        let number = name.parse::<u32>().ok();
        Ok(number.map(|number| Self { uid: Uid::from_raw(number), gid: Gid::from_raw(number), name: None }))
    }

    /// Whether the process is that already.
    #[must_use]
    pub fn is_own(&self) -> bool {
        (self.uid, self.gid) == (getuid(), getgid()) && Uid::effective() == self.uid
    }

    /// Makes a file or folder theirs.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn own(&self, path: &Path) -> Result<(), Failure> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(|error| Failure::system("giving the folder away", error))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, gid, name } = self;
        write!(f, "{} (uid {uid}, gid {gid})", name.as_deref().unwrap_or("nameless"))
    }
}

/// Goes on as somebody else, with all threads, for good. A process that is that already stays as it is.
///
/// # Errors
///
/// Where the process is not root, or was left with a way back. The process should end then.
pub fn become_account(account: &Account) -> Result<(), Failure> {
    if account.is_own() {
        return Ok(());
    }
    let Account { uid, gid, name } = account;
    // The groups first: afterwards nobody may change them any more.
    match name.as_deref().map(std::ffi::CString::new) {
        Some(Ok(name)) => initgroups(&name, *gid),
        _ => setgroups(&[*gid]),
    }
    .map_err(|error| Failure::system("taking the groups", error))?;
    setresgid(*gid, *gid, *gid).map_err(|error| Failure::system("taking the group", error))?;
    setresuid(*uid, *uid, *uid).map_err(|error| Failure::system("taking the user", error))?;
    if !uid.is_root() && setresuid(Uid::from_raw(u32::MAX), Uid::from_raw(0), Uid::from_raw(u32::MAX)).is_ok() {
        return Err(Failure::system("giving root up", "there is a way back"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_by_number() {
        let root = Account::find(Some("root"), None).unwrap();
        assert_eq!(root.to_string(), "root (uid 0, gid 0)");
        assert_eq!(Account::find(Some("0"), Some("0")).unwrap(), root);
        let stranger = Account::find(Some("4123456"), None).unwrap();
        assert_eq!(stranger.to_string(), "nameless (uid 4123456, gid 4123456)");
        assert!(Account::find(None, None).unwrap().is_own());
    }

    #[test]
    fn who_does_not_exist_is_named() {
        let failure = Account::find(Some("no-such-user"), None).unwrap_err();
        assert_eq!(failure.to_string(), "there is no user \"no-such-user\"");
        let failure = Account::find(Some("root"), Some("no-such-group")).unwrap_err();
        assert_eq!(failure.to_string(), "there is no group \"no-such-group\"");
    }
}
