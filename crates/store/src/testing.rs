//! A disk in memory that loses power and breaks on demand. Behind the feature `testing`.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// The size of what a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A disk. All clones are the same disk.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use raida_store::testing::Disk;
/// use raida_store::{Options, Store};
///
/// let disk = Disk::new();
/// drop(Store::open_on(disk.plug_in(), &Options::new([7; 32]))?);
/// disk.lose_power(42);
/// Store::open_on(disk.plug_in(), &Options::new([7; 32]))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// What reads see.
    now: Vec<u8>,
    /// What survives for certain.
    synced: Vec<u8>,
    /// What was done since, in order.
    since: Vec<Act>,
    /// How many writes and syncs still succeed.
    good_for: Option<u64>,
    refuses_reads: bool,
    syncs: u64,
    written: u64,
    /// Which plug is in; older ones read and write nothing.
    plug: u64,
}

#[derive(Debug)]
enum Act {
    Write { at: usize, octets: Vec<u8> },
    Resize(usize),
}

impl Disk {
    /// A blank disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The medium to open a store on. What was plugged in before is cut off.
    #[must_use]
    pub fn plug_in(&self) -> impl StorageBackend {
        let mut platter = self.platter();
        platter.plug += 1;
        Plug { disk: self.clone(), number: platter.plug }
    }

    /// Another disk that holds what this one is certain to hold.
    #[must_use]
    pub fn copy(&self) -> Self {
        let synced = self.platter().synced.clone();
        Self(Arc::new(Mutex::new(Platter { now: synced.clone(), synced, ..Platter::default() })))
    }

    /// Power fails. Of what was written since the last sync some sectors are on the disk and others are not, in no order;
    /// `seed` says which. What is plugged in is cut off, and the disk works again.
    pub fn lose_power(&self, seed: u64) {
        let mut platter = self.platter();
        let mut dice = Dice::new(seed);
        let mut survived = std::mem::take(&mut platter.synced);
        for act in std::mem::take(&mut platter.since) {
            match act {
                Act::Resize(len) if dice.toss() => survived.resize(len, 0),
                Act::Resize(_) => {}
                Act::Write { at, octets } => tear(&mut survived, at, &octets, &mut dice),
            }
        }
        (platter.synced, platter.now) = (survived.clone(), survived);
        (platter.good_for, platter.plug) = (None, platter.plug + 1);
    }

    /// Lets so many more writes and syncs succeed; all after them fail, until power is lost or the disk
    /// [works again](Self::work_again). As systems do, a sync that fails forgets what it should have put on disk: only
    /// what is written again is still on its way.
    pub fn fail_after(&self, acts: u64) {
        self.platter().good_for = Some(acts);
    }

    /// Writes and syncs succeed again.
    pub fn work_again(&self) {
        self.platter().good_for = None;
    }

    /// Whether reads fail.
    pub fn refuse_reads(&self, refuse: bool) {
        self.platter().refuses_reads = refuse;
    }

    /// How often it was synced.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.platter().syncs
    }

    /// How many bytes were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.platter().written
    }

    /// Changes one byte behind everybody's back: adds `by` to it. Does nothing behind the end.
    pub fn spoil(&self, at: usize, by: u8) {
        let mut platter = self.platter();
        let Platter { now, synced, .. } = &mut *platter;
        for octet in [now.get_mut(at), synced.get_mut(at)].into_iter().flatten() {
            *octet = octet.wrapping_add(by);
        }
    }

    /// Its size.
    #[must_use]
    pub fn len(&self) -> usize {
        self.platter().now.len()
    }

    /// Whether nothing was ever written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes sector by sector, each or not; what lies behind the end is lost.
fn tear(survived: &mut [u8], at: usize, octets: &[u8], dice: &mut Dice) {
    let mut place = at;
    let mut rest = octets;
    while !rest.is_empty() {
        let (sector, behind) = rest.split_at(rest.len().min(SECTOR - place % SECTOR));
        if let Some(target) = survived.get_mut(place..place + sector.len())
            && dice.toss()
        {
            target.copy_from_slice(sector);
        }
        (place, rest) = (place + sector.len(), behind);
    }
}

#[derive(Debug)]
struct Plug {
    disk: Disk,
    number: u64,
}

impl Plug {
    fn platter(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let platter = self.disk.platter();
        if platter.plug == self.number { Ok(platter) } else { Err(io::Error::other("disk was unplugged")) }
    }

    /// As [`platter`](Self::platter), for an act that may fail.
    fn act(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let mut platter = self.platter()?;
        match &mut platter.good_for {
            Some(0) => return Err(io::Error::other("disk is broken")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(platter)
    }
}

impl StorageBackend for Plug {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter()?.now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter()?;
        if platter.refuses_reads {
            return Err(io::Error::other("disk is broken"));
        }
        let at = place(offset)?;
        let found = at.checked_add(out.len()).and_then(|end| platter.now.get(at..end));
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut platter = self.act()?;
        platter.now.resize(place(len)?, 0);
        platter.since.push(Act::Resize(place(len)?));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = match self.act() {
            Ok(platter) => platter,
            Err(error) => {
                self.platter()?.since.retain(|act| matches!(act, Act::Resize(_)));
                return Err(error);
            }
        };
        let Platter { now, synced, since, syncs, .. } = &mut *platter;
        for act in since.drain(..) {
            match act {
                Act::Resize(len) => synced.resize(len, 0),
                Act::Write { at, octets } => write(synced, at, &octets),
            }
        }
        *syncs += 1;
        debug_assert_eq!(now.len(), synced.len());
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.act()?;
        let at = place(offset)?;
        write(&mut platter.now, at, data);
        platter.written += data.len() as u64;
        platter.since.push(Act::Write { at, octets: data.to_vec() });
        Ok(())
    }
}

fn write(platter: &mut Vec<u8>, at: usize, octets: &[u8]) {
    let end = at + octets.len();
    if platter.len() < end {
        platter.resize(end, 0);
    }
    if let Some(target) = platter.get_mut(at..end) {
        target.copy_from_slice(octets);
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

/// Tosses with a bias, the same for the same seed.
struct Dice {
    state: u64,
    /// Out of eight tosses, so many come up true: none to all.
    bias: u64,
}

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, bias: 0 };
        dice.bias = dice.roll() % 9;
        dice
    }

    fn toss(&mut self) -> bool {
        self.roll() % 8 < self.bias
    }

    /// Xorshift: goes round all numbers but zero.
    fn roll(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state >> 16
    }
}
