//! Numbers, amounts, dates and plurals as a locale writes them, by the data of Unicode's CLDR.

use fixed_decimal::{Decimal, FloatPrecision, SignedRoundingMode, UnsignedRoundingMode};
use icu_calendar::{Date, Gregorian};
use icu_datetime::fieldsets::{T, YMD, YMDE};
use icu_datetime::input::{DateTime, Time};
use icu_datetime::options::Length;
use icu_datetime::{FixedCalendarDateTimeFormatter, NoCalendarFormatter};
use icu_decimal::DecimalFormatter;
use icu_experimental::dimension::currency::CurrencyType;
use icu_experimental::dimension::currency::formatter::CurrencyFormatter;
use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules};
use jiff::ZonedDateTime;

/// How long a date is written: `5/3/26`, `5 Mar 2026`, `5 March 2026`, `Thursday, 5 March 2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateStyle {
    Short,
    Medium,
    Long,
    Full,
}

impl DateStyle {
    pub fn parse(text: &str) -> Option<DateStyle> {
        match text {
            "short" => Some(DateStyle::Short),
            "medium" => Some(DateStyle::Medium),
            "long" => Some(DateStyle::Long),
            "full" => Some(DateStyle::Full),
            _ => None,
        }
    }
}

const HALF_AWAY: SignedRoundingMode = SignedRoundingMode::Unsigned(UnsignedRoundingMode::HalfExpand);

fn locale(tag: &str) -> Locale {
    Locale::try_from_str(tag).unwrap_or(Locale::UNKNOWN)
}

/// With so many decimals, or without the zeros at the end.
pub(super) fn decimal(number: f64, decimals: Option<usize>) -> Option<Decimal> {
    let mut exact = Decimal::try_from_f64(number, FloatPrecision::RoundTrip).ok()?;
    Some(match decimals {
        // As people round: half away from zero.
        Some(decimals) => {
            let place = -i16::try_from(decimals).ok()?;
            exact.round_with_mode(place, HALF_AWAY);
            exact.pad_end(place);
            exact
        }
        None => {
            exact.trim_end();
            exact
        }
    })
}

/// `-1.234,5`.
pub(super) fn number(tag: &str, number: &Decimal) -> Option<String> {
    let formatter = DecimalFormatter::try_new((&locale(tag)).into(), Default::default()).ok()?;
    Some(formatter.format(number).to_string())
}

/// `1.234,50 €`, with as many decimals as the currency has. `code` is of three letters.
pub(super) fn currency(tag: &str, amount: &Decimal, code: &str) -> Option<String> {
    let code: CurrencyType = code.to_lowercase().parse().ok()?;
    let locale = locale(tag);
    let formatter =
        CurrencyFormatter::<DecimalFormatter>::try_new_symbol((&locale).into(), code, Default::default())
            .ok()?;
    Some(formatter.format_fixed_decimal(amount).to_string())
}

/// The date of a local time, and its time to the minute if asked for.
pub(super) fn date(tag: &str, local: &ZonedDateTime, style: DateStyle, has_time: bool) -> Option<String> {
    let (year, month, day) = (local.year().into(), local.month().unsigned_abs(), local.day().unsigned_abs());
    let date = Date::try_new_gregorian(year, month, day).ok()?;
    let time = Time::try_new(local.hour().unsigned_abs(), local.minute().unsigned_abs(), 0, 0).ok()?;
    let local = DateTime { date, time };
    let locale = locale(tag);
    let ymd = |length: Length| {
        let date = YMD::for_length(length);
        let only = || FixedCalendarDateTimeFormatter::<Gregorian, _>::try_new((&locale).into(), date);
        let both =
            || FixedCalendarDateTimeFormatter::<Gregorian, _>::try_new((&locale).into(), date.with_time_hm());
        Some(if has_time {
            both().ok()?.format(&local).to_string()
        } else {
            only().ok()?.format(&local.date).to_string()
        })
    };
    match style {
        DateStyle::Short => ymd(Length::Short),
        DateStyle::Medium => ymd(Length::Medium),
        DateStyle::Long => ymd(Length::Long),
        DateStyle::Full => {
            let date = YMDE::long();
            let only = || FixedCalendarDateTimeFormatter::<Gregorian, _>::try_new((&locale).into(), date);
            let both = || {
                FixedCalendarDateTimeFormatter::<Gregorian, _>::try_new((&locale).into(), date.with_time_hm())
            };
            Some(if has_time {
                both().ok()?.format(&local).to_string()
            } else {
                only().ok()?.format(&local.date).to_string()
            })
        }
    }
}

