//! The words of the template language beside handlebars' own: `default date number currency plural truncate url t`.
//!
//! Each takes values and gives one; in HTML the result is escaped like any value. A missing value is an error, as
//! everywhere in strict mode, except for `default`. Errors name the path, never the value. Numbers, dates and plurals are
//! those of the locale that the message speaks, dates in the person's zone.

use super::catalogue::{self, Catalogues, Text};
use super::local_form::{self, DateStyle};
use super::locale::Home;
use fixed_decimal::Decimal;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason, ScopedJson,
};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;
use std::sync::Arc;

type Word = fn(&Helper<'_>, &Voice<'_>) -> Result<Value, RenderErrorReason>;

/// Our words by name.
const WORDS: [(&str, Word); 8] = [
    ("default", default),
    ("date", date),
    ("number", number),
    ("currency", currency),
    ("plural", plural),
    ("truncate", truncate),
    ("url", url),
    ("t", t),
];

/// Handlebars' own that are left in: no logging of data, no scripts.
const BUILT_IN: [&str; 16] = [
    "if", "unless", "each", "with", "lookup", "raw", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or",
    "not", "len",
];

/// Decimals beyond this are noise of floating point.
const DECIMALS_MAX: usize = 6;

/// What a message speaks.
struct Voice<'v> {
    locale: &'v str,
    timezone: &'v str,
    home: &'v Home,
    catalogues: &'v Catalogues,
}

pub(super) fn register(registry: &mut Handlebars<'static>, home: &Arc<Home>, catalogues: &Arc<Catalogues>) {
    // It would write people's data into the log.
    registry.unregister_helper("log");
    for (name, word) in WORDS {
        let (home, catalogues) = (home.clone(), catalogues.clone());
        registry.register_helper(name, Box::new(Registered { word, home, catalogues }));
    }
}

pub(super) fn is_known(name: &str) -> bool {
    BUILT_IN.contains(&name) || WORDS.iter().any(|(known, _)| *known == name)
}

/// For help texts.
pub(super) fn names() -> String {
    let words = WORDS.iter().map(|(name, _)| *name);
    BUILT_IN.into_iter().chain(words).collect::<Vec<_>>().join(", ")
}

struct Registered {
    word: Word,
    home: Arc<Home>,
    catalogues: Arc<Catalogues>,
}

impl HelperDef for Registered {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let of = |root: &str| context.data().get(root).and_then(Value::as_str);
        let voice = Voice {
            locale: of("locale").unwrap_or(&self.home.locale),
            timezone: of("timezone").unwrap_or(&self.home.timezone),
            home: &self.home,
            catalogues: &self.catalogues,
        };
        Ok(ScopedJson::Derived((self.word)(helper, &voice)?))
    }
}

/// `{{default traits.first_name "there"}}`: the second where the first is missing, null or empty.
fn default(helper: &Helper<'_>, _: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let first = helper.param(0).ok_or_else(|| needs("default", "a value and what stands for it"))?;
    let second = helper.param(1).ok_or_else(|| needs("default", "a value and what stands for it"))?;
    let is_empty = first.is_value_missing() || first.value().is_null() || first.value().as_str() == Some("");
    Ok(if is_empty { second.value().clone() } else { first.value().clone() })
}

