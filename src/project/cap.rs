//! A cap, written as `"1 per day"`, `"3 per 7 days"` or `"1 per calendar day"`.

use outreach_engine::Length;
use outreach_engine::release::{Cap, Window};

/// The engine keeps the times of the last `count` messages of each person: this bounds them.
const COUNT_MAX: u32 = 1_000;
const CALENDAR_DAY: &str = "calendar day";

/// Reads one. `0 per day` is refused: who wants to send nothing turns the rules off. The error says what was expected
/// and found.
pub(super) fn parse(text: &str) -> Result<Cap, String> {
    let expected = || {
        format!(
            "expected a cap such as \"1 per day\", \"3 per 7 days\" or \"1 per calendar day\", found \"{text}\""
        )
    };
    let (count, window) = text.split_once(" per ").ok_or_else(expected)?;
    let count = count.trim();
    let is_digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u32 = if is_digits { count.parse().map_err(|_| expected())? } else { return Err(expected()) };
    if !(1..=COUNT_MAX).contains(&count) {
        return Err(format!("expected a cap of 1 to {COUNT_MAX} messages, found \"{text}\""));
    }
    Ok(Cap { count, window: parse_window(window.trim(), expected)? })
}

fn parse_window(text: &str, expected: impl Fn() -> String) -> Result<Window, String> {
    if text == CALENDAR_DAY {
        return Ok(Window::CalendarDay);
    }
    // "day" is "1 day".
    let has_count = text.starts_with(|c: char| c.is_ascii_digit());
    let length = if has_count { Length::parse(text) } else { Length::parse(&format!("1 {text}")) };
    match length {
        Ok(Length::ZERO) => Err(expected()),
        Ok(length) => Ok(Window::Rolling(length)),
        // The reason of a length that is refused, such as a month, is worth more than the form of a cap.
        Err(message) if message.contains("no one length") => Err(message),
        Err(_) => Err(expected()),
    }
}

/// What [`parse`] reads.
pub(super) fn print(cap: Cap) -> String {
    match cap.window {
        Window::CalendarDay => format!("{} per {CALENDAR_DAY}", cap.count),
        Window::Rolling(length) => format!("{} per {length}", cap.count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_are_read_and_print_so_that_they_read_back() {
        let rolling = |count, days| Cap { count, window: Window::Rolling(Length::days(days)) };
        let calendar = Cap { count: 2, window: Window::CalendarDay };
        for (text, cap) in [
            ("1 per day", rolling(1, 1)),
            ("3 per 7 days", rolling(3, 7)),
            ("3 per week", rolling(3, 7)),
            ("2 per calendar day", calendar),
        ] {
            assert_eq!(parse(text), Ok(cap));
            assert_eq!(parse(&print(cap)), Ok(cap));
        }
    }

    #[test]
    fn a_cap_of_nothing_and_what_is_no_cap_are_refused() {
        for text in [
            "0 per day",
            "1 per month",
            "per day",
            "1 a day",
            "-1 per day",
            "1 per 0 days",
            "1 per ",
            "1001 per day",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
