//! Status codes: what octet 2 of every response says.

use core::fmt;

/// The outcome of a request, one octet. Every octet is a status; those without a name print as numbers.
///
/// ```
/// use raida_wire::Status;
///
/// assert_eq!(Status::SUCCESS.to_string(), "250 SUCCESS");
/// assert_eq!(Status(251).to_string(), "251");
/// ```
///
/// Source: protocol §4
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u8);

/// Whether the same octets are worth sending again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The code is an outcome, not a failure.
    Pointless,
    /// The same octets will fail again.
    Never,
    /// The trouble may be over already.
    Soon,
    /// Wait first.
    Later,
}

/// One line of the table of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub status: Status,
    /// Its name, in capitals.
    pub name: &'static str,
    /// What it tells the client.
    pub meaning: &'static str,
    /// Whether to try again.
    pub retry: Retry,
    /// Whether the core node ever sends it. The others are listed so that clients and logs can name them.
    pub is_sent: bool,
}

impl Status {
    /// The name, or `UNLISTED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().map_or("UNLISTED", |entry| entry.name)
    }

    /// What it tells the client.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.entry().map_or("not a code of this protocol", |entry| entry.meaning)
    }

    /// Whether to try again. An unlisted code is not worth it.
    #[must_use]
    pub fn retry(self) -> Retry {
        self.entry().map_or(Retry::Never, |entry| entry.retry)
    }

    /// The line of the table, if the code is listed.
    #[must_use]
    pub fn entry(self) -> Option<&'static Entry> {
        let place = TABLE.binary_search_by_key(&self, |entry| entry.status).ok()?;
        TABLE.get(place)
    }

    /// The whole table, in ascending order.
    #[must_use]
    pub const fn all() -> &'static [Entry] {
        TABLE
    }

    /// Whether the command ran and this is its result: 0, 208 to 211, 241 to 243, 250.
    ///
    /// Such a status stands behind a verified challenge, so the response must carry a valid signature.
    #[must_use]
    pub const fn is_result(self) -> bool {
        matches!(self.0, 0 | 208..=211 | 241..=243 | 250)
    }

    /// Whether it was decided before the encryption type counted (255 and 2 to 7). The header is then the short one,
    /// whatever the request's type.
    ///
    /// Source: protocol §1.8
    #[must_use]
    pub const fn is_early(self) -> bool {
        matches!(self.0, 2..=7 | 255)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            Some(entry) => write!(f, "{} {}", self.0, entry.name),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}

/// One table makes both the named constants and the entries.
macro_rules! statuses {
    ($($code:literal $name:ident $retry:ident $sent:ident $meaning:literal)+) => {
        impl Status {
            $(
                #[doc = concat!("Code ", $code, ": ", $meaning, ".")]
                pub const $name: Self = Self($code);
            )+
        }

        const TABLE: &[Entry] = &[$(Entry {
            status: Status($code),
            name: stringify!($name),
            meaning: $meaning,
            retry: Retry::$retry,
            is_sent: sent!($sent),
        }),+];
    };
}

macro_rules! sent {
    (sent) => {
        true
    };
    (named) => {
        false
    };
}

