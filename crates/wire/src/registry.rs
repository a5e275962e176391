//! The registry: every command the protocol knows.
//!
//! A command outside it is refused with 6; one inside it that a node does not offer is answered with 89.
//!
//! Source: protocol §5.1

use crate::command::Command;
use crate::header::GROUP_MAX;

/// What the registry says about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Group and number.
    pub command: Command,
    /// The name, as people say it.
    pub name: &'static str,
    /// Whether every node has it.
    pub class: Class,
    /// What it is for, in one line.
    pub summary: &'static str,
}

/// Whether every node has a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Every node must implement it.
    Core,
    /// Known, and answered with 89 unless implemented.
    Optional,
}

/// The entry of a command. `None` means status 6.
///
/// ```
/// use raida_wire::{Command, registry};
///
/// assert_eq!(registry::lookup(Command::DETECT).map(|entry| entry.name), Some("Detect"));
/// assert!(registry::lookup(Command::new(2, 41)).is_none());
/// ```
#[must_use]
pub fn lookup(command: Command) -> Option<&'static Entry> {
    let place = ENTRIES.binary_search_by_key(&command, |entry| entry.command).ok()?;
    ENTRIES.get(place)
}

/// Whether there is an entry for a command. Asked of every request, so it takes one look at one word.
#[must_use]
pub fn knows(command: Command) -> bool {
    let words = KNOWN.get(usize::from(command.group));
    let word = words.and_then(|words| words.get(usize::from(command.code / 64)));
    word.is_some_and(|word| word & bit(command) != 0)
}

/// Every entry, in ascending order of group and number.
#[must_use]
pub const fn all() -> &'static [Entry] {
    ENTRIES
}

/// One table makes both the named constants and the entries.
macro_rules! commands {
    ($($group:literal $code:literal $class:ident $constant:ident $name:literal $summary:literal)+) => {
        impl Command {
            $(
                #[doc = concat!($group, "/", $code, " ", $name, ": ", $summary, ".")]
                pub const $constant: Self = Self::new($group, $code);
            )+
        }

        const ENTRIES: &[Entry] = &[$(Entry {
            command: Command::$constant,
            name: $name,
            class: Class::$class,
            summary: $summary,
        }),+];
    };
}

