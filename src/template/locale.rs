//! Languages: which there are, and which of a template's a person is spoken to in.
//!
//! Somebody's locale is `traits.locale`, else `context.locale` of the record that completed the trigger. It falls back
//! from the special to the general (`de-AT`, `de`) among the languages that a template has, and then to the project's.

use icu_locale_core::LanguageIdentifier;
use serde_json::Value;

/// What is spoken where nothing else is known: the project's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// A BCP 47 tag in its usual form.
    pub locale: String,
    /// An IANA name of the bundled zone data.
    pub timezone: String,
}

impl Default for Home {
    fn default() -> Home {
        Home { locale: "en".into(), timezone: "UTC".into() }
    }
}

/// The languages of ISO 639-1. Those with three letters are taken as they come: there are thousands.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy \
    da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii \
    ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr \
    ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl \
    sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh \
    zu";

/// A tag in its usual form (`de-AT`), where it is one and its language is known. `de_at` is taken too: products write so.
pub fn known_locale(text: &str) -> Option<String> {
    let id = LanguageIdentifier::try_from_str(&text.trim().replace('_', "-")).ok()?;
    let language = id.language.as_str();
    let is_known =
        language.len() == 3 && language != "und" || LANGUAGES.split(' ').any(|known| known == language);
    is_known.then(|| id.to_string())
}

/// A tag and what it falls back to: `de-AT`, `de`.
pub(super) fn chain(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| tag.rsplit_once('-').map(|(general, _)| general))
}

pub(super) fn language(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// What the data of a message say of the person's locale.
pub(super) fn wanted(context: &Value) -> Option<String> {
    let said = |root: &str| context.get(root)?.get("locale")?.as_str().and_then(known_locale);
    said("traits").or_else(|| said("context"))
}

/// The zone of the person's clock: `traits.timezone`, else `context.timezone` of the record, else the project's.
pub(super) fn timezone<'c>(context: &'c Value, home: &'c Home) -> &'c str {
    let said = |root: &str| context.get(root)?.get("timezone")?.as_str();
    let is_known = |name: &&str| jiff::tz::TimeZoneDatabase::bundled().get(name).is_ok();
    let known = said("traits").filter(is_known).or_else(|| said("context").filter(is_known));
    known.unwrap_or(&home.timezone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_locale_falls_back_to_its_language_and_odd_forms_are_understood() {
        assert_eq!(chain("zh-Hant-TW").collect::<Vec<_>>(), ["zh-Hant-TW", "zh-Hant", "zh"]);
        assert_eq!(known_locale("de_at").as_deref(), Some("de-AT"));
        for unknown in ["", "german", "xx", "de-", "und", "<b>"] {
            assert_eq!(known_locale(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_trait_comes_before_the_record_and_what_is_no_locale_or_zone_is_passed_over() {
        let context = json!({ "traits": { "locale": "?", "timezone": "Mars/Olympus" },
            "context": { "locale": "fr-CA", "timezone": "America/Montreal" } });
        assert_eq!(wanted(&context).as_deref(), Some("fr-CA"));
        assert_eq!(timezone(&context, &Home::default()), "America/Montreal");
        assert_eq!(
            wanted(&json!({ "traits": { "locale": "de" }, "context": { "locale": "fr" } })).as_deref(),
            Some("de")
        );
        assert_eq!(timezone(&json!({}), &Home::default()), "UTC");
    }
}
