//! Rows as CSV (RFC 4180), with the ends of lines of this system. What there is none of is empty.

use std::io::{self, Write};

/// Writes one record.
pub fn write<'v>(out: &mut impl Write, values: impl IntoIterator<Item = Option<&'v str>>) -> io::Result<()> {
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        let value = value.unwrap_or_default();
        if value.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", value.replace('"', "\"\""))?;
        } else {
            out.write_all(value.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_would_break_a_record_is_quoted() {
        let mut out = Vec::new();
        super::write(&mut out, [Some("a"), None, Some("b,\"c\"\nd"), Some("é")]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a,,\"b,\"\"c\"\"\nd\",é\n");
    }
}
