//! Which names there are, and which one was probably meant.

use crate::key::Key;
use crate::tables::Config;

/// A name that the C server's configuration has and this node has no use for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign {
    pub(crate) table: &'static str,
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
}

const NO_PROXY: &str = "this node talks to no swap proxy";

/// Accepted with a notice, so that a file written for the C server loads as it is.
pub(crate) const FOREIGN: &[Foreign] = &[
    Foreign { table: "server", name: "backup_freq", reason: "every change is on disk before it is answered" },
    Foreign { table: "server", name: "proxy_key", reason: NO_PROXY },
    Foreign { table: "server", name: "proxy_addr", reason: NO_PROXY },
    Foreign { table: "server", name: "proxy_port", reason: NO_PROXY },
    Foreign { table: "server", name: "btc_confirmations", reason: NO_PROXY },
];

/// Every key there is, in order.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    Config::TABLES.iter().flat_map(|table| table.keys)
}

/// The key of this name.
pub(crate) fn key(table: &str, name: &str) -> Option<&'static Key> {
    keys().find(|key| key.table == table && key.name == name)
}

/// The key of this name that only the C server uses.
pub(crate) fn foreign(table: &str, name: &str) -> Option<&'static Foreign> {
    FOREIGN.iter().find(|foreign| foreign.table == table && foreign.name == name)
}

/// Whether there is a table of this name.
pub(crate) fn is_table(name: &str) -> bool {
    Config::TABLES.iter().any(|table| table.name == name)
}

/// The key that was probably meant by a name in a table, or at the top of the file where `table` is `None`.
///
/// A name that fits a key of another table is taken for that key: settings are moved more often than misspelt.
pub(crate) fn nearest_key(table: Option<&str>, name: &str) -> Option<&'static Key> {
    let distance = |key: &&Key| 2 * apart(name, key.name) + usize::from(table != Some(key.table));
    keys().filter(|key| is_near(name, key.name)).min_by_key(distance)
}

/// The table that was probably meant.
pub(crate) fn nearest_table(name: &str) -> Option<&'static str> {
    let tables = Config::TABLES.iter().map(|table| table.name);
    tables.filter(|table| is_near(name, table)).min_by_key(|table| apart(name, table))
}

/// Slips of the finger between two names: letters missing, added, changed or swapped.
fn apart(written: &str, meant: &str) -> usize {
    strsim::damerau_levenshtein(&written.to_lowercase(), meant)
}

/// Near enough to be worth a guess. Names far longer than any key are not even compared.
fn is_near(written: &str, meant: &str) -> bool {
    const LONGEST: usize = 64;
    written.len() <= LONGEST && apart(written, meant) <= (meant.len() / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(table: Option<&str>, name: &str) -> Option<String> {
        nearest_key(table, name).map(Key::path)
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_key_that_was_meant() {
        assert_eq!(guess(Some("server"), "prot").as_deref(), Some("server.port"));
        assert_eq!(guess(Some("network"), "backlogg").as_deref(), Some("network.backlog"));
        assert_eq!(guess(Some("limits"), "conections_max").as_deref(), Some("limits.connections_max"));
    }

    #[test]
    fn a_key_in_the_wrong_table_is_found_in_its_own() {
        assert_eq!(guess(Some("server"), "listen").as_deref(), Some("network.listen"));
        assert_eq!(guess(None, "raida_id").as_deref(), Some("server.raida_id"));
    }

    #[test]
    fn nothing_is_guessed_where_nothing_is_near() {
        assert_eq!(guess(Some("server"), "colour"), None);
        assert_eq!(nearest_table("colours"), None);
        assert_eq!(nearest_table("sever"), Some("server"));
    }

    #[test]
    fn no_key_appears_twice_or_is_foreign() {
        let mut seen = std::collections::BTreeSet::new();
        for key in keys() {
            assert!(seen.insert(key.path()), "{} twice", key.path());
            assert!(foreign(key.table, key.name).is_none(), "{} is foreign, too", key.path());
        }
    }
}
