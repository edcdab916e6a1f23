//! A part of everybody, written as `"10%"`: exact to a ten-thousandth of a percent.

use super::Share;
use std::fmt;

/// Millionths in one percent.
const PERCENT: u32 = 10_000;
const DECIMALS_MAX: usize = 4;

impl Share {
    /// Reads `"10%"` or `"0.5%"`. Nothing and everybody are refused: an arm that is empty compares with nothing. The
    /// error says what was expected and found.
    pub fn parse(text: &str) -> Result<Share, String> {
        let expected =
            || format!("expected a share above 0% and below 100%, such as \"10%\", found \"{text}\"");
        let number = text.strip_suffix('%').ok_or_else(expected)?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || whole.len() > 2 || !is_digits(decimals) || decimals.len() > DECIMALS_MAX {
            return Err(expected());
        }
        let whole: u32 = whole.parse().map_err(|_| expected())?;
        let fraction: u32 = format!("{decimals:0<DECIMALS_MAX$}").parse().map_err(|_| expected())?;
        Some(Share(whole * PERCENT + fraction)).filter(|share| share.0 > 0).ok_or_else(expected)
    }
}

/// What [`Share::parse`] reads.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / PERCENT, self.0 % PERCENT);
        if fraction == 0 {
            return write!(f, "{whole}%");
        }
        let decimals = format!("{fraction:0DECIMALS_MAX$}");
        write!(f, "{whole}.{}%", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_print_as_they_are_read() {
        for (text, millionths) in [("10%", 100_000), ("2%", 20_000), ("0.5%", 5_000), ("99.9999%", 999_999)] {
            assert_eq!(Share::parse(text), Ok(Share(millionths)));
            assert_eq!(Share(millionths).to_string(), text);
        }
    }

    #[test]
    fn nobody_everybody_and_what_is_no_share_are_refused() {
        for text in ["0%", "0.0%", "100%", "10", "", "%", "-1%", "1.00001%", "ten%", "1.%", "٣%"] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
    }
}
