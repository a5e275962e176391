//! A set of pages.

use crate::page_id::PageId;

/// One bit per page: 1 875 octets, whatever it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageSet(Box<[u8]>);

impl PageSet {
    /// Its size in octets.
    pub(crate) const LEN: usize = PageId::COUNT.div_ceil(8);

    pub(crate) fn new() -> Self {
        Self(vec![0; Self::LEN].into())
    }

    pub(crate) fn all() -> Self {
        let mut all = Self::new();
        PageId::all().for_each(|page| all.insert(page));
        all
    }

    /// `None` unless these are 1 875 octets.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        (octets.len() == Self::LEN).then(|| Self(octets.into()))
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn insert(&mut self, page: PageId) {
        let (octet, bit) = place(page);
        if let Some(octet) = self.0.get_mut(octet) {
            *octet |= bit;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(octet, more)| *octet |= more);
    }

    pub(crate) fn contains(&self, page: PageId) -> bool {
        let (octet, bit) = place(page);
        self.0.get(octet).is_some_and(|octet| octet & bit != 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|octet| octet.count_ones() as usize).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|octet| *octet == 0)
    }

    /// Ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PageId> {
        let filled = self.0.iter().enumerate().filter(|(_, octet)| **octet != 0);
        filled
            .flat_map(|(place, octet)| (0..8).filter(move |bit| octet >> bit & 1 == 1).map(move |bit| place * 8 + bit))
            .filter_map(PageId::at)
    }
}

fn place(page: PageId) -> (usize, u8) {
    (page.index() / 8, 1 << (page.index() % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_back_in_order() {
        let pages: Vec<_> = [0, 7, 8, 14_999].into_iter().filter_map(PageId::at).collect();
        let mut set = PageSet::new();
        assert!(set.is_empty());
        pages.iter().rev().for_each(|page| set.insert(*page));
        assert_eq!(set.iter().collect::<Vec<_>>(), pages);
        assert_eq!(PageSet::read(set.octets()), Some(set));
        assert_eq!(PageSet::all().iter().count(), PageId::COUNT);
        assert_eq!(PageSet::read(&[0; PageSet::LEN - 1]), None);
    }
}
