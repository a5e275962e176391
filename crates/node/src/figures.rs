//! What a node has done and what it keeps, as plain numbers with their meaning.

/// Declares every figure once. One that goes down too says "now" at the end of its text: exporters go by that.
macro_rules! figures {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// What a node has done and what it keeps at one moment, but for the answers of its commands.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Figures {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl Figures {
            /// Every figure with its name and what it counts, for those who show them all.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc,)*), self.$name),)*].into_iter()
            }
        }
    };
}

figures! {
    /// Coins powned or stored into lockers.
    coins_powned,
    /// Their value, in units of 10^-8 coin.
    value_powned,
    /// Tickets issued.
    tickets_issued,
    /// Claims of other nodes on tickets that were granted.
    tickets_redeemed,
    /// Tickets that can be redeemed now.
    tickets_live,
    /// Fix requests that asked other nodes.
    fixes,
    /// Nodes that redeemed their ticket for a Fix.
    fix_ballots,
    /// Nodes that did not: no answer, or a refusal.
    fix_ballots_missing,
    /// Fix requests that wait for other nodes or for the disk now.
    fixes_running,
    /// Serial numbers kept for change now.
    reserved_numbers,
    /// Pages kept for whoever issues coins now.
    reserved_pages,
    /// Addresses whose Break requests are remembered now.
    break_addresses,
    /// Datagrams that came again and got the former answer.
    resends,
    /// Datagrams that came again while the first one ran.
    resends_awaited,
    /// Answers that made room for newer ones before their ten seconds were over.
    resends_evicted,
    /// Answers kept for datagrams that come again now.
    resends_kept,
    /// Requests that came again with their nonce and got the former answer.
    nonces_repeated,
    /// Requests that came again with their nonce while the first one ran.
    nonces_awaited,
    /// Requests refused because their nonce had been used for another one.
    nonces_refused,
    /// Nonces that made room for newer ones before their ten minutes were over.
    nonces_evicted,
    /// Nonces remembered now.
    nonces_kept,
    /// Integrity rounds that have come to their end.
    integrity_rounds,
    /// Pages that integrity rounds have replaced.
    integrity_pages_healed,
    /// Pages that differed in the last integrity round and were not replaced, as far as known now.
    integrity_pages_differing,
    /// Peers that did not answer in the last integrity round, as far as known now.
    integrity_peers_silent,
    /// When the last integrity round ended, in seconds since 1970; 0 where none has ended until now.
    integrity_last_round_seconds,
}
