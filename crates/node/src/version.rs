//! What the node calls its version: the day it was built.

/// The build date, `YYYYMMDD` in ASCII.
///
/// The same sources and the same environment give the same octets: it is the day of `SOURCE_DATE_EPOCH` (seconds since
/// 1970, UTC) where that is set while building, as packagers do, and else the day of the release.
///
/// Source: protocol §5.3
pub const BUILD_DATE: [u8; 8] = match option_env!("SOURCE_DATE_EPOCH") {
    Some(seconds) => match u64::from_str_radix(seconds, 10) {
        Ok(seconds) => date(seconds / 86_400),
        Err(_) => RELEASED,
    },
    None => RELEASED,
};

/// Changes with every release.
const RELEASED: [u8; 8] = *b"20261121";

/// The date that many days behind 1 January 1970.
const fn date(mut day: u64) -> [u8; 8] {
    let mut year = 1970;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while day >= days_of_month(month, year) {
        day -= days_of_month(month, year);
        month += 1;
    }
    day += 1;
    [
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
        digit(month / 10),
        digit(month),
        digit(day / 10),
        digit(day),
    ]
}

const fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_of_month(month: u64, year: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The last digit of a number, in ASCII.
const fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates_also_around_leap_days_and_new_years() {
        for (day, expected) in [
            (0, b"19700101"),
            (364, b"19701231"),
            (365, b"19710101"),
            (11_015, b"20000228"),
            (11_016, b"20000229"),
            (11_017, b"20000301"),
            (20_778, b"20261121"),
            (47_540, b"21000228"),
            (47_541, b"21000301"),
        ] {
            assert_eq!(&date(day), expected);
        }
    }

    #[test]
    fn the_build_date_is_eight_digits() {
        assert!(BUILD_DATE.iter().all(u8::is_ascii_digit));
    }
}
