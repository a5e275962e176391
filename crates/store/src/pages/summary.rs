//! What one side holds, in a form that can be compared: counts and Merkle roots.

use std::fmt;

use raida_wire::audit::Counts;
use raida_wire::merkle::{self, Node};
use raida_wire::{Denomination, vote};

use super::error::FolderError;
use super::folder::Folder;
use super::octets::PAGE_LEN;
use crate::chunk::Chunk;
use crate::error::StoreError;
use crate::forest::Forest;
use crate::page_id::PageId;
use crate::record;
use crate::view::View;

/// How many coins are issued, and the roots of the Merkle trees over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Per denomination, ascending.
    pub issued: Counts,
    /// Per denomination, ascending. Pages without a file count as pages in which nothing is issued.
    pub roots: Box<[u8; vote::ROOTS_LEN]>,
}

impl Summary {
    /// The root of one denomination's tree.
    #[must_use]
    pub fn root(&self, denomination: Denomination) -> &Node {
        const NONE: &Node = &merkle::MISSING_LEAF;
        self.roots.as_chunks().0.get(denomination.index()).unwrap_or(NONE)
    }

    /// Of all pages of a state.
    pub(super) fn of_view(view: &View) -> Result<Self, StoreError> {
        let mut tally = Tally::default();
        for page in PageId::all() {
            let chunks = view.page(page)?;
            if chunks.iter().any(Option::is_some) {
                let empty = Chunk::EMPTY;
                let chunks = chunks.iter().map(|chunk| chunk.as_ref().unwrap_or(&empty));
                tally.add(page, chunks.flat_map(Chunk::numbers));
            }
        }
        Ok(tally.finish())
    }

    /// Of all files of a folder as they are.
    pub(super) fn of_folder(folder: &Folder, mut done: impl FnMut(usize)) -> Result<Self, FolderError> {
        let (mut tally, mut octets) = (Tally::default(), zeroize::Zeroizing::new([0; PAGE_LEN]));
        for (count, page) in folder.pages.iter().enumerate() {
            folder.read(page, &mut octets)?;
            tally.add_octets(page, &octets);
            done(count + 1);
        }
        Ok(tally.finish())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (denomination, issued) in Denomination::all().zip(self.issued.0) {
            write!(f, "{denomination:>3} {issued:>9} ")?;
            self.root(denomination).iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A summary in the making.
#[derive(Default)]
pub(super) struct Tally {
    issued: Counts,
    leaves: Vec<(PageId, Node)>,
}

impl Tally {
    /// Adds a page by the numbers of its records, `None` where nothing is issued.
    pub(super) fn add<'n>(&mut self, page: PageId, numbers: impl Iterator<Item = Option<&'n [u8; 16]>>) {
        let mut issued = 0;
        self.leaves.push((page, merkle::leaf(numbers.inspect(|number| issued += u32::from(number.is_some())))));
        if let Some(count) = self.issued.0.get_mut(page.denomination().index()) {
            *count += issued;
        }
    }

    pub(super) fn add_octets(&mut self, page: PageId, octets: &[u8; PAGE_LEN]) {
        let records: &[[u8; record::LEN]] = octets.as_chunks().0;
        self.add(page, records.iter().map(|[number @ .., month]| (*month != 0).then_some(number)));
    }

    pub(super) fn finish(self) -> Summary {
        let forest = Forest::new(&self.leaves);
        Summary { issued: self.issued, roots: Box::new(**forest.roots()) }
    }
}
