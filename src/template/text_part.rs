//! Plain text: the text part of a mail whose template has none, and one line of it.

/// RFC 5322 asks for 78 characters a line; two are left for a reader's quoting.
const WIDTH: usize = 76;
/// More than a paragraph in a product has.
const LINE_CHARS_MAX: usize = 2_000;

/// The text of a rendered HTML mail: links as footnotes, no boxes drawn for layout tables.
pub(super) fn of_html(html: &str) -> Result<String, String> {
    html2text::config::plain()
        .raw_mode(true)
        .no_table_borders()
        .no_link_wrapping()
        .string_from_read(html.as_bytes(), WIDTH)
        .map_err(|error| error.to_string())
}

/// The words of a short piece of HTML, its lines as long as they are, and nothing to mark what was bold or a link.
pub fn text_of_html(html: &str) -> Result<String, String> {
    let text = html2text::config::with_decorator(html2text::render::TrivialDecorator::new())
        .raw_mode(true)
        .string_from_read(html.as_bytes(), LINE_CHARS_MAX)
        .map_err(|error| error.to_string())?;
    Ok(text.trim().to_owned())
}

/// One line: control characters, line separators and runs of space become one space; at most `chars_max` characters.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let is_gap = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let words: Vec<&str> = text.split(is_gap).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_text_with_its_links() {
        let text = of_html("<table role=\"presentation\"><tr><td><h1>Hi &amp; hello</h1><p>See <a href=\"https://x.example/a?b=c\">this</a>.</p></td></tr></table>").unwrap();
        assert!(text.contains("Hi & hello") && text.contains("https://x.example/a?b=c"), "{text}");
        assert!(!text.contains('│') && !text.contains('─'), "{text}");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(one_line(" a\r\nb\0c\u{85}d\u{2028}e  f ", 99), "a b c d e f");
        assert_eq!(one_line("äöü", 2), "äö");
    }
}
