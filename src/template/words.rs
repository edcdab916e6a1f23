//! The words of the template language beside handlebars' own: `default date number currency plural truncate url`.
//!
//! Each takes values and gives one; in HTML the result is escaped like any value. A missing value is an error, as
//! everywhere in strict mode, except for `default`. Errors name the path, never the value.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason, ScopedJson,
};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

type Word = fn(&Helper<'_>) -> Result<Value, RenderErrorReason>;

/// Our words by name.
const WORDS: [(&str, Word); 7] = [
    ("default", default),
    ("date", date),
    ("number", number),
    ("currency", currency),
    ("plural", plural),
    ("truncate", truncate),
    ("url", url),
];

/// Handlebars' own that are left in: no logging of data, no scripts.
const BUILT_IN: [&str; 16] = [
    "if", "unless", "each", "with", "lookup", "raw", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or",
    "not", "len",
];

/// Decimals beyond this are noise of floating point.
const DECIMALS_MAX: usize = 6;

pub(super) fn register(registry: &mut Handlebars<'static>) {
    // It would write people's data into the log.
    registry.unregister_helper("log");
    for (name, word) in WORDS {
        registry.register_helper(name, Box::new(Registered(word)));
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

struct Registered(Word);

impl HelperDef for Registered {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived((self.0)(helper)?))
    }
}

/// `{{default traits.first_name "there"}}`: the second where the first is missing, null or empty.
fn default(helper: &Helper<'_>) -> Result<Value, RenderErrorReason> {
    let first = helper.param(0).ok_or_else(|| needs("default", "a value and what stands for it"))?;
    let second = helper.param(1).ok_or_else(|| needs("default", "a value and what stands for it"))?;
    let is_empty = first.is_value_missing() || first.value().is_null() || first.value().as_str() == Some("");
    Ok(if is_empty { second.value().clone() } else { first.value().clone() })
}

/// `{{date traits.trial_ends_at "%-d %B %Y" zone="Europe/Paris"}}`: RFC 3339 or a plain date; in UTC without a zone.
fn date(helper: &Helper<'_>) -> Result<Value, RenderErrorReason> {
    let text =
        param(helper, 0)?.as_str().ok_or_else(|| wrong("date", "a text such as 2026-03-05T10:00:00Z"))?;
    let format = helper.param(1).and_then(|param| param.value().as_str()).unwrap_or("%-d %B %Y");
    let zone = match helper.hash_get("zone").and_then(|zone| zone.value().as_str()) {
        Some(name) => TimeZoneDatabase::bundled()
            .get(name)
            .map_err(|_| wrong("date", "a zone name such as Europe/Paris"))?,
        None => TimeZone::UTC,
    };
    let local = if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        instant.to_zoned_datetime(zone)
    } else {
        let date = text.parse::<jiff::civil::Date>();
        let date = date.map_err(|_| wrong("date", "a time such as 2026-03-05T10:00:00Z, or a date"))?;
        date.to_zoned_datetime(zone).map_err(|_| wrong("date", "a date between the years 1 and 9998"))?
    };
    let formatted = jiff::fmt::strtime::format(format, &local);
    formatted.map(Value::from).map_err(|_| wrong("date", "a format such as \"%-d %B %Y\""))
}

/// `{{number properties.seats decimals=2}}`: 12,345.00.
fn number(helper: &Helper<'_>) -> Result<Value, RenderErrorReason> {
    Ok(grouped(numeric(helper, "number")?, decimals(helper).unwrap_or(0)).into())
}

/// `{{currency properties.amount properties.currency}}`: €1,234.50. `minor=true` for amounts in cents.
fn currency(helper: &Helper<'_>) -> Result<Value, RenderErrorReason> {
    let code =
        param(helper, 1)?.as_str().ok_or_else(|| wrong("currency", "a code such as EUR"))?.to_uppercase();
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_code {
        return Err(wrong("currency", "a code of three letters such as EUR"));
    }
    let usual = if matches!(code.as_str(), "JPY" | "KRW" | "VND" | "CLP" | "ISK") { 0 } else { 2 };
    let is_minor = helper.hash_get("minor").is_some_and(|minor| minor.value() == &Value::Bool(true));
    let scale = if is_minor { 10f64.powi(usual as i32) } else { 1.0 };
    let amount = numeric(helper, "currency")? / scale;
    let text = grouped(amount.abs(), decimals(helper).unwrap_or(usual));
    let sign = if amount < 0.0 { "-" } else { "" };
    Ok(match code.as_str() {
        "EUR" => format!("{sign}€{text}"),
        "USD" => format!("{sign}${text}"),
        "GBP" => format!("{sign}£{text}"),
        "JPY" => format!("{sign}¥{text}"),
        other => format!("{sign}{other}\u{a0}{text}"),
    }
    .into())
}

