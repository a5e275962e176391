//! Payloads of requests, cut into fields and records. Every cut checks that the octets are there.

use crate::coin::RawCoinId;
use crate::octets::field;
use crate::secret::AuthenticityNumber;
use crate::status::Status;

/// What is left of a payload.
///
/// Cutting never fails half-way: an error means that the payload is shorter or longer than its command wants, and names
/// the status for that.
///
/// ```
/// use raida_wire::Status;
/// use raida_wire::payload::Payload;
///
/// let mut payload = Payload::new(&[0, 0, 0, 9, 1, 2, 3]);
/// assert_eq!(payload.u32(), Ok(9));
/// assert_eq!(payload.u32(), Err(Status::INVALID_PACKET_LENGTH));
/// assert_eq!(payload.records::<2>(), Err(Status::COINS_NOT_DIV));
/// ```
///
/// Source: protocol §5.2
#[derive(Clone, Copy, Debug)]
pub struct Payload<'p>(&'p [u8]);

impl<'p> Payload<'p> {
    /// The whole payload.
    #[must_use]
    pub const fn new(octets: &'p [u8]) -> Self {
        Self(octets)
    }

    /// Cuts `N` octets off the front.
    ///
    /// # Errors
    ///
    /// 16 where there are fewer.
    pub fn take<const N: usize>(&mut self) -> Result<&'p [u8; N], Status> {
        let (front, rest) = self.0.split_first_chunk().ok_or(Status::INVALID_PACKET_LENGTH)?;
        self.0 = rest;
        Ok(front)
    }

    /// Cuts `N` octets off the end.
    ///
    /// # Errors
    ///
    /// 16 where there are fewer.
    pub fn take_last<const N: usize>(&mut self) -> Result<&'p [u8; N], Status> {
        let (rest, end) = self.0.split_last_chunk().ok_or(Status::INVALID_PACKET_LENGTH)?;
        self.0 = rest;
        Ok(end)
    }

    /// Cuts a big-endian number off the front.
    ///
    /// # Errors
    ///
    /// 16 where there are fewer than four octets.
    pub fn u32(&mut self) -> Result<u32, Status> {
        self.take().map(|octets| u32::from_be_bytes(*octets))
    }

    /// Cuts the name of a coin off the front.
    ///
    /// # Errors
    ///
    /// 16 where there are fewer than five octets.
    pub fn coin(&mut self) -> Result<RawCoinId, Status> {
        self.take().map(|octets| RawCoinId(*octets))
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    ///
    /// 16 where something is.
    pub const fn end(self) -> Result<(), Status> {
        if self.0.is_empty() { Ok(()) } else { Err(Status::INVALID_PACKET_LENGTH) }
    }

    /// Takes the rest as a list of records of `N` octets that holds at least one. Whether it divides is for
    /// [`List::records`] to say: some commands check other things first.
    ///
    /// # Errors
    ///
    /// 16 where there is not even one.
    pub const fn list<const N: usize>(self) -> Result<List<'p, N>, Status> {
        if self.0.len() < N { Err(Status::INVALID_PACKET_LENGTH) } else { Ok(List(self.0)) }
    }

    /// Takes the rest as records of `N` octets, at least one.
    ///
    /// # Errors
    ///
    /// 16 where there is not even one, 39 where something is left over.
    pub fn records<const N: usize>(self) -> Result<&'p [[u8; N]], Status> {
        self.list()?.records()
    }
}

/// Octets that hold at least one record of `N`.
#[derive(Clone, Copy, Debug)]
pub struct List<'p, const N: usize>(&'p [u8]);

impl<'p, const N: usize> List<'p, N> {
    /// The records.
    ///
    /// # Errors
    ///
    /// 39 where something is left over.
    pub const fn records(self) -> Result<&'p [[u8; N]], Status> {
        match self.0.as_chunks() {
            (records, []) => Ok(records),
            _ => Err(Status::COINS_NOT_DIV),
        }
    }
}

/// A coin and what somebody says its number is: the record of Detect, Get Ticket, Delete Coins and Remove.
///
/// Source: protocol §5.3
#[derive(Clone, Debug)]
pub struct Claim {
    /// The coin, unjudged.
    pub coin: RawCoinId,
    /// The number that was given.
    pub an: AuthenticityNumber,
}

impl Claim {
    /// The size of a claim, in octets.
    pub const LEN: usize = 21;

    /// Reads one record.
    #[must_use]
    pub fn read(record: &[u8; Self::LEN]) -> Self {
        Self { coin: RawCoinId(field::<0, _, _>(record)), an: field::<5, _, _>(record).into() }
    }
}

/// A coin, what somebody says its number is, and another number: the record of Pown and Find.
///
/// Source: protocol §5.3, §5.4
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The coin and its number.
    pub claim: Claim,
    /// The other number.
    pub pan: AuthenticityNumber,
}