/// `{{date traits.trial_ends_at "long" time=true}}`: RFC 3339 or a plain date, in the person's zone or that of `zone=`;
/// styles `short medium long full time`, or a pattern such as `"%Y-%m-%d"`, whose names are English.
fn date(helper: &Helper<'_>, voice: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let text =
        param(helper, 0)?.as_str().ok_or_else(|| wrong("date", "a text such as 2026-03-05T10:00:00Z"))?;
    let format = helper.param(1).and_then(|param| param.value().as_str()).unwrap_or("long");
    let zone = helper.hash_get("zone").and_then(|zone| zone.value().as_str()).unwrap_or(voice.timezone);
    let zone = TimeZoneDatabase::bundled().get(zone);
    let zone: TimeZone = zone.map_err(|_| wrong("date", "a zone name such as Europe/Paris"))?;
    let local = if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        instant.to_zoned_datetime(zone)
    } else {
        let date = text.parse::<jiff::civil::Date>();
        let date = date.map_err(|_| wrong("date", "a time such as 2026-03-05T10:00:00Z, or a date"))?;
        date.to_zoned_datetime(zone).map_err(|_| wrong("date", "a date between the years 1 and 9998"))?
    };
    if let Some(style) = DateStyle::parse(format) {
        let has_time = is_on(helper, "time");
        let said = local_form::date(voice.locale, &local, style, has_time);
        return said.map(Value::from).ok_or_else(|| wrong("date", "a date"));
    }
    if format == "time" {
        return local_form::time(voice.locale, &local)
            .map(Value::from)
            .ok_or_else(|| wrong("date", "a time"));
    }
    let formatted = jiff::fmt::strtime::format(format, &local);
    formatted.map(Value::from).map_err(|_| wrong("date", "a format such as \"long\" or \"%-d %B %Y\""))
}

/// `{{number properties.seats decimals=2}}`: 12,345.00.
fn number(helper: &Helper<'_>, voice: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let number = numeric(helper, "number", Some(decimals(helper).unwrap_or(0)))?;
    local_form::number(voice.locale, &number).map(Value::from).ok_or_else(|| wrong("number", "a number"))
}

/// `{{currency properties.amount properties.currency}}`: €1,234.50. `minor=true` for amounts in cents.
fn currency(helper: &Helper<'_>, voice: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let code = param(helper, 1)?.as_str().ok_or_else(|| wrong("currency", "a code such as EUR"))?;
    if !is_currency(code) {
        return Err(wrong("currency", "a code of three letters such as EUR"));
    }
    let mut amount = numeric(helper, "currency", None)?;
    if is_on(helper, "minor") {
        amount.multiply_pow10(-minor_digits(&code.to_uppercase()));
    }
    let said = local_form::currency(voice.locale, &amount, code);
    said.map(Value::from).ok_or_else(|| wrong("currency", "an amount and a code such as EUR"))
}

