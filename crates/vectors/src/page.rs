//! Kind `page`: the leaf of one page.

use std::array;

use raida_wire::{AuthenticityNumber, Month, merkle};

use crate::case::{Case, Fields, Reason, same_octets};

pub(crate) fn check(case: &Case<'_>) -> Result<(), Reason> {
    let mut page: [Option<AuthenticityNumber>; merkle::RECORDS] = array::from_fn(|_| None);
    for record in case.given.list("records")? {
        let record = Fields::new("record", record);
        let place: usize = record.number("index")?;
        let (number, month) = (AuthenticityNumber::new(record.array("an")?), Month(record.number("mfs")?));
        let slot = page.get_mut(place).ok_or_else(|| Reason::new(format_args!("a page has no record {place}")))?;
        *slot = month.is_issued().then_some(number);
    }
    let leaf = merkle::leaf(page.iter().map(|number| number.as_ref().map(AuthenticityNumber::octets)));
    same_octets("leaf", &leaf, &case.bytes)?;
    same_octets("leaf", &leaf, &case.expect.array::<32>("leaf")?)
}
