//! What the mails say. Each is written once, as blocks, and rendered to text and to HTML, so the two cannot differ.
//!
//! The HTML has no tables, pictures or colours of its own: it takes the reader's light or dark scheme.

use crate::domain::time::Timestamp;

/// A part of a mail.
enum Block {
    Paragraph(String),
    Link { label: &'static str, url: String },
    Code(String),
}

/// A mail's words, rendered.
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// A secret of a reset mail and its life.
pub(super) struct Lived {
    /// The link, or the code of eight digits.
    pub(super) value: String,
    /// Seconds that it works from now on.
    pub(super) left: i64,
    /// Until when.
    pub(super) until: Timestamp,
}

/// Who writes to whom.
pub(super) struct Greeting<'a> {
    pub(super) site: &'a str,
    pub(super) name: &'a str,
}

/// The mail with which a password is reset. The code may be dead already when the mail was delayed; then it is left out.
pub(super) fn password_reset(greeting: &Greeting<'_>, link: Lived, code: Option<Lived>) -> Words {
    let site = greeting.site;
    let mut blocks = vec![
        paragraph(format!("Somebody, we hope you, asked to choose a new password for your account at {site}.")),
        Block::Link { label: "Choose a new password", url: link.value },
        paragraph(format!("The link works once, for {}, until {}.", minutes(link.left), link.until.minute())),
    ];
    if let Some(code) = code {
        blocks.push(paragraph("Or type this code on the page where you asked for this mail:"));
        blocks.push(Block::Code(in_two_halves(&code.value)));
        blocks.push(paragraph(format!(
            "The code works only in the browser that asked, for {}, until {}.",
            minutes(code.left),
            code.until.minute()
        )));
    }
    blocks.push(paragraph(
        "If it was not you, ignore this mail: your password stays as it is. Give the link and the code to nobody; \
         we never ask for them.",
    ));
    render(greeting, format!("Choose a new password for {site}"), &blocks)
}

/// The notice after a reset.
pub(super) fn password_reset_done(greeting: &Greeting<'_>, at: Timestamp, reset_page: String) -> Words {
    let site = greeting.site;
    let blocks = [
        paragraph(format!("The password of your account at {site} was changed on {}.", at.minute())),
        paragraph("You were signed out everywhere. Sign in with the new password."),
        paragraph(
            "If it was not you, somebody can read your mail. Secure your mailbox first, then choose a new password:",
        ),
        Block::Link { label: "Choose a new password", url: reset_page },
    ];
    render(greeting, format!("Your password for {site} was changed"), &blocks)
}

/// The notice that a session was ended because it had two holders.
pub(super) fn session_theft(greeting: &Greeting<'_>, at: Timestamp, reset_page: String) -> Words {
    let site = greeting.site;
    let blocks = [
        paragraph(format!(
            "On {} one of your sign-ins at {site} was used in two places. We ended it, so that neither can go on with it.",
            at.minute()
        )),
        paragraph(
            "That happens when somebody copies the sign-in from a browser, and sometimes when a browser is restored \
             from a backup. Your other sign-ins and your password are unchanged.",
        ),
        paragraph("If you restored nothing, check that device for unwanted software and choose a new password:"),
        Block::Link { label: "Choose a new password", url: reset_page },
    ];
    render(greeting, format!("We ended one of your sign-ins at {site}"), &blocks)
}

/// The notice that somebody tried to register with an address that has an account.
pub(super) fn registration_attempt(
    greeting: &Greeting<'_>,
    at: Timestamp,
    login_page: String,
    reset_page: String,
) -> Words {
    let site = greeting.site;
    let blocks = [
        paragraph(format!(
            "On {} somebody tried to register at {site} with this address. You have an account already, so nothing \
             was changed.",
            at.minute()
        )),
        paragraph("If it was you, sign in instead:"),
        Block::Link { label: "Sign in", url: login_page },
        paragraph("If you no longer know your password:"),
        Block::Link { label: "Choose a new password", url: reset_page },
        paragraph("If it was not you, there is nothing to do."),
    ];
    render(greeting, format!("You already have an account at {site}"), &blocks)
}

fn paragraph(text: impl Into<String>) -> Block {
    Block::Paragraph(text.into())
}

fn render(greeting: &Greeting<'_>, subject: String, blocks: &[Block]) -> Words {
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

/// Whether a name can stand in a greeting. Somebody can register a stranger's address under the name "win at
/// www.evil.test"; mail programs would make that a link in a mail of ours.
fn is_a_calm_name(name: &str) -> bool {
    let dotted = name.split('.').skip(1).any(|after| after.chars().next().is_some_and(|c| !c.is_whitespace()));
    !name.trim().is_empty()
        && name.chars().count() <= 50
        && !dotted
        && !name.chars().any(|character| character.is_control() || "/\\:@<>".contains(character))
}

/// Seconds as minutes, rounded up; the exact end stands beside it.
fn minutes(seconds: i64) -> String {
    match seconds.saturating_add(59) / 60 {
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// `12345678` as `1234 5678`, which is read and typed more easily.
fn in_two_halves(code: &str) -> String {
    match code.split_at_checked(code.len() / 2) {
        Some((first, second)) => format!("{first} {second}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reset(name: &str, code: Option<&str>) -> Words {
        let until = Timestamp(1_795_190_580);
        let link = Lived { value: "https://a.test/r?uid=1&token=x".to_owned(), left: 1800, until };
        let code = code.map(|value| Lived { value: value.to_owned(), left: 541, until });
        password_reset(&Greeting { site: "Tea & Co", name }, link, code)
    }

    #[test]
    fn a_reset_mail_says_how_long_its_secrets_live() {
        let words = reset("Mona", Some("12345678"));
        assert!(words.text.starts_with("Hello Mona,\n\n"));
        assert!(words.text.contains("for 30 minutes, until 20 November 2026, 16:03 UTC"));
        assert!(words.text.contains("\n    1234 5678\n"));
        assert!(words.text.contains("for 10 minutes"));
        assert!(words.text.contains("\nhttps://a.test/r?uid=1&token=x\n"));
        assert!(words.html.contains("href=\"https://a.test/r?uid=1&amp;token=x\""));
        assert!(words.html.contains(">1234 5678<"));
    }

    #[test]
    fn a_dead_code_is_not_mailed() {
        let words = reset("Mona", None);
        assert!(!words.text.contains("code on the page") && !words.html.contains("code on the page"));
    }

    #[test]
    fn names_are_text_and_never_markup_links_or_lines() {
        assert!(reset("O'Neil & <b>", None).text.starts_with("Hello,"));
        assert!(reset("Zoë O'Neil & J. Söhne", None).html.contains("Hello Zoë O&#39;Neil &amp; J. Söhne,"));
        for name in ["www.evil.test", "https://evil.test", "a@evil.test", "Mona\nBcc: x", "", "  ", &"x".repeat(51)] {
            assert!(reset(name, None).text.starts_with("Hello,\n"), "{name:?}");
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        let words =
            session_theft(&Greeting { site: "Tea\r\nBcc: x", name: "Mona" }, Timestamp(0), "https://a.test".to_owned());
        assert_eq!(words.subject, "We ended one of your sign-ins at Tea  Bcc: x");
    }
}
