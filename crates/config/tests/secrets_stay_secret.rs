//! Whatever is wrong with a secret, and whoever prints what, its digits appear nowhere.

use std::os::unix::fs::PermissionsExt;

use raida_config::{Config, ConfigFile, Notice, Sources};

/// No part of a configuration looks like this by chance.
const MARK: &str = "c0ffee99";

fn file(text: &str) -> Sources {
    Sources { file: Some(ConfigFile::from_text("raida.toml", text)), ..Sources::default() }
}

#[test]
fn a_wrong_key_is_described_and_not_shown() {
    for (value, said) in [
        (format!("\"{MARK}\""), "a text of 8 characters"),
        (format!("\"{MARK}{MARK}{MARK}{MARK}0\""), "a text of 33 characters"),
        (format!("\"{MARK}{MARK}{MARK}zzzzzzzz\""), "a text of 32 characters"),
        (format!("[\"{MARK}\"]"), "a list"),
        (format!("{{ {MARK} = 1 }}"), "a table"),
        ("0xc0ffee99".to_owned(), "a number"),
    ] {
        let error = Config::load(&file(&format!("[server]\nadmin_key = {value}\n"))).expect_err("wrong");
        let (shown, debug) = (error.to_string(), format!("{error:?}"));
        assert!(shown.contains(&format!("server.admin_key is {said} (raida.toml)")), "{shown}");
        for text in [shown, debug] {
            assert!(!text.contains(MARK) && !text.contains(&0xc0ff_ee99_u32.to_string()), "{text}");
        }
    }
}

#[test]
fn a_broken_line_with_a_key_in_it_is_not_quoted() {
    for text in [
        format!("[server]\nadmin_key = \"{MARK}\n"),
        format!("[server]\nadmin_key = {MARK}\n"),
        format!("[server]\nadmin_key = \"{MARK}\" x\n"),
        format!("[server]\nadmin_key = \"{MARK}\"\nadmin_key = \"{MARK}\"\n"),
        format!("[server]\nproxy_key = '{MARK}\n"),
    ] {
        let sources = file(&text);
        let error = Config::load(&sources).expect_err("no TOML");
        for shown in [error.to_string(), format!("{error:?}"), format!("{sources:?}")] {
            assert!(!shown.contains(MARK), "{shown}");
        }
    }
}

#[test]
fn nothing_that_was_loaded_shows_the_key() {
    let text = format!("[server]\nadmin_key = \"{0}{0}{0}{0}\"\nproxy_key = \"{0}\"\n", MARK);
    let loaded = Config::load(&file(&text)).expect("right");
    for shown in [format!("{loaded:?}"), format!("{:#?}", loaded.config), loaded.print()] {
        assert!(!shown.contains(MARK), "{shown}");
    }
}

#[test]
fn a_key_in_the_environment_is_not_shown_by_debug() {
    let environment = vec![("RAIDA_SERVER__ADMIN_KEY".into(), MARK.into())];
    let shown = format!("{:?}", Sources { environment, ..Sources::default() });
    assert!(!shown.contains(MARK), "{shown}");
}

#[test]
fn a_file_with_the_key_that_others_can_read_is_pointed_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("raida.toml");
    std::fs::write(&path, format!("[server]\nadmin_key = \"{0}{0}{0}{0}\"\n", MARK)).expect("written");
    let notices = |mode| {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("permissions");
        let file = Some(ConfigFile::read(&path).expect("readable"));
        Config::load(&Sources { file, ..Sources::default() }).expect("right").notices
    };
    assert_eq!(notices(0o600), []);
    let shared = notices(0o640);
    assert_eq!(shared, [Notice::Exposed { path: path.clone() }]);
    assert!(shared[0].to_string().ends_with(&format!("chmod 600 {}", path.display())), "{}", shared[0]);
}
