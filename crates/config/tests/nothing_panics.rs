//! Whatever a file, a variable or a flag says: an answer, never a panic.

use proptest::prelude::*;
use raida_config::{Config, ConfigFile, Overrides, Sources, reference};

/// Every `table.name` of the reference, so that a new key is tried, too.
fn keys() -> Vec<(String, String)> {
    let (mut keys, mut table) = (Vec::new(), String::new());
    for line in reference().lines() {
        if let Some(name) = line.strip_prefix("## `[").and_then(|rest| rest.strip_suffix("]`")) {
            name.clone_into(&mut table);
        } else if let Some((name, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) {
            keys.push((table.clone(), name.trim_start_matches("server.").to_owned()));
        }
    }
    assert!(keys.len() > 40, "{keys:?}");
    keys
}

/// Text that is a value of TOML, or nearly.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-2i64..70_000).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        "\"[^\"\\\\]{0,80}\"",
        "\\[(\"[0-9:.\\[\\]]{0,20}\",?){0,4}\\]",
        "\\{ ?[a-z]{1,5} ?= ?[0-9]{1,3} ?\\}",
        Just("1979-05-27T07:32:00Z".to_owned()),
        Just("\"127.0.0.1:50000\"".to_owned()),
        Just("[\"127.0.0.1:50000\"]".to_owned()),
        "\\PC{0,20}",
    ]
}

fn setting() -> impl Strategy<Value = (String, String, String)> {
    (prop::sample::select(keys()), value(), 0u8..10).prop_map(|((table, name), value, slip)| match slip {
        0 => (table, format!("{name}x"), value),
        1 => (format!("{table}x"), name, value),
        _ => (table, name, value),
    })
}

/// An answer that holds its promises.
fn judge(sources: &Sources) -> Result<(), TestCaseError> {
    match Config::load(sources) {
        Ok(loaded) => {
            let file = Some(ConfigFile::from_text("printed.toml", loaded.print()));
            prop_assert!(Config::load(&Sources { file, ..Sources::default() }).is_ok(), "{}", loaded.print());
            prop_assert!(loaded.notices.iter().all(|notice| !notice.to_string().contains('\n')));
        }
        Err(error) => {
            prop_assert!(!error.problems().is_empty());
            prop_assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_as_a_file(text in any::<String>()) {
        judge(&Sources { file: Some(ConfigFile::from_text("any.toml", text)), ..Sources::default() })?;
    }

    #[test]
    fn any_settings_as_a_file(settings in prop::collection::vec(setting(), 0..6)) {
        let text: String = settings.iter().map(|(table, name, value)| format!("{table}.{name} = {value}\n")).collect();
        judge(&Sources { file: Some(ConfigFile::from_text("any.toml", text)), ..Sources::default() })?;
    }

    #[test]
    fn any_settings_as_variables(settings in prop::collection::vec(setting(), 0..6), others in prop::collection::vec(any::<(String, String)>(), 0..3)) {
        let variable = |(table, name, value): (String, String, String)| {
            (format!("RAIDA_{}__{}", table.to_uppercase(), name.to_uppercase()).into(), value.into())
        };
        let other = |(name, value): (String, String)| (format!("RAIDA_{name}").into(), value.into());
        let environment = settings.into_iter().map(variable).chain(others.into_iter().map(other)).collect();
        judge(&Sources { environment, ..Sources::default() })?;
    }

    #[test]
    fn any_flags(numbers in any::<[Option<u64>; 4]>(), log in any::<Option<String>>(), data_dir in any::<Option<std::path::PathBuf>>()) {
        let [raida_id, coin_id, reactors, threads] = numbers;
        let overrides = Overrides { raida_id, coin_id, reactors, threads, log, data_dir, ..Overrides::default() };
        judge(&Sources { overrides, ..Sources::default() })?;
    }
}
