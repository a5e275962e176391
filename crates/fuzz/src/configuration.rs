//! Configuration files.

use raida_config::{Config, ConfigFile, Sources};

/// A configuration file is accepted or refused in words; what is accepted is printed as a file that is accepted too, and
/// prints the same.
pub fn configuration(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets).into_owned();
    match load(text) {
        Ok(printed) => {
            let again = load(printed.clone()).unwrap_or_else(|words| panic!("{words}\n{printed}"));
            assert_eq!(settings(&again), settings(&printed));
        }
        Err(words) => assert!(!words.is_empty()),
    }
}

fn load(text: String) -> Result<String, String> {
    let file = Some(ConfigFile::from_text("fuzzed.toml", text));
    let loaded = Config::load(&Sources { file, ..Sources::default() });
    loaded.map(|loaded| loaded.print()).map_err(|error| error.to_string())
}

/// Tables, keys and values. Remarks say where a value came from, and that is another place the second time.
fn settings(printed: &str) -> Vec<&str> {
    printed.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(" # ").next()).collect()
}
