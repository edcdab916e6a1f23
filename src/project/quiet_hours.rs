//! Quiet hours, written as `"21:00-08:00"`: half-open, `[21:00, 08:00)`.

use outreach_engine::release::QuietHours;

/// Reads them. A whole day is refused: nothing would ever be sent. The error says what was expected and found.
pub(super) fn parse(text: &str) -> Result<QuietHours, String> {
    let expected = || format!("expected quiet hours such as \"21:00-08:00\", found \"{text}\"");
    let (from, until) = text.split_once('-').ok_or_else(expected)?;
    let from = minutes(from.trim()).ok_or_else(expected)?;
    let until = minutes(until.trim()).ok_or_else(expected)?;
    // 24:00 is the end of the day, which is midnight.
    let (from, until) = (from, until % MINUTES_OF_DAY);
    if from == until || from == MINUTES_OF_DAY {
        return Err(format!("expected quiet hours that leave a part of the day, found \"{text}\""));
    }
    Ok(QuietHours { from, until })
}

pub(super) fn print(quiet: QuietHours) -> String {
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    format!("{}-{}", clock(quiet.from), clock(quiet.until))
}

const MINUTES_OF_DAY: u16 = 24 * 60;

/// Minutes since midnight of `HH:MM`; `24:00` is allowed.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| {
        let is_fitting = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_fitting.then(|| part.parse::<u16>().ok()).flatten()
    };
    let total = two_digits(hours)? * 60
        + two_digits(minutes).filter(|m| *m < 60 && text.ends_with(&format!("{m:02}")))?;
    (total <= MINUTES_OF_DAY).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_print_as_they_are_read() {
        for (text, from, until) in
            [("21:00-08:00", 1260, 480), ("00:00-06:30", 0, 390), ("13:15-14:00", 795, 840)]
        {
            assert_eq!(parse(text), Ok(QuietHours { from, until }));
            assert_eq!(print(QuietHours { from, until }), text);
        }
        assert_eq!(parse("9:00-24:00"), Ok(QuietHours { from: 540, until: 0 }));
    }

    #[test]
    fn a_whole_day_and_what_is_no_clock_are_refused() {
        for text in [
            "00:00-24:00",
            "08:00-08:00",
            "24:00-08:00",
            "25:00-08:00",
            "21:60-08:00",
            "21-8",
            "",
            "21:00",
            "21:0-8:00",
            "+1:00-08:00",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
