//! Where requests begin and end in a connection's bytes, as far as hyper does not tell: a head with both `Content-Length`
//! and `Transfer-Encoding` (request smuggling, RFC 9112 section 6.3) is noticed; hyper alone would drop the length and go on.

use std::io::BufRead as _;

/// No name or value that matters here is longer, blanks before the value not counted.
const LINE_LIMIT: usize = 64;
/// What a line that matters begins with: a field that does, or the end of the head.
const MATTER: [u8; 6] = *b"cCtT\r\n";

/// Where in the stream of requests the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Before a head; blank lines are skipped here (RFC 9112 section 2.2).
    Between,
    Head,
    /// In a body with so many bytes to come.
    Body(u64),
    /// After this the connection is closed, so there is nothing to find any more.
    Rest,
}

/// What of a connection's bytes tells where its requests begin and end.
#[derive(Debug)]
pub(super) struct Framing {
    /// Where the next byte belongs.
    pub(super) part: Part,
    line: Vec<u8>,
    first_line: bool,
    length: Option<u64>,
    chunked: bool,
    /// A head came whose end of body can be read in two ways.
    pub(super) ambiguous: bool,
}

impl Framing {
    pub(super) const fn new() -> Self {
        Self { part: Part::Between, line: Vec::new(), first_line: true, length: None, chunked: false, ambiguous: false }
    }

    /// Takes what came next.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.part {
                Part::Between if matches!(byte, b'\r' | b'\n') => bytes = rest,
                Part::Between => {
                    let line = std::mem::take(&mut self.line);
                    *self = Self { part: Part::Head, line, ..Self::new() };
                }
                Part::Head => bytes = self.head(bytes),
                Part::Body(left) => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left.saturating_sub(taken as u64);
                    self.part = if left == 0 { Part::Between } else { Part::Body(left) };
                    bytes = bytes.get(taken..).unwrap_or_default();
                }
                Part::Rest => return,
            }
        }
    }

    /// Takes the rest of a line, or what there is of it, and answers what follows.
    fn head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        // Memory can be read.
        let taken = rest.skip_until(b'\n').unwrap_or(bytes.len());
        let line = bytes.get(..taken).unwrap_or_default();
        let is_whole = self.line.is_empty() && line.ends_with(b"\n");
        // Most of a head are its first line, which is not blank, and fields that nobody here looks at.
        if is_whole && (self.first_line || !line.first().is_some_and(|first| MATTER.contains(first))) {
            self.first_line = false;
            return rest;
        }
        for &byte in line {
            let blank_before_value = matches!(byte, b' ' | b'\t') && self.line.last() == Some(&b':');
            if self.line.len() == LINE_LIMIT {
                break;
            }
            if !matches!(byte, b'\r' | b'\n') && !blank_before_value {
                self.line.push(byte);
            }
        }
        if line.ends_with(b"\n") {
            self.end_of_line();
        }
        rest
    }

    fn end_of_line(&mut self) {
        if self.line.is_empty() {
            self.end_of_head();
        } else if !self.first_line {
            self.field();
        }
        self.first_line = false;
        self.line.clear();
    }

    /// Its fields are those that [`MATTER`] knows by their first letters.
    fn field(&mut self) {
        let Some(colon) = self.line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = self.line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.get(1..).unwrap_or_default().trim_ascii();
            let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits);
            let length = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
            // Unreadable, or two that differ: hyper refuses these as well; here they only must not be lost track of.
            self.ambiguous |= length.is_none() || self.length.is_some_and(|other| Some(other) != length);
            self.length = length.or(self.length);
        }
    }

    fn end_of_head(&mut self) {
        self.ambiguous |= self.chunked && self.length.is_some();
        self.part = match self.length {
            _ if self.ambiguous || self.chunked => Part::Rest,
            Some(length) if length > 0 => Part::Body(length),
            _ => Part::Between,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(text: &str) -> Framing {
        let in_parts_of = |size| {
            let mut framing = Framing::new();
            text.as_bytes().chunks(size).for_each(|part| framing.read(part));
            framing
        };
        let at_once = in_parts_of(text.len());
        // However it arrives.
        for size in 1..text.len() {
            let framing = in_parts_of(size);
            assert_eq!((framing.part, framing.ambiguous), (at_once.part, at_once.ambiguous), "{size} of {text:?}");
        }
        at_once
    }

    #[test]
    fn a_length_beside_a_transfer_encoding_is_ambiguous_in_either_order_and_spelling() {
        for head in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "transfer-encoding:chunked\r\nX: y\r\nCONTENT-LENGTH:\t 0\r\n",
            "content-length: 4\ntransfer-encoding: identity\n",
            "content-length: 4\r\ncontent-length: 5\r\n",
            "content-length: +4\r\n",
            "content-length: 4, 4\r\n",
        ] {
            assert!(framing(&format!("POST / HTTP/1.1\r\n{head}\r\n")).ambiguous, "{head:?}");
        }
    }

    #[test]
    fn requests_one_after_the_other_are_told_apart() {
        let first = "POST /a HTTP/1.1\r\ncontent-length: 24\r\n\r\ntransfer-encoding: x\r\n\r\n";
        assert_eq!(framing(first).part, Part::Between);
        let second = "\r\nGET /b:c HTTP/1.1\r\nhost: h\r\n";
        assert_eq!(framing(&format!("{first}{second}")).part, Part::Head);
        let both = framing(&format!("{first}{second}\r\n"));
        assert_eq!((both.part, both.ambiguous), (Part::Between, false));
        let third = "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(framing(&format!("{first}{second}\r\n{third}")).ambiguous);
    }

    #[test]
    fn a_chunked_body_alone_is_no_fault() {
        let chunked = framing("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n");
        assert_eq!((chunked.part, chunked.ambiguous), (Part::Rest, false));
    }
}