impl Exchange {
    /// The size of an exchange, in octets.
    pub const LEN: usize = 37;

    /// Reads one record.
    #[must_use]
    pub fn read(record: &[u8; Self::LEN]) -> Self {
        let claim = Claim::read(&field::<0, _, _>(record));
        Self { claim, pan: field::<21, _, _>(record).into() }
    }
}

/// Coins and the XOR of their numbers: all of Detect Sum, the front of Pown Sum and of Store.
///
/// Source: protocol §5.3, §5.6
#[derive(Clone, Copy)]
pub struct Sum<'p> {
    /// The coins, unjudged: each is what [`RawCoinId`] holds.
    pub coins: &'p [[u8; 5]],
    /// The XOR that was given.
    pub sum: &'p [u8; 16],
}

impl<'p> Sum<'p> {
    /// Takes all that is left.
    ///
    /// # Errors
    ///
    /// 16 where there are fewer than 21 octets, 39 where the coins do not divide.
    pub fn read(mut payload: Payload<'p>) -> Result<Self, Status> {
        let sum = payload.take_last()?;
        Ok(Self { coins: payload.records()?, sum })
    }
}

/// What Fix carries.
///
/// Source: protocol §5.4
#[derive(Clone, Copy)]
pub struct Fix<'p> {
    /// The coins, unjudged: each is what [`RawCoinId`] holds.
    pub coins: &'p [[u8; 5]],
    /// What the new numbers are made from.
    pub pg: &'p [u8; 16],
    /// One ticket per node of the network, in the order of their ids; 0 where there is none.
    pub tickets: [u32; Fix::NODES],
}

impl<'p> Fix<'p> {
    /// How many nodes the network has.
    pub const NODES: usize = 25;

    /// Takes all that is left.
    ///
    /// # Errors
    ///
    /// 16 where there are fewer than 121 octets, 39 where the coins do not divide.
    pub fn read(mut payload: Payload<'p>) -> Result<Self, Status> {
        let octets = payload.take_last::<{ 4 * Fix::NODES }>()?;
        let pg = payload.take_last()?;
        let mut tickets = [0; Fix::NODES];
        for (ticket, octets) in tickets.iter_mut().zip(octets.as_chunks().0) {
            *ticket = u32::from_be_bytes(*octets);
        }
        Ok(Self { coins: payload.records()?, pg, tickets })
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    const SHORT: Status = Status::INVALID_PACKET_LENGTH;

    #[test]
    fn every_length_of_a_list_is_judged() {
        let octets = [7; 130];
        for len in 0..=130 {
            let payload = Payload::new(&octets[..len]);
            let expected = match len {
                0..5 => Err(SHORT),
                _ if len % 5 == 0 => Ok(len / 5),
                _ => Err(Status::COINS_NOT_DIV),
            };
            assert_eq!(payload.records::<5>().map(<[_]>::len), expected);
            let behind = |tail: usize| match len.checked_sub(tail) {
                None | Some(0..5) => Err(SHORT),
                Some(rest) if rest % 5 == 0 => Ok(rest / 5),
                Some(_) => Err(Status::COINS_NOT_DIV),
            };
            assert_eq!(Sum::read(payload).map(|sum| sum.coins.len()), behind(16));
            assert_eq!(Fix::read(payload).map(|fix| fix.coins.len()), behind(116));
        }
    }

    #[test]
    fn fields_come_out_where_they_went_in() {
        let octets: [u8; 42] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        let exchange = Exchange::read(octets.first_chunk().unwrap());
        assert_eq!(exchange.claim.coin, RawCoinId([0, 1, 2, 3, 4]));
        assert_eq!((exchange.claim.an.octets()[0], exchange.claim.an.octets()[15]), (5, 20));
        assert_eq!((exchange.pan.octets()[0], exchange.pan.octets()[15]), (21, 36));
        let claim = Claim::read(octets.first_chunk().unwrap());
        assert_eq!((claim.coin, claim.an), (exchange.claim.coin, exchange.claim.an));
        let mut payload = Payload::new(&octets);
        assert_eq!(payload.u32(), Ok(0x0001_0203));
        assert_eq!(payload.take_last::<1>(), Ok(&[41]));
        assert_eq!(payload.coin(), Ok(RawCoinId([4, 5, 6, 7, 8])));
        assert_eq!(payload.end(), Err(SHORT));
        assert!(payload.take::<32>().is_ok() && payload.end().is_ok());
        assert_eq!(payload.take::<1>(), Err(SHORT));
    }

    #[test]
    fn tickets_stand_in_the_order_of_the_nodes() {
        let mut octets = [0; 121];
        octets[21..].as_chunks_mut::<4>().0[24] = [0, 0, 1, 2];
        let fix = Fix::read(Payload::new(&octets)).ok().unwrap();
        assert_eq!((fix.tickets[24], fix.tickets[..24].iter().sum::<u32>()), (258, 0));
    }
}