/// `{{plural properties.count "project" "projects"}}`: the word for that many.
fn plural(helper: &Helper<'_>) -> Result<Value, RenderErrorReason> {
    let count = numeric(helper, "plural")?;
    Ok(param(helper, if count == 1.0 { 1 } else { 2 })?.clone())
}

/// `{{truncate properties.title 40}}`: at most so many characters, the last an ellipsis where some were cut.
fn truncate(helper: &Helper<'_>) -> Result<Value, RenderErrorReason> {
    let text = as_text(param(helper, 0)?, "truncate")?;
    let max = param(helper, 1)?.as_u64().filter(|max| *max > 0);
    let max = max.ok_or_else(|| wrong("truncate", "a number of characters above 0"))? as usize;
    if text.chars().count() <= max {
        return Ok(text.into());
    }
    let kept: String = text.chars().take(max - 1).collect();
    Ok(format!("{}…", kept.trim_end()).into())
}

/// `{{url properties.id}}`: percent-encoded, fit for any part of a link.
fn url(helper: &Helper<'_>) -> Result<Value, RenderErrorReason> {
    let text = as_text(param(helper, 0)?, "url")?;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(encoded.into())
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
fn numeric(helper: &Helper<'_>, word: &str) -> Result<f64, RenderErrorReason> {
    let value = param(helper, 0)?;
    let parsed = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    parsed.filter(|number: &f64| number.is_finite()).ok_or_else(|| wrong(word, "a number"))
}

fn decimals(helper: &Helper<'_>) -> Option<usize> {
    let decimals = helper.hash_get("decimals")?.value().as_u64()?;
    Some((decimals as usize).min(DECIMALS_MAX))
}

fn grouped(number: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", number.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let is_negative = number < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    let mut out = String::from(if is_negative { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
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
mod tests {
    use super::*;
    use serde_json::json;

    fn say(template: &str) -> Result<String, String> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        register(&mut registry);
        let data = json!({
            "name": "<Ada>", "null": null, "empty": "", "n": 1234567.891, "text": "1234.5", "one": 1, "two": 2,
            "at": "2026-03-05T23:30:00Z", "day": "2026-03-05", "cents": 4900, "minus": -3, "list": [1],
        });
        registry.render_template(template, &data).map_err(|error| error.to_string())
    }

    #[test]
    fn each_word_says_what_it_should() {
        let table = [
            (r#"{{default missing "there"}}"#, "there"),
            (r#"{{default null "there"}}{{default empty "!"}}"#, "there!"),
            (r#"{{default name "there"}}"#, "&lt;Ada&gt;"),
            (r#"{{date at}}"#, "5 March 2026"),
            (r#"{{date at "%-d %b, %H:%M" zone="Europe/Paris"}}"#, "6 Mar, 00:30"),
            (r#"{{date day "%A"}}"#, "Thursday"),
            (
                "{{number n}} {{number n decimals=2}} {{number text decimals=1}}",
                "1,234,568 1,234,567.89 1,234.5",
            ),
            ("{{number minus}} {{number one}}", "-3 1"),
            (r#"{{currency n "eur"}} {{currency cents "USD" minor=true}}"#, "€1,234,567.89 $49.00"),
            (r#"{{currency cents "JPY" minor=true}} {{currency minus "CHF"}}"#, "¥4,900 -CHF\u{a0}3.00"),
            (r#"{{plural one "day" "days"}} {{plural two "day" "days"}}"#, "day days"),
            (r#"{{truncate "Grüße an alle" 6}} {{truncate "kurz" 6}}"#, "Grüße… kurz"),
            (r#"{{url "a b/ü?&=<"}} {{url one}}"#, "a%20b%2F%C3%BC%3F%26%3D%3C 1"),
            (r#"{{truncate (default missing "<b>bold</b>") 5}}"#, "&lt;b&gt;b…"),
        ];
        for (template, said) in table {
            assert_eq!(say(template).as_deref(), Ok(said), "{template}");
        }
    }

    #[test]
    fn a_missing_or_unfit_value_is_an_error_that_names_no_data() {
        for template in [
            "{{date missing}}",
            "{{number missing}}",
            "{{date name}}",
            "{{number name}}",
            r#"{{currency one "euros"}}"#,
            r#"{{currency one name}}"#,
            r#"{{date at "%!"}}"#,
            r#"{{date at zone="Mars/Olympus"}}"#,
            "{{truncate name}}",
            "{{truncate name 0}}",
            "{{url list}}",
            "{{default name}}",
            "{{log name}}",
        ] {
            let error = say(template).expect_err(template);
            assert!(!error.contains("Ada"), "{template}: {error}");
        }
        assert!(say("{{number traits.seats}}").unwrap_err().contains("traits.seats"));
    }
}
