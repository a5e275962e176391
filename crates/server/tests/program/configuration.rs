//! `--version`, `--check-config`, `--print-config`, and where values come from.

use std::fs;
use std::path::Path;

use crate::process::{Running, program, run};

#[expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn version_and_help_go_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(printed(folder.path(), &["--version"]), concat!("raida-server ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = printed(folder.path(), &["--help"]);
    for flag in [
        "--config <FILE>",
        "--raida-id <N>",
        "--coin-id <N>",
        "--listen <ADDR:PORT>",
        "--data-dir <DIR>",
        "--backend <NAME>",
        "--reactors <N>",
        "--threads <N>",
        "--log <FILTER>",
        "--check-config",
        "--print-config",
    ] {
        assert!(help.contains(flag), "{flag} is not in {help}");
    }
}

#[test]
fn a_check_says_that_all_is_well_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(printed(folder.path(), &["--check-config"]), "the configuration is good\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_printed_can_be_read_again_and_means_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--raida-id", "7", "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--log", "info,raida_node=debug"];
    let first = printed(folder.path(), &[&["--print-config"], &flags[..]].concat());
    assert!(first.contains("raida_id = 7 # flag --raida-id"), "{first}");
    fs::write(folder.path().join("printed.toml"), &first).unwrap();
    let second = printed(folder.path(), &["--print-config", "--config", "printed.toml"]);
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(" # ").map_or(line, |(value, _)| value).to_owned()).collect()
    };
    assert_eq!(values(&first), values(&second));
    assert!(values(&first).len() > 40);
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("node.toml"), "[server]\nraida_id = 1\nthreads = 1\n[network]\nreactors = 1\n")
        .unwrap();
    let mut command = program(folder.path());
    command.args(["--config", "node.toml", "--listen", "127.0.0.1:0", "--raida-id", "3"]);
    command.env("RAIDA_SERVER__RAIDA_ID", "2").env("RAIDA_NETWORK__REACTORS", "2");
    let mut node = Running::spawn(&mut command);
    let serving = node.log.last().unwrap();
    for part in ["raida_id=3", "reactors=2", "workers=1"] {
        assert!(serving.contains(part), "{part} is not in {serving}");
    }
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_json_log_is_one_object_a_line_and_names_the_addresses() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("json.toml"), "[log]\nformat = \"json\"\n").unwrap();
    let mut node = Running::start(&folder, &["--config", "json.toml"]);
    assert_eq!(node.stop(), Some(0));
    let objects: Vec<serde_json::Value> = node.log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let serving = objects.iter().find(|object| object["fields"]["message"] == "serving").unwrap();
    assert_eq!(serving["fields"]["addresses"], node.addresses[0].to_string());
}

#[test]
fn keys_of_the_c_server_that_change_nothing_are_mentioned() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.toml"), "[server]\nraida_id = 0\nbackup_freq = 5\n").unwrap();
    let mut node = Running::start(&folder, &["--config", "c.toml"]);
    assert_eq!(node.stop(), Some(0));
    assert!(node.log.iter().any(|line| line.contains("WARN") && line.contains("backup_freq")), "{:#?}", node.log);
}

#[test]
fn the_manual_pages_and_the_completions_know_every_flag_and_command_of_the_help() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let (help, bash) = (ask(&["--help"]), ask(&["--completions", "bash"]));
    assert_eq!(ask(&["--man", "."]), "");
    let page = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let man = page("raida-server.1");
    let flags = help.split_whitespace().filter(|word| word.starts_with("--"));
    let flags: Vec<_> = flags.map(|flag| flag.trim_end_matches(|c: char| !c.is_alphanumeric())).collect();
    assert!(flags.len() >= 12, "{flags:?}");
    for flag in flags {
        assert!(man.contains(&flag.replace('-', "\\-")), "{flag} is not in the manual page");
        assert!(bash.contains(flag), "{flag} is not completed");
    }
    for task in ["import", "export"] {
        let name = format!("raida-server-{task}");
        assert!(man.contains(&name.replace('-', "\\-")) && page(&format!("{name}.1")).contains(".TH "), "{task}");
    }
}
