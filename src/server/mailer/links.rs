//! Where the links of mails lead: to our own pages, or to those of the front end that asked for the mail.

use crate::server::{settings::Settings, store::outbox::MailKind};

/// The addresses of both, from the settings.
#[derive(Clone)]
pub(super) struct Links {
    public_url: String,
    front_end: String,
    reset_path: String,
    activation_path: String,
    username_path: String,
}

impl Links {
    /// The addresses that the settings say.
    pub(super) fn new(settings: &Settings) -> Self {
        let compat = &settings.compat;
        Self {
            public_url: settings.server.public_url.clone(),
            front_end: compat.front_end.clone(),
            reset_path: compat.reset_path.clone(),
            activation_path: compat.activation_path.clone(),
            username_path: compat.username_path.clone(),
        }
    }

    /// A page of ours.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }

    /// Whether the front end has a page for mails of this kind.
    pub(super) fn leads_away(&self, kind: MailKind) -> bool {
        self.path(kind).is_some()
    }

    /// The link to the front end's page, if it has one. Both values are base64url: they fit into a path and a query.
    pub(super) fn away(&self, kind: MailKind, uid: &str, token: &str) -> Option<String> {
        let path = self.path(kind)?.replace("{uid}", uid).replace("{token}", token);
        Some(format!("{}{path}", self.front_end))
    }

    fn path(&self, kind: MailKind) -> Option<&str> {
        let path = match kind {
            MailKind::PasswordReset => &self.reset_path,
            MailKind::EmailConfirmation => &self.activation_path,
            MailKind::UsernameReset => &self.username_path,
            _ => return None,
        };
        Some(path.as_str()).filter(|path| !path.is_empty() && !self.front_end.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(more: &str) -> Links {
        Links::new(&Settings::from_toml(&format!("compat.front_end = 'http://localhost:3000'\n{more}")).unwrap())
    }

    #[test]
    fn a_link_goes_to_the_page_that_the_settings_name() {
        let links = links("");
        assert_eq!(
            links.away(MailKind::PasswordReset, "MQ", "a-b_c").unwrap(),
            "http://localhost:3000/auth/password/reset-password-confirmation/?uid=MQ&token=a-b_c"
        );
        assert_eq!(
            links.away(MailKind::UsernameReset, "MQ", "a-b_c").unwrap(),
            "http://localhost:3000/username/reset/confirm/MQ/a-b_c"
        );
    }

    #[test]
    fn without_a_path_or_a_front_end_and_for_other_mails_there_is_none() {
        assert_eq!(links("").away(MailKind::EmailConfirmation, "MQ", "x"), None);
        assert_eq!(links("compat.reset_path = ''").away(MailKind::PasswordReset, "MQ", "x"), None);
        assert_eq!(links("").away(MailKind::EmailChanged, "MQ", "x"), None);
        let nowhere = Links { front_end: String::new(), ..links("") };
        assert!(!nowhere.leads_away(MailKind::PasswordReset));
    }
}
