//! How mails look. Each is written once, as blocks, and rendered to text and to HTML, so the two cannot differ.
//!
//! The HTML has no tables, pictures or colours of its own: it takes the reader's light or dark scheme.

use super::{Greeting, Words, calm::is_a_calm_name};

/// A part of a mail.
pub(super) enum Block {
    Paragraph(String),
    Link { label: &'static str, url: String },
    Code(String),
}

/// A paragraph of running text.
pub(super) fn paragraph(text: impl Into<String>) -> Block {
    Block::Paragraph(text.into())
}

/// A mail of these blocks, with its greeting and the site's name below.
pub(super) fn render(greeting: &Greeting<'_>, subject: String, blocks: &[Block]) -> Words {
    let subject = one_line(&subject);
    let hello = if is_a_calm_name(greeting.name) { format!("Hello {},", greeting.name) } else { "Hello,".to_owned() };
    let blocks = [&[paragraph(hello)], blocks, &[paragraph(greeting.site)]];
    let blocks = || blocks.iter().copied().flatten();
    let text = blocks().map(text_of).collect::<Vec<_>>().join("\n\n") + "\n";
    let body: String = blocks().map(html_of).collect();
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>{}</title>\n</head>\n\
         <body style=\"margin:0 auto;padding:24px;max-width:36em;font-family:system-ui,sans-serif;font-size:16px;\
         line-height:1.5\">\n{body}</body>\n</html>\n",
        escape(&subject)
    );
    Words { subject, text, html }
}

fn text_of(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => text.clone(),
        Block::Link { label, url } => format!("{label}:\n{url}"),
        Block::Code(code) => format!("    {code}"),
    }
}

fn html_of(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => format!("<p style=\"margin:0 0 16px\">{}</p>\n", escape(text)),
        Block::Link { label, url } => {
            let url = escape(url);
            // The address stands there too, for programs that show no links and for people who look before they click.
            format!(
                "<p style=\"margin:0 0 16px\"><a href=\"{url}\" style=\"font-weight:600\">{}</a><br>\
                 <span style=\"font-size:13px;word-break:break-all\">{url}</span></p>\n",
                escape(label)
            )
        }
        Block::Code(code) => format!(
            "<p style=\"margin:0 0 16px;font-family:ui-monospace,monospace;font-size:28px;letter-spacing:2px\">{}</p>\n",
            escape(code)
        ),
    }
}

/// `text` as HTML text or as the value of a quoted attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// `text` with every control character turned into a space: a header must stay one line.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(site: &str, name: &str) -> Words {
        let link = Block::Link { label: "Here & now", url: "https://a.test/r?uid=1&token=x".to_owned() };
        let blocks = [paragraph("<b>1 < 2</b>"), link, Block::Code("1234 5678".to_owned())];
        render(&Greeting { site, name }, format!("News from {site}"), &blocks)
    }

    #[test]
    fn both_parts_say_the_same() {
        let words = mail("Tea & Co", "Mona");
        assert_eq!(
            words.text,
            "Hello Mona,\n\n<b>1 < 2</b>\n\nHere & now:\nhttps://a.test/r?uid=1&token=x\n\n    1234 5678\n\nTea & Co\n"
        );
        for part in
            [">Hello Mona,<", ">&lt;b&gt;1 &lt; 2&lt;/b&gt;<", ">Here &amp; now<", ">1234 5678<", ">Tea &amp; Co<"]
        {
            assert!(words.html.contains(part), "{part}");
        }
        assert!(words.html.contains("href=\"https://a.test/r?uid=1&amp;token=x\""));
    }

    #[test]
    fn names_are_text_and_never_markup_links_or_lines() {
        assert!(mail("Tea & Co", "O'Neil & <b>").text.starts_with("Hello,"));
        assert!(mail("Tea & Co", "Zoë O'Neil & J. Söhne").html.contains("Hello Zoë O&#39;Neil &amp; J. Söhne,"));
        for name in ["www.evil.test", "https://evil.test", "a@evil.test", "Mona\nBcc: x", "", "  ", &"x".repeat(51)] {
            assert!(mail("Tea & Co", name).text.starts_with("Hello,\n"), "{name:?}");
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(mail("Tea\r\nBcc: x", "Mona").subject, "News from Tea  Bcc: x");
    }
}