statuses! {
    0 NO_ERROR Pointless named "internal \"fine\", on the wire only from 4/44"
    1 INVALID_CLOUD_ID Never named "never sent, a wrong version is 255"
    2 INVALID_SPLIT_ID Never sent "header octet 1 is not 0"
    3 INVALID_RAIDA_ID Never sent "addressed to another node"
    4 INVALID_SHARD_ID Never sent "header octet 3 is above 3"
    5 INVALID_COMMAND_GROUP Never sent "the command group is above 15"
    6 INVALID_COMMAND Never sent "the command is not in the registry"
    7 INVALID_COIN_ID Never sent "addressed to another coin network"
    15 INVALID_UDP_FRAME_COUNT Never sent "the response is too large for UDP, use TCP"
    16 INVALID_PACKET_LENGTH Never sent "body or payload has an impossible size"
    17 UDP_FRAME_TIMEOUT Soon named "unused"
    18 WRONG_RAIDA Never sent "a RAIDA id inside the payload is out of range"
    20 SHARD_NOT_AVAILABLE Soon named "unused"
    25 ENCRYPTION_COIN_NOT_FOUND Never sent "a key coin of type 4 or 5 is unknown"
    27 INVALID_ENCRYPTION_CODE Never sent "the encryption type is not supported"
    33 INVALID_EOF Never sent "the trailer is missing"
    34 INVALID_ENCRYPTION Never sent "the key coin of type 1 or the locker of type 2 is unknown"
    36 EMPTY_REQUEST Never sent "the command needs a body"
    37 INVALID_CRC Never sent "the challenge does not check, usually a wrong key"
    38 ADMIN_AUTH Never sent "the admin key is wrong, or the caller is not entitled"
    39 COINS_NOT_DIV Never sent "the payload is not a whole number of records"
    40 INVALID_SN_OR_DENOMINATION Never sent "a coin is out of range, or listed twice"
    41 PAGE_IS_NOT_RESERVED Later sent "a serial number is not reserved for this session"
    42 NO_TICKET_SLOT Later sent "all tickets are in use"
    43 NO_TICKET_FOUND Never sent "the ticket is unknown or expired"
    44 TICKET_CLAIMED_ALREADY Never sent "this RAIDA id has used the ticket"
    45 TOO_MANY_COINS Never named "unused, shard commands"
    46 INVALID_SHARD Never named "unused, shard commands"
    47 DELETE_COINS Never named "unused, shard commands"
    48 LEGACY_DB Soon sent "Detect on shard 1 or 2 without the legacy database"
    49 CROSSOVER_FULL Later named "crossover is full"
    50 INVALID_TRADE_COIN Never named "trade lockers: the coin is not valid"
    51 TRADE_LOCKER_NOT_FOUND Never named "trade lockers: there is no such locker"
    52 NO_PRIVATE_KEY Never named "trade lockers: the private key is missing"
    89 NOT_IMPLEMENTED Never sent "in the registry, but this node does not offer it"
    90 BAD_COINS Never named "unused, shard commands"
    148 TRADE_LOCKER_EXISTS Never named "trade lockers: the locker exists already"
    149 NO_TRADE_LOCKER Never named "trade lockers: this is no trade locker"
    150 WAITING Later named "work is in progress elsewhere"
    152 NO_BTC_IN_WALLET Never named "crossover: the wallet is empty"
    153 FEW_COINS_IN_LOCKER Never named "crossover: the locker holds too few coins"
    154 LOCKER_USED Never named "crossover: the locker has been used"
    160 REQUEST_RATE Later sent "too many Break calls, or the node is overloaded"
    177 TXN_PROCESSED Never named "crossover: the transaction has been processed"
    178 CRYPTO_CONNECT Soon named "crossover: the other chain is unreachable"
    179 LOCKER_EMPTY_OR_NOT_EXISTS Never named "crossover: the locker is empty or does not exist"
    180 PROXY_CONNECT Soon named "crossover: the proxy is unreachable"
    181 PRICE Soon named "crossover: there is no price"
    182 NO_COINS Never named "crossover: there are no coins"
    183 TX_SEEN Later named "the transaction was seen, work is in progress elsewhere"
    184 NXRECORD Never named "name lookup: no such record"
    185 NXDOMAIN Never named "name lookup: no such domain"
    186 UNKNOWN Soon named "crossover: unknown error"
    187 PROXY Soon named "crossover: the proxy failed"
    188 KEY_BUILD Soon named "crossover: the key could not be built"
    189 EXTERNAL_BACKEND Soon named "crossover: an external service failed"
    190 TX_EMPTY Never named "crossover: the transaction is empty"
    191 TX_NOT_EXIST Never named "crossover: the transaction does not exist"
    192 AMOUNT_MISMATCH Never named "crossover: the amount differs"
    193 NO_ENTRY Never named "crossover: there is no entry"
    194 FILESYSTEM Soon sent "storage error"
    195 INVALID_KEY_START Never named "key exchange: the start is not valid"
    196 INVALID_KEY_LENGTH Never named "key exchange: the length is not valid"
    197 COIN_LOAD Soon named "key exchange: the coin could not be loaded"
    198 INVALID_PARAMETER Never sent "a value is out of range"
    199 INVALID_PAN Never sent "a locker key lacks its FF suffix"
    201 FILE_EXISTS Never sent "storage: the file exists"
    202 FILE_NOT_EXIST Never sent "no such file, Merkle node or page"
    203 INVALID_TRANSACTION Never named "crossover: the transaction is not valid"
    204 INVALID_HMAC Never sent "types 4 and 5: the HMAC does not check"
    205 ASSEMBLE Soon named "crossover: the transaction could not be assembled"
    208 FIND_NEITHER Pointless sent "Find: neither AN nor PAN for every coin"
    209 FIND_ALL_AN Pointless sent "Find: the AN for every coin"
    210 FIND_ALL_PAN Pointless sent "Find: the PAN for every coin"
    211 FIND_MIXED Pointless sent "Find: the answer differs from coin to coin"
    241 ALL_PASS Pointless sent "every coin passed"
    242 ALL_FAIL Pointless sent "every coin failed"
    243 MIXED Pointless sent "some coins passed"
    250 SUCCESS Pointless sent "done"
    252 INTERNAL Soon sent "bug or corrupt state"
    253 NETWORK Soon sent "a peer is unreachable"
    254 MEMORY_ALLOC Later sent "out of resources"
    255 INVALID_ROUTING Never sent "header octet 0 is not 1"
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn table_ascends_without_a_double() {
        assert!(TABLE.windows(2).all(|pair| pair[0].status < pair[1].status));
    }

    #[test]
    fn every_listed_code_finds_its_own_line() {
        for entry in Status::all() {
            assert_eq!(entry.status.name(), entry.name);
            assert_eq!(entry.status.meaning(), entry.meaning);
            assert_eq!(entry.status.retry(), entry.retry);
        }
    }

    #[test]
    fn unlisted_code_prints_as_a_number() {
        for code in [8, 12, 19, 168, 200, 206, 207, 213, 245, 251] {
            assert_eq!(std::format!("{}", Status(code)), std::format!("{code}"));
            assert_eq!(Status(code).name(), "UNLISTED");
        }
    }
}
