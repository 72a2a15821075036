//! The pages of the development mailbox, `/dev/mailbox`: mails are read and their links clicked. The router has them
//! only when the mailbox is the transport. They need no scripts and no Leptos.

use crate::{
    paths,
    server::mailer::{KeptMail, Mailbox, escape},
};
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use std::io;

/// These pages have no scripts and no forms.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What the pages are made of.
#[derive(Clone, Debug)]
pub struct MailboxPages {
    /// The mails.
    pub mailbox: Mailbox,
    /// Where the site's stylesheet is.
    pub stylesheet: String,
    /// The site's name.
    pub site_name: String,
    /// The public URL; only links that lead there can be clicked.
    pub public_url: String,
}

/// The page that lists all mails, the newest first.
pub async fn list(State(pages): State<MailboxPages>) -> Response {
    let mailbox = pages.mailbox.clone();
    match on_disk(move || mailbox.list()).await {
        Ok(mails) if mails.is_empty() => {
            let body = "<p class=\"muted\">No mail yet. Ask for a password reset, and it arrives here.</p>";
            pages.page(StatusCode::OK, "Mailbox", body)
        }
        Ok(mails) => {
            let rows: String = mails.iter().map(row).collect();
            pages.page(StatusCode::OK, "Mailbox", &format!("<ul class=\"mails\">{rows}</ul>"))
        }
        Err(error) => pages.failed(&error),
    }
}

/// The page of one mail.
pub async fn mail(State(pages): State<MailboxPages>, Path(id): Path<String>) -> Response {
    let mailbox = pages.mailbox.clone();
    match on_disk(move || mailbox.find(&id)).await {
        Ok(Some(mail)) => pages.page(StatusCode::OK, &mail.subject, &pages.letter(&mail)),
        Ok(None) => pages.page(StatusCode::NOT_FOUND, "No such mail", &back()),
        Err(error) => pages.failed(&error),
    }
}

impl MailboxPages {
    fn page(&self, status: StatusCode, title: &str, body: &str) -> Response {
        let (title, site, stylesheet) = (escape(title), escape(&self.site_name), escape(&self.stylesheet));
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} – {site}</title>\n<link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\n<link rel=\"stylesheet\" href=\"{stylesheet}\">\n</head>\n\
             <body>\n<main class=\"mailbox\">\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
        );
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_SECURITY_POLICY, POLICY)];
        (status, headers, Html(page)).into_response()
    }

    fn letter(&self, mail: &KeptMail) -> String {
        format!(
            "<p class=\"muted\">To {}, {}</p>\n\
             <article class=\"card mail\">{}</article>\n{}",
            escape(&mail.to),
            when(mail),
            self.with_links(&mail.text),
            back()
        )
    }

    /// `text` as HTML in which our own addresses can be clicked.
    fn with_links(&self, text: &str) -> String {
        text.split_inclusive(char::is_whitespace)
            .map(|piece| {
                let word = piece.trim_end();
                let space = escape(&piece[word.len()..]);
                let word_as_html = escape(word);
                if self.is_ours(word) {
                    format!("<a class=\"link\" href=\"{word_as_html}\">{word_as_html}</a>{space}")
                } else {
                    word_as_html + &space
                }
            })
            .collect()
    }

    fn is_ours(&self, word: &str) -> bool {
        let web = self.public_url.starts_with("http://") || self.public_url.starts_with("https://");
        // What follows must end the host: `http://localhost:3000.evil.test` begins with our URL, too.
        let rest = word.strip_prefix(&self.public_url);
        web && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    }

    fn failed(&self, error: &io::Error) -> Response {
        tracing::error!(%error, "the development mailbox cannot be read");
        let body = "<p>The mailbox cannot be read. The log says why.</p>";
        self.page(StatusCode::INTERNAL_SERVER_ERROR, "Mailbox", body)
    }
}

fn row(mail: &KeptMail) -> String {
    format!(
        "<li class=\"card\"><a class=\"link\" href=\"{}\">{}</a><p class=\"muted\">To {}, {}</p></li>",
        escape(&paths::mailbox_mail(&mail.id)),
        escape(&mail.subject),
        escape(&mail.to),
        when(mail)
    )
}

fn when(mail: &KeptMail) -> String {
    format!("<time datetime=\"{}\">{}</time>", mail.at.rfc3339(), mail.at.minute())
}

fn back() -> String {
    format!("<p><a class=\"link\" href=\"{}\">All mails</a></p>", paths::MAILBOX)
}

async fn on_disk<T: Send + 'static>(read: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other).flatten()
}
