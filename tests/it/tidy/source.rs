//! A source file taken apart as far as the checks need: code without comments and texts, and the texts alone.

/// `code` has the bytes of the file with every comment, string and character literal blanked, line by line as it was.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    pub code: String,
    /// The string literals, each with the line it begins on, counted from 1.
    pub strings: Vec<(usize, String)>,
}

pub struct Function {
    pub name: String,
    /// Where `fn` stands, counted from 1.
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let (code, strings) =
            Scanner { text: text.as_bytes(), at: 0, code: Vec::new(), strings: Vec::new() }.scan();
        Source { path: path.to_owned(), code, strings }
    }

    /// All functions with a body, those within others too.
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for at in words(&self.code, "fn") {
            let rest = self.code[at + 2..].trim_start();
            let name: String = rest.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
            // `fn(u8) -> u8` is a type, and a trait's method may have no body.
            let Some(end) = (!name.is_empty()).then(|| end_of_body(&self.code, at)).flatten() else {
                continue;
            };
            let lines = self.code[at..end].matches('\n').count() + 1;
            functions.push(Function { name, line: self.line(at), lines });
        }
        functions
    }

    /// The code without its `#[cfg(test)]` parts.
    pub fn shipped(&self) -> String {
        let mut code = self.code.clone();
        while let Some(at) = code.find("#[cfg(test)]") {
            let end = end_of_body(&code, at).unwrap_or_else(|| at + "#[cfg(test)]".len());
            let blank: String = code[at..end].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
            code.replace_range(at..end, &blank);
        }
        code
    }

    /// The line of a byte of `code`, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

/// Where `word` stands in `code` as a whole word.
pub fn words<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = usize> + 'c {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !code[..at].ends_with(part_of_word) && !code[at + word.len()..].starts_with(part_of_word)
    })
}

/// Behind the closing brace of the item that begins at `at`; none if it ends with a semicolon instead.
fn end_of_body(code: &str, at: usize) -> Option<usize> {
    let mut brackets = 0_i32;
    let mut braces = 0_i32;
    for (offset, byte) in code[at..].bytes().enumerate() {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 && brackets == 0 {
                    return Some(at + offset + 1);
                }
            }
            b';' if braces == 0 && brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    code: Vec<u8>,
    strings: Vec<(usize, String)>,
}

impl Scanner<'_> {
    fn scan(mut self) -> (String, Vec<(usize, String)>) {
        while self.at < self.text.len() {
            match self.text[self.at] {
                b'/' if self.ahead(b"//") => self.blank_until(|rest| rest.starts_with(b"\n")),
                b'/' if self.ahead(b"/*") => self.block_comment(),
                b'"' => self.string(None),
                b'r' if self.raw_hashes().is_some() => {
                    let hashes = self.raw_hashes();
                    self.blank(1 + hashes.unwrap_or_default());
                    self.string(hashes);
                }
                b'\'' => self.quote(),
                byte => {
                    self.code.push(byte);
                    self.at += 1;
                }
            }
        }
        (String::from_utf8_lossy(&self.code).into_owned(), self.strings)
    }

    fn ahead(&self, bytes: &[u8]) -> bool {
        self.text[self.at..].starts_with(bytes)
    }

    /// Passes over bytes, blanking all but line ends.
    fn blank(&mut self, count: usize) {
        for _ in 0..count.min(self.text.len() - self.at) {
            self.code.push(if self.text[self.at] == b'\n' { b'\n' } else { b' ' });
            self.at += 1;
        }
    }

    fn blank_until(&mut self, end: impl Fn(&[u8]) -> bool) {
        while self.at < self.text.len() && !end(&self.text[self.at..]) {
            self.blank(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.text.len() {
            if self.ahead(b"/*") {
                depth += 1;
                self.blank(2);
            } else if self.ahead(b"*/") {
                depth -= 1;
                self.blank(2);
            } else {
                self.blank(1);
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// At an `r`: how many `#` stand before the quote of a raw string; none if it is no raw string.
    fn raw_hashes(&self) -> Option<usize> {
        let before = self.code.last().copied().unwrap_or(b' ');
        if (before.is_ascii_alphanumeric() || before == b'_') && before != b'b' && before != b'c' {
            return None;
        }
        let hashes = self.text[self.at + 1..].iter().take_while(|&&byte| byte == b'#').count();
        (self.text.get(self.at + 1 + hashes) == Some(&b'"')).then_some(hashes)
    }

    /// At the opening quote; `raw` is the number of `#` of a raw string.
    fn string(&mut self, raw: Option<usize>) {
        let line = self.code.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let close = [b"\"".as_slice(), &b"#".repeat(raw.unwrap_or(0))].concat();
        self.blank(1);
        let start = self.at;
        while self.at < self.text.len() && !self.ahead(&close) {
            let escaped = raw.is_none() && self.text[self.at] == b'\\';
            self.blank(if escaped { 2 } else { 1 });
        }
        self.strings.push((line, String::from_utf8_lossy(&self.text[start..self.at]).into_owned()));
        self.blank(close.len());
    }

    /// At a `'`: a character is blanked, a lifetime stays.
    fn quote(&mut self) {
        let rest = &self.text[self.at + 1..];
        let text = String::from_utf8_lossy(&rest[..rest.len().min(16)]).into_owned();
        let is_character = text.starts_with('\\') || text.chars().nth(1) == Some('\'');
        if !is_character {
            self.blank(1);
            return;
        }
        self.blank(if text.starts_with('\\') { 3 } else { 2 });
        self.blank_until(|rest| rest.starts_with(b"'"));
        self.blank(1);
    }
}
