//! What stands around keys and values: comments and blank lines.

/// The comments of a file's head, which belong to no key, and the rest: `#:schema …` in the first line, and comments
/// that a blank line parts from the first key.
pub(super) fn split_head(text: &str) -> (String, &str) {
    let mut head_end = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_schema = at == 0 && line.starts_with("#:schema");
        let is_blank = line.trim().is_empty();
        if !is_blank && !line.trim_start().starts_with('#') {
            break;
        }
        at += line.len();
        if is_schema || is_blank {
            head_end = at;
        }
    }
    let (head, body) = text.split_at(head_end);
    let head = lines(head, false);
    (head, body)
}

/// Comments, each on a line of its own without indent, and single blank lines between; `keeps_first`: a blank line may
/// begin them.
pub(super) fn lines(text: &str, keeps_first: bool) -> String {
    let mut out = String::new();
    let mut is_blank_due = false;
    // What stands behind the last line end is the indent of the key.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in complete.split('\n').filter(|_| !text.is_empty() && text.contains('\n')) {
        let line = line.trim();
        if line.is_empty() {
            is_blank_due = true;
            continue;
        }
        if is_blank_due && (!out.is_empty() || keeps_first) {
            out.push('\n');
        }
        is_blank_due = false;
        out.push_str(line);
        out.push('\n');
    }
    if is_blank_due && (!out.is_empty() || keeps_first) {
        out.push('\n');
    }
    out
}

/// A comment behind a value: the spaces before it are its writer's, who may have lined several up.
pub(super) fn behind(text: &str) -> String {
    let comment = text.trim();
    if comment.is_empty() {
        return String::new();
    }
    let spaces = text.len() - text.trim_start().len();
    format!("{}{comment}", " ".repeat(spaces.max(1)))
}
