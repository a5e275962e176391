//! The secrets file: made once, whole, for its owner alone, and refused when it is anything else.

#![expect(clippy::expect_used, reason = "a test may panic, also in its shared parts")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Barrier;

use raida_config::secrets::load_or_create;
use raida_config::{SecretError, make_data_dir};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
}

#[test]
fn the_first_start_makes_it_and_every_later_start_finds_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secrets.toml");
    let first = load_or_create(&path).expect("made");
    assert!(first.created);
    assert_eq!(mode(&path), 0o600);
    let again = load_or_create(&path).expect("found");
    assert!(!again.created);
    assert_eq!((&again.admin_key, &again.node_secret), (&first.admin_key, &first.node_secret));
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "a draft was left behind");
}

#[test]
fn two_nodes_have_nothing_in_common() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = load_or_create(&folder.path().join("one")).expect("made");
    let two = load_or_create(&folder.path().join("two")).expect("made");
    assert_ne!(one.admin_key, two.admin_key);
    assert_ne!(one.node_secret, two.node_secret);
    assert_ne!(one.admin_key.expose(), &[0; 16]);
}

#[test]
fn processes_that_start_at_once_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secrets.toml");
    let start = Barrier::new(8);
    let all: Vec<_> = std::thread::scope(|scope| {
        let race = || {
            start.wait();
            load_or_create(&path).expect("made or found")
        };
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
        racers.into_iter().map(|racer| racer.join().expect("no panic")).collect()
    });
    assert_eq!(all.iter().filter(|secrets| secrets.created).count(), 1);
    assert!(all.iter().all(|secrets| secrets.node_secret == all[0].node_secret));
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
}

#[test]
fn a_file_that_others_can_touch_is_refused_with_the_command_that_helps() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secrets.toml");
    load_or_create(&path).expect("made");
    for wrong in [0o640, 0o604, 0o620, 0o602, 0o610, 0o666] {
        set_mode(&path, wrong);
        let error = load_or_create(&path).expect_err("exposed");
        assert!(matches!(error, SecretError::Exposed { .. }));
        assert!(error.to_string().ends_with(&format!("chmod 600 {}", path.display())), "{error}");
        assert!(error.to_string().contains(&format!("{wrong:04o}")), "{error}");
    }
    set_mode(&path, 0o400);
    assert!(load_or_create(&path).is_ok());
}

#[test]
fn only_a_regular_file_will_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    load_or_create(&real).expect("made");
    symlink(&real, &link).expect("linked");
    assert!(matches!(load_or_create(&link), Err(SecretError::NotRegular { .. })));
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("nowhere"), &dangling).expect("linked");
    assert!(matches!(load_or_create(&dangling), Err(SecretError::NotRegular { .. })));
    assert!(matches!(load_or_create(folder.path()), Err(SecretError::NotRegular { .. })));
    assert!(matches!(load_or_create(Path::new("/dev/null")), Err(SecretError::NotRegular { .. })));
}

#[test]
fn a_damaged_file_is_refused_without_quoting_it_and_never_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secrets.toml");
    load_or_create(&path).expect("made");
    let whole = fs::read_to_string(&path).expect("ours");
    let key = whole.lines().find(|line| line.starts_with("admin_key")).expect("is there").to_owned();
    let no_secret = whole.lines().filter(|line| !line.starts_with("node_secret")).collect::<Vec<_>>().join("\n");
    for damaged in ["", key.as_str(), &no_secret, &whole.replace("node", "nod"), &whole.replacen("= \"", "= \"0", 1)] {
        fs::write(&path, damaged).expect("ours");
        let error = load_or_create(&path).expect_err("damaged");
        assert!(matches!(error, SecretError::Contents { .. }), "{error}");
        assert!(!format!("{error}{error:?}").contains(&key[13..20]), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("ours"), damaged);
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = load_or_create(&folder.path().join("none/secrets.toml")).expect_err("no folder");
    assert!(error.to_string().contains("none/secrets.toml: making the secrets file: No such file"), "{error}");
}

#[test]
fn secrets_are_not_shown_by_debug() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = format!("{:?}", load_or_create(&folder.path().join("secrets.toml")).expect("made"));
    assert_eq!(shown, "Secrets { admin_key: Secret(..), node_secret: Secret(..), created: true }");
}

#[test]
fn the_data_folder_is_made_for_its_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/raida-data");
    make_data_dir(&path).expect("made");
    assert_eq!((mode(&path), mode(&folder.path().join("deep"))), (0o700, 0o700));
    make_data_dir(&path).expect("still there");
    set_mode(&path, 0o755);
    make_data_dir(&path).expect("others may look, the files are closed");
    for wrong in [0o770, 0o777, 0o702] {
        set_mode(&path, wrong);
        let error = make_data_dir(&path).expect_err("others may write");
        assert!(error.to_string().ends_with(&format!("chmod 700 {}", path.display())), "{error}");
    }
}

#[test]
fn a_file_in_place_of_the_data_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("raida-data");
    fs::write(&path, "").expect("written");
    let error = make_data_dir(&path).expect_err("a file");
    assert!(error.to_string().contains("raida-data: making the folder: "), "{error}");
}