pub(super) fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// ISO 4217: how many digits the smaller unit has.
fn minor_digits(code: &str) -> i16 {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// `{{plural properties.count "project" "projects"}}`, or by CLDR's classes `{{plural n one="projekt" few="projekty"
/// many="projektów" other="projektu"}}`: the word for that many in the language that the message speaks.
fn plural(helper: &Helper<'_>, voice: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let class = local_form::plural(voice.locale, &numeric(helper, "plural", None)?);
    if helper.params().len() > 1 {
        return Ok(param(helper, if class == "one" { 1 } else { 2 })?.clone());
    }
    let of = helper.hash_get(class).or_else(|| helper.hash_get("other"));
    of.map(|of| of.value().clone()).ok_or_else(|| needs("plural", "two words, or other=\"…\""))
}

/// `{{truncate properties.title 40}}`: at most so many characters, the last an ellipsis where some were cut.
fn truncate(helper: &Helper<'_>, _: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let text = as_text(param(helper, 0)?, "truncate")?;
    let max = param(helper, 1)?.as_u64().filter(|max| *max > 0);
    let max = max.ok_or_else(|| wrong("truncate", "a number of characters above 0"))? as usize;
    if text.chars().count() <= max {
        return Ok(text.into());
    }
    let kept: String = text.chars().take(max - 1).collect();
    Ok(format!("{}…", kept.trim_end()).into())
}

/// `{{url properties.id}}`: percent-encoded, fit for any part of a link. `{{url properties.link whole=true}}`: a whole link
/// of http or https, and nothing that runs.
fn url(helper: &Helper<'_>, _: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let text = as_text(param(helper, 0)?, "url")?;
    let is_whole = is_on(helper, "whole");
    if is_whole && !(text.starts_with("https://") || text.starts_with("http://")) {
        return Err(wrong("url", "a link that begins with https:// or http://"));
    }
    let kept: &[u8] = if is_whole { b"-._~:/?#[]@!$&'()*+,;=%" } else { b"-._~" };
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(encoded.into())
}

/// `{{t "mail.greeting" name=traits.first_name}}`: the text of `templates/locales/` in the person's language; numbers in it
/// as the language writes them.
fn t(helper: &Helper<'_>, voice: &Voice<'_>) -> Result<Value, RenderErrorReason> {
    let key = param(helper, 0)?.as_str().ok_or_else(|| wrong("t", "a key such as \"mail.greeting\""))?;
    let found = voice.catalogues.find(voice.locale, key);
    let found = found.or_else(|| voice.catalogues.find(&voice.home.locale, key));
    let (locale, text) = found.ok_or_else(|| wrong("t", "a key of templates/locales/"))?;
    let class = match text {
        Text::Plain(_) => "other",
        Text::Plural(_) => {
            let count = helper.hash_get("count").ok_or_else(|| needs("t", "count=…"))?;
            local_form::plural(
                locale,
                &as_decimal(count.value(), None).ok_or_else(|| wrong("t", "a number"))?,
            )
        }
    };
    let mut missing = None;
    let said = catalogue::fill(text.choose(class), &mut |name| {
        let value = helper.hash_get(name);
        if value.is_none_or(|value| value.is_value_missing()) {
            missing = Some(value.and_then(|value| value.relative_path().cloned()));
            return None;
        }
        let value = value?.value();
        let number = value.is_number().then(|| as_decimal(value, None)).flatten();
        number.and_then(|number| local_form::number(locale, &number)).or_else(|| as_text(value, "t").ok())
    });
    match (said, missing) {
        (Some(said), _) => Ok(said.into()),
        (None, Some(path)) => Err(RenderErrorReason::MissingVariable(path)),
        (None, None) => Err(wrong("t", "texts, numbers or booleans")),
    }
}

fn param<'a>(helper: &'a Helper<'_>, index: usize) -> Result<&'a Value, RenderErrorReason> {
    let Some(param) = helper.param(index) else {
        return Err(RenderErrorReason::Other(format!(
            "expected at least {} values for `{}`, found {}",
            index + 1,
            helper.name(),
            helper.params().len()
        )));
    };
    if param.is_value_missing() {
        return Err(RenderErrorReason::MissingVariable(param.relative_path().cloned()));
    }
    Ok(param.value())
}

/// A number, or a text that is one: events often carry amounts as text.
fn numeric(helper: &Helper<'_>, word: &str, decimals: Option<usize>) -> Result<Decimal, RenderErrorReason> {
    as_decimal(param(helper, 0)?, decimals).ok_or_else(|| wrong(word, "a number"))
}

fn as_decimal(value: &Value, decimals: Option<usize>) -> Option<Decimal> {
    let parsed = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    parsed.filter(|number: &f64| number.is_finite()).and_then(|number| local_form::decimal(number, decimals))
}

fn is_on(helper: &Helper<'_>, option: &str) -> bool {
    helper.hash_get(option).is_some_and(|option| option.value() == &Value::Bool(true))
}

fn decimals(helper: &Helper<'_>) -> Option<usize> {
    let decimals = helper.hash_get("decimals")?.value().as_u64()?;
    Some((decimals as usize).min(DECIMALS_MAX))
}

fn as_text(value: &Value, word: &str) -> Result<String, RenderErrorReason> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err(wrong(word, "a text, a number or a boolean")),
    }
}

fn needs(word: &str, what: &str) -> RenderErrorReason {
    RenderErrorReason::Other(format!("expected {what} after `{word}`"))
}

/// Without what was found: that may be a person's data.
fn wrong(word: &str, expected: &str) -> RenderErrorReason {
    RenderErrorReason::Other(format!("expected {expected} for `{word}`, found something else"))
}

#[cfg(test)]
mod tests;