/// The time of day, to the minute: `16:09`, `4:09 PM`.
pub(super) fn time(tag: &str, local: &ZonedDateTime) -> Option<String> {
    let time = Time::try_new(local.hour().unsigned_abs(), local.minute().unsigned_abs(), 0, 0).ok()?;
    let formatter = NoCalendarFormatter::try_new((&locale(tag)).into(), T::hm()).ok()?;
    Some(formatter.format(&time).to_string())
}

/// CLDR's class of a number: `zero one two few many other`.
pub(super) fn plural(tag: &str, number: &Decimal) -> &'static str {
    let rules = PluralRules::try_new((&locale(tag)).into(), Default::default());
    category(rules.map_or(PluralCategory::Other, |rules| rules.category_for(number)))
}

/// The classes that a locale has, `other` among them.
pub(super) fn plurals(tag: &str) -> Vec<&'static str> {
    let rules = PluralRules::try_new((&locale(tag)).into(), Default::default());
    rules.map_or_else(|_| vec!["other"], |rules| rules.categories().map(category).collect())
}

/// All of CLDR's classes.
pub(super) const PLURALS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

fn category(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_locale_writes_as_its_readers_do() {
        let amount = decimal(-1_234_567.5, None).unwrap();
        let at: ZonedDateTime = "2026-03-05T16:09:00+01:00[Europe/Paris]".parse().unwrap();
        let table = [
            ("en", "-1,234,567.5", "-€1,234,567.50", "March 5, 2026", "4:09\u{202f}PM"),
            ("en-GB", "-1,234,567.5", "-€1,234,567.50", "5 March 2026", "16:09"),
            ("de", "-1.234.567,5", "-1.234.567,50\u{a0}€", "5. März 2026", "16:09"),
            ("de-AT", "-1\u{a0}234\u{a0}567,5", "-€\u{a0}1\u{a0}234\u{a0}567,50", "5. März 2026", "16:09"),
            ("ja", "-1,234,567.5", "-€1,234,567.50", "2026年3月5日", "16:09"),
        ];
        for (tag, said, money, day, hour) in table {
            assert_eq!(number(tag, &amount).as_deref(), Some(said), "{tag}");
            assert_eq!(currency(tag, &amount, "EUR").as_deref(), Some(money), "{tag}");
            assert_eq!(date(tag, &at, DateStyle::Long, false).as_deref(), Some(day), "{tag}");
            assert_eq!(time(tag, &at).as_deref(), Some(hour), "{tag}");
        }
        let both = date("de", &at, DateStyle::Full, true);
        assert_eq!(both.as_deref(), Some("Donnerstag, 5. März 2026 um 16:09"));
    }

    #[test]
    fn plurals_are_those_of_the_language() {
        let class = |tag, number| plural(tag, &decimal(number, None).unwrap());
        assert_eq!([1.0, 0.0, 2.0].map(|n| class("en", n)), ["one", "other", "other"]);
        assert_eq!([1.0, 0.0, 1.5].map(|n| class("fr", n)), ["one", "one", "one"]);
        assert_eq!([1.0, 3.0, 5.0, 1.5].map(|n| class("pl", n)), ["one", "few", "many", "other"]);
        assert_eq!(plurals("pl").len(), 4);
    }
}
