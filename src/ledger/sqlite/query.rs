//! Queries by name, taken out of the `.sql` files when the program is compiled: a wrong name does not compile.

/// The text of the query that stands under `-- name: {name}` in `file`, up to the next name.
pub(super) const fn query(file: &'static str, name: &str) -> &'static str {
    let mut rest = file;
    loop {
        let Some((_, after)) = split(rest, "-- name: ") else { panic!("no query of this name in the file") };
        let Some((found, body)) = split(after, "\n") else { panic!("a name without a query") };
        let text = match split(body, "-- name: ") {
            Some((text, _)) => text,
            None => body,
        };
        if is_equal(found.as_bytes(), name.as_bytes()) {
            return text;
        }
        rest = body;
    }
}

/// What stands before and after the first `mark`.
const fn split(text: &'static str, mark: &str) -> Option<(&'static str, &'static str)> {
    let mut at = 0;
    while at + mark.len() <= text.len() {
        let (before, rest) = text.as_bytes().split_at(at);
        let (candidate, after) = rest.split_at(mark.len());
        if is_equal(candidate, mark.as_bytes()) {
            let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else {
                panic!("a file of queries is UTF-8")
            };
            return Some((before, after));
        }
        at += 1;
    }
    None
}

const fn is_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "-- a file\n-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2;\n";

    #[test]
    fn a_query_ends_where_the_next_begins() {
        assert_eq!(query(FILE, "one").trim(), "SELECT 1;");
        assert_eq!(query(FILE, "two").trim(), "-- why\nSELECT 2;");
    }

    /// SQLite binds `$1`, `$2` by the order in which they first appear, not by number.
    #[test]
    fn placeholders_of_every_query_first_appear_in_order() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ledger/sql");
        let mut queries = 0;
        for item in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if item.path().extension().is_none_or(|extension| extension != "sql") {
                continue;
            }
            let file = std::fs::read_to_string(item.path()).unwrap();
            for text in file.split("-- name: ").skip(1) {
                let mut highest = 0;
                for after in text.split('$').skip(1) {
                    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
                    let number: u32 = digits.parse().unwrap();
                    assert!(number <= highest + 1, "{}: {text}", item.path().display());
                    highest = highest.max(number);
                }
                queries += 1;
            }
        }
        assert!(queries > 30, "{queries}");
    }
}
