//! `cargo xtask tidy`: the rules of this house that no compiler checks.

mod defects;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::step;

/// Crates from the bottom up: a crate may use only crates that stand on an earlier line.
const LAYERS: &[&[&str]] = &[
    &["raida-wire"],
    &["raida-conn", "raida-store", "raida-workers", "raida-config", "raida-client", "raida-vectors", "raida-sandbox"],
    &["raida-reactor"],
    &["raida-sockets"],
    &["raida-epoll", "raida-uring", "raida-node"],
    &["raida-peers", "raida-sim", "raida-monitor"],
    &["raida-vault", "raida-daemon"],
    &["raida-server", "raida"],
    &["raida-behaviour", "raida-bench", "raida-fuzz", "xtask"],
    &["raida-abuse"],
];

/// Spells out what it looks for.
const THIS_FILE: &str = "xtask/src/tidy.rs";

/// Past this many lines a file is asked whether two ideas are in it.
const LINES_MAX: usize = 700;

pub(crate) fn run() -> Result<()> {
    println!("==> tidy");
    let mut complaints = Vec::new();
    layers(&mut complaints)?;
    defects::check(&step::root(), &mut complaints)?;
    let sections = sections()?;
    for file in sources(&step::root())? {
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(step::root()).unwrap_or(&file).display().to_string();
        length(&name, &text, &mut complaints);
        if name == THIS_FILE {
            continue;
        }
        unsafe_place(&name, &text, &mut complaints);
        references(&name, &text, &sections, &mut complaints);
    }
    if complaints.is_empty() {
        return Ok(());
    }
    bail!("not tidy:\n  {}", complaints.join("\n  "))
}

/// Arrows between crates point down only.
fn layers(complaints: &mut Vec<String>) -> Result<()> {
    let output = step::cargo(["metadata", "--format-version", "1", "--no-deps"]).output().context("cargo metadata")?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    for package in metadata.pointer("/packages").and_then(|list| list.as_array()).into_iter().flatten() {
        let name = text(package, "name");
        let Some(layer) = layer_of(name) else {
            complaints.push(format!("{name} stands on no line of LAYERS in xtask/src/tidy.rs"));
            continue;
        };
        for dependency in package.pointer("/dependencies").and_then(|list| list.as_array()).into_iter().flatten() {
            let (below, for_tests) = (text(dependency, "name"), text(dependency, "kind") == "dev");
            if !for_tests && layer_of(below).is_some_and(|other| other >= layer) {
                complaints.push(format!("{name} uses {below}, which does not stand below it"));
            }
        }
    }
    Ok(())
}

fn layer_of(package: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&package))
}

fn text<'a>(value: &'a serde_json::Value, key: &str) -> &'a str {
    value.get(key).and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn length(name: &str, text: &str, complaints: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        complaints.push(format!("{name}: {lines} lines, more than {LINES_MAX}: are there two ideas in it?"));
    }
}

/// `unsafe` lives in `sys` modules, and in the counting allocators of tests.
fn unsafe_place(name: &str, text: &str, complaints: &mut Vec<String>) {
    let allowed = name.contains("/sys/") || name.ends_with("/sys.rs") || name.contains("/tests/");
    if allowed {
        return;
    }
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if code.contains("unsafe {") || code.contains("unsafe impl") || code.contains("unsafe fn") {
            complaints.push(format!("{name}:{}: unsafe outside of a sys module", index + 1));
        }
    }
}

/// Every `Source: protocol §n` names a section that exists.
fn references(name: &str, text: &str, sections: &BTreeSet<String>, complaints: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate() {
        for tail in line.split("protocol §").skip(1) {
            let number: String = tail.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            let number = number.trim_end_matches('.');
            if !number.is_empty() && !sections.contains(number) {
                complaints.push(format!("{name}:{}: the protocol has no section {number}", index + 1));
            }
        }
    }
}

/// The numbers of all headings in the protocol document.
fn sections() -> Result<BTreeSet<String>> {
    let path = step::root().join("docs/protocol/PROTOCOL.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let number =
        |line: &str| Some(line.trim_start_matches('#').split_whitespace().next()?.trim_end_matches('.').to_owned());
    Ok(text.lines().filter(|line| line.starts_with('#')).filter_map(number).collect())
}

/// Every Rust source below `folder`, build output left out.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(sources(&path)?);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_outside_of_sys_is_found() {
        let mut complaints = Vec::new();
        unsafe_place("crates/x/src/lib.rs", "let x = unsafe { y() };", &mut complaints);
        unsafe_place("crates/x/src/sys/fd.rs", "let x = unsafe { y() };", &mut complaints);
        assert_eq!(complaints.len(), 1);
    }

    #[test]
    fn a_reference_to_a_missing_section_is_found() {
        let mut complaints = Vec::new();
        let sections = BTreeSet::from(["1.2".to_owned()]);
        references("a.rs", "/// Source: protocol §1.2, and\n/// protocol §99.", &sections, &mut complaints);
        assert_eq!(complaints, ["a.rs:2: the protocol has no section 99"]);
    }

    #[test]
    fn the_protocol_document_has_its_sections() {
        let sections = sections().unwrap();
        assert!(sections.contains("1.11") && sections.contains("3.1"), "{sections:?}");
    }
}
