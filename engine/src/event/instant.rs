//! Reading the times of events: jiff's meaning, with a short way for the form that all client libraries write.

use crate::time::Timestamp;

/// Reads RFC 3339 with an offset or `Z`; equal to [`Timestamp::parse`] for every text, and quicker for
/// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±hh:mm)` from 1970 on.
pub fn parse(text: &str) -> Option<Timestamp> {
    usual_form(text.as_bytes()).or_else(|| Timestamp::parse(text))
}

const SECOND: i64 = 1_000_000;

/// The usual form; nothing for all others, also those that are no time at all.
fn usual_form(bytes: &[u8]) -> Option<Timestamp> {
    let (date_time, rest) = bytes.split_first_chunk::<19>()?;
    let at = |place: usize| date_time[place];
    if (at(4), at(7), at(10), at(13), at(16)) != (b'-', b'-', b'T', b':', b':') {
        return None;
    }
    let year = two(at(0), at(1))? * 100 + two(at(2), at(3))?;
    let (month, day) = (two(at(5), at(6))?, two(at(8), at(9))?);
    let (hour, minute, second) = (two(at(11), at(12))?, two(at(14), at(15))?, two(at(17), at(18))?);
    let is_date = year >= 1970 && (1..=12).contains(&month) && day >= 1 && day <= days_of(year, month);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, rest) = fraction(rest)?;
    let seconds =
        days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(rest)?;
    // Before 1970 a fraction is cut towards zero, not down: jiff does that.
    (seconds >= 0).then(|| Timestamp(seconds * SECOND + fraction))
}

/// Two decimal digits.
fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March, so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days_before_1970 = 719_468;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - days_before_1970
}

/// Up to nine digits behind a point, cut to microseconds; and what follows them.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', digits @ ..] = bytes else { return Some((0, bytes)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (digits, rest) = digits.split_at(count);
    let micros =
        (0..6).fold(0, |sum, place| sum * 10 + digits.get(place).map_or(0, |digit| i64::from(digit - b'0')));
    Some((micros, rest))
}

/// Seconds east of UTC. `-00:00` has a meaning of its own and is left to jiff.
fn offset(bytes: &[u8]) -> Option<i64> {
    match bytes {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
            let seconds = hours * 3600 + minutes * 60;
            match sign {
                b'+' if hours <= 23 && minutes <= 59 => Some(seconds),
                b'-' if hours <= 23 && minutes <= 59 && seconds > 0 => Some(-seconds),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_client_libraries_write_takes_the_short_way() {
        for text in
            ["2026-03-02T10:00:00Z", "2026-03-02T10:00:00.123Z", "2024-02-29T23:59:59.999999999+05:30"]
        {
            assert_eq!(usual_form(text.as_bytes()), Timestamp::parse(text), "{text}");
            assert!(usual_form(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn every_day_of_four_hundred_years_is_that_of_jiff() {
        let first = jiff::civil::date(1970, 1, 1);
        for days in 0..146_097 {
            let date = first.checked_add(jiff::Span::new().days(days)).unwrap();
            let found = usual_form(format!("{date}T00:00:00Z").as_bytes());
            assert_eq!(found, Some(Timestamp(days * 86_400 * SECOND)), "{date}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_as_jiff_reads_it(
            text in "(19[67][0-9]|20[0-9]{2}|0001|9999)-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?([.,][0-9]{0,10})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|)"
        ) {
            prop_assert_eq!(parse(&text), Timestamp::parse(&text));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            prop_assert_eq!(parse(&text), Timestamp::parse(&text));
        }
    }
}