commands! {
    0 0 Core ECHO "Echo" "reachability and key test"
    0 1 Core VERSION "Version" "eight ASCII characters"
    0 2 Core SHOW_STATS "Show Stats" "counters, for the admin key"
    0 3 Core AUDIT "Audit" "issued coins per denomination"
    1 10 Core DETECT "Detect" "compare authenticity numbers"
    1 11 Core DETECT_SUM "Detect Sum" "compare the XOR of authenticity numbers"
    1 20 Core POWN "Pown" "replace authenticity numbers"
    1 21 Core POWN_SUM "Pown Sum" "shift authenticity numbers by a delta"
    2 40 Core GET_TICKET "Get Ticket" "proof of authentic coins"
    2 50 Core VALIDATE_TICKET "Validate Ticket" "a peer redeems a ticket"
    2 60 Core FIND "Find" "is it the AN or the PAN"
    2 80 Core FIX "Fix" "repair coins with tickets"
    3 120 Core GET_AVAILABLE_SNS "Get Available SNs" "free serial numbers, reserves pages"
    3 130 Core CREATE_COINS "Create Coins" "issue"
    3 140 Core DELETE_COINS "Delete Coins" "withdraw with proof"
    3 150 Core FREE_COINS "Free Coins" "withdraw without proof"
    3 160 Core GET_ALL_SNS "Get All SNs" "bitmap of issued numbers"
    4 41 Optional POST_KEY "Post Key" "store a key message"
    4 42 Optional KEY_ALERT "Key Alert" "answers 250, does nothing"
    4 43 Optional GET_KEY "Get Key" "read a stored key message"
    4 44 Optional ENCRYPT_KEY "Encrypt Key" "wrap eight key octets for another coin"
    4 45 Optional DECRYPT_RAIDA_KEY "Decrypt RAIDA Key" "rebuild a key from peers' wrapped parts"
    8 81 Optional PEEK_TRADE_LOCKER "Peek Trade Locker" "contents of a trade locker"
    8 82 Core STORE "Store" "move coins into a locker"
    8 83 Core PEEK "Peek" "list a locker"
    8 84 Core REMOVE "Remove" "take coins out of a locker"
    8 85 Optional PUT_FOR_SALE "Put For Sale" "trade locker with price and address"
    8 86 Optional LIST_LOCKERS_FOR_SALE "List Lockers For Sale" "13-octet records"
    8 87 Optional BUY "Buy" "pay and take over a trade locker"
    8 88 Optional STORE_MULTIPLE "Store Multiple" "several lockers at once"
    8 89 Optional REMOVE_TRADE_LOCKER "Remove Trade Locker" "cancel an offer"
    9 91 Core GET_AVAILABLE_CHANGE_SNS "Get Available Change SNs" "free numbers one denomination down or up"
    9 92 Core BREAK "Break" "one coin into ten"
    9 93 Core JOIN "Join" "ten coins into one"
    10 170 Optional SWITCH_SHARD "Switch Shard" "move coins between generations"
    10 171 Optional PICK_UP_COINS "Pick Up Coins" "take over coins of another generation"
    10 172 Optional LIST_SHARD_COINS "List Shard Coins" "coins between generations"
    10 173 Optional ROLLBACK_SWITCH "Rollback Switch" "undo a move, 89 in the C server too"
    10 174 Optional SWITCH_SHARD_WITH_SNS "Switch Shard With SNs" "move numbered coins between generations"
    11 110 Optional RESERVE_LOCKER "Reserve Locker" "deposit from another chain"
    11 111 Optional CHECK_DEPOSITORY "Check Depository" "has the deposit arrived"
    11 112 Optional WITHDRAW "Withdraw" "pay out to another chain"
    11 114 Optional EXCHANGE_RATE "Exchange Rate" "eight-octet rate"
    12 120 Optional NSLOOKUP "Nslookup" "zone file lookup"
    13 134 Optional PUT_OBJECT "Put Object" "admin file store: write"
    13 135 Optional GET_OBJECT "Get Object" "admin file store: read"
    13 136 Optional REMOVE_OBJECT "Remove Object" "admin file store: delete"
    14 2 Core GET_MERKLE_BRANCH "Get Merkle Branch" "one tree node"
    14 4 Core GET_PAGE_DATA "Get Page Data" "one raw page, for peers only"
    14 5 Core GET_ALL_ROOTS "Get All Roots" "fifteen roots"
}

/// One bit for each command of each group.
static KNOWN: [[u64; 4]; GROUPS] = known();

const GROUPS: usize = GROUP_MAX as usize + 1;

#[expect(clippy::indexing_slicing, reason = "computed by the compiler, which checks")]
const fn known() -> [[u64; 4]; GROUPS] {
    let mut known = [[0; 4]; GROUPS];
    let mut place = 0;
    while place < ENTRIES.len() {
        let command = ENTRIES[place].command;
        known[command.group as usize][command.code as usize / 64] |= bit(command);
        place += 1;
    }
    known
}

const fn bit(command: Command) -> u64 {
    1 << (command.code % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_ascend_and_find_themselves() {
        assert!(ENTRIES.windows(2).all(|pair| pair[0].command < pair[1].command));
        assert!(ENTRIES.iter().all(|entry| lookup(entry.command) == Some(entry)));
    }

    #[test]
    fn only_listed_pairs_are_known() {
        let pairs = || (0..=u8::MAX).flat_map(|group| (0..=u8::MAX).map(move |code| Command::new(group, code)));
        assert_eq!(pairs().filter(|&command| lookup(command).is_some()).count(), ENTRIES.len());
        assert!(pairs().all(|command| knows(command) == lookup(command).is_some()));
        assert_eq!(ENTRIES.iter().filter(|entry| entry.class == Class::Core).count(), 26);
    }
}
