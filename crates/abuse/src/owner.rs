//! An owner of coins, who knows what the node has acknowledged.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use raida_behaviour::Node;
use raida_client::wire::{AuthenticityNumber, CoinId};
use raida_client::{self as client, AdminKey, AskError, KeyCoin, Options, Renewal, Target, Transport, Trouble};

/// The session in which coins are issued without a reservation.
const ANYWHERE: u32 = 0xEEEE_EEEE;

/// Coins, with the numbers that were acknowledged last, and those of a change that nobody knows about.
#[derive(Debug)]
pub(crate) struct Owner {
    coins: Vec<KeyCoin>,
    open: Option<AuthenticityNumber>,
    pub(crate) acknowledged: u64,
}

/// How a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is on the disk.
    Made,
    /// The node said that it did not make it, with this status.
    Refused(u8),
    /// Nobody knows.
    Unknown,
}

impl Owner {
    /// Issues so many coins of denomination 0, from this serial number on.
    pub(crate) fn of(node: &Node, first: u32, count: u32) -> Result<Self> {
        let key = node.admin_key().try_into().ok().context("an admin key of 16 octets")?;
        let ids = (first..first + count).map(|number| CoinId::new(0, number).context("no such coin"));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        let numbers = client::create(&target(node.address())?, ANYWHERE, &AdminKey::new(key), &ids, &options())?.value;
        let coins = ids.into_iter().zip(numbers).map(|(coin, number)| KeyCoin { coin, number }).collect();
        Ok(Self { coins, open: None, acknowledged: 0 })
    }

    /// Changes all numbers to a new one.
    pub(crate) fn pown(&mut self, node: SocketAddr) -> Result<Change> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)?;
        octets[15] = 1;
        let proposed = AuthenticityNumber::new(octets);
        let renewal =
            |owned: &KeyCoin| Renewal { coin: owned.coin, number: owned.number.clone(), proposed: proposed.clone() };
        let renewals: Vec<_> = self.coins.iter().map(renewal).collect();
        match client::pown(&target(node)?, &renewals, &options()) {
            Ok(answer) if answer.value.iter().all(|passed| *passed) => {
                self.take(&proposed);
                self.acknowledged += 1;
                Ok(Change::Made)
            }
            Ok(_) => Ok(Change::Refused(242)),
            Err(error) => Ok(self.failed(&error, proposed)),
        }
    }

    fn failed(&mut self, error: &AskError, proposed: AuthenticityNumber) -> Change {
        if let Trouble::Refused(status) = error.trouble() {
            return Change::Refused(status.0);
        }
        self.open = Some(proposed);
        Change::Unknown
    }

    /// Whether the node has what it acknowledged. A change that nobody knows about is settled first: made or not made,
    /// and for all coins alike.
    pub(crate) fn is_kept(&mut self, node: SocketAddr) -> Result<bool> {
        if let Some(open) = self.open.take() {
            let now =
                self.coins.iter().map(|owned| KeyCoin { coin: owned.coin, number: open.clone() }).collect::<Vec<_>>();
            if detect(node, &now)?.iter().all(|is| *is) {
                self.take(&open);
            }
        }
        Ok(detect(node, &self.coins)?.iter().all(|is| *is))
    }

    /// Puts all coins into the locker with this key.
    pub(crate) fn store(&mut self, node: SocketAddr, key: &AuthenticityNumber) -> Result<()> {
        let is_done = client::store(&target(node)?, &self.coins, key, &options())?.value;
        ensure!(is_done, "the locker was not filled");
        self.take(key);
        Ok(())
    }

    /// What proves that the first coin is the owner's, as requests carry it: the coin and its number.
    pub(crate) fn proof(&self) -> Vec<u8> {
        self.coins.iter().take(1).flat_map(|owned| [&owned.coin.raw().0[..], owned.number.octets()].concat()).collect()
    }

    fn take(&mut self, number: &AuthenticityNumber) {
        self.coins.iter_mut().for_each(|owned| owned.number = number.clone());
    }
}

fn detect(node: SocketAddr, coins: &[KeyCoin]) -> Result<Vec<bool>> {
    Ok(client::detect(&target(node)?, coins, &options())?.value)
}

fn target(node: SocketAddr) -> Result<Target> {
    Ok(Target { raida_id: 0, ..Target::new(node.to_string().parse()?) })
}

fn options() -> Options {
    Options { transport: Transport::Tcp, ..Options::default() }
}
