//! JSON texts: a syntax check, and a writer for event data. A full JSON library would double the size of the module.

/// Deeper nesting than this is refused, so that every reader of the row can parse it by recursion.
const MAX_DEPTH: usize = 128;

pub struct Problem {
    pub reason: &'static str,
    pub at: usize,
}

/// Whether the text is one JSON value (RFC 8259) and nothing else.
pub fn check(text: &str) -> Result<(), Problem> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.skip_space();
    scanner.value(0)?;
    scanner.skip_space();
    if scanner.at == scanner.bytes.len() {
        Ok(())
    } else {
        Err(scanner.problem("unexpected text after the value"))
    }
}

/// Whether a text that passed `check` is an object.
pub fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn problem(&self, reason: &'static str) -> Problem {
        Problem { reason, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), Problem> {
        if depth > MAX_DEPTH {
            return Err(self.problem("nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.members(b'}', depth),
            Some(b'[') => self.members(b']', depth),
            Some(b'"') => self.string(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.problem("unexpected character")),
            None => Err(self.problem("unexpected end")),
        }
    }

    /// The inside of an object or an array, which differ in their end and in having keys.
    fn members(&mut self, end: u8, depth: usize) -> Result<(), Problem> {
        self.at += 1;
        self.skip_space();
        if self.take(end) {
            return Ok(());
        }
        loop {
            if end == b'}' {
                if self.peek() != Some(b'"') {
                    return Err(self.problem("expected a key"));
                }
                self.string()?;
                self.skip_space();
                if !self.take(b':') {
                    return Err(self.problem("expected a colon"));
                }
                self.skip_space();
            }
            self.value(depth + 1)?;
            self.skip_space();
            if self.take(end) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.problem("expected a comma or the end of the list"));
            }
            self.skip_space();
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Problem> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.problem("unexpected character"))
        }
    }

    fn digits(&mut self) -> Result<(), Problem> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            Err(self.problem("expected a digit"))
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<(), Problem> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Problem> {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.problem("unterminated string")),
                Some(0..=0x1f) => return Err(self.problem("control character in a string")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Problem> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    match self.peek() {
                        Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                        _ => return Err(self.problem("expected a hexadecimal digit")),
                    }
                }
            }
            _ => return Err(self.problem("unknown escape")),
        }
        Ok(())
    }
}

/// An object being written. Keys are added in alphabetical order, which makes the text canonical.
pub struct Object {
    text: String,
}

impl Object {
    pub fn new() -> Self {
        Object { text: String::from("{") }
    }

    /// A member whose value is JSON text already.
    pub fn raw(mut self, key: &str, json: &str) -> Self {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        quote(key, &mut self.text);
        self.text.push(':');
        self.text.push_str(json);
        self
    }

    pub fn text(self, key: &str, value: &str) -> Self {
        let mut quoted = String::with_capacity(value.len() + 2);
        quote(value, &mut quoted);
        self.raw(key, &quoted)
    }

    pub fn optional(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    pub fn flag(self, key: &str, value: bool) -> Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    pub fn count(self, key: &str, value: usize) -> Self {
        self.raw(key, &value.to_string())
    }

    pub fn float(self, key: &str, value: f64) -> Self {
        self.raw(key, &format!("{value:?}"))
    }

    pub fn texts(self, key: &str, values: &[impl AsRef<str>]) -> Self {
        let mut list = String::from("[");
        for (position, value) in values.iter().enumerate() {
            if position > 0 {
                list.push(',');
            }
            quote(value.as_ref(), &mut list);
        }
        list.push(']');
        self.raw(key, &list)
    }

    pub fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}
