//! Settings of the doors for programs, checked: introspection, and the front ends of Django.

use super::{
    settings::{Compat, Introspection, Settings, SettingsError},
    settings_checks::refuse,
    settings_lists::origin,
};
use secrecy::{ExposeSecret as _, SecretString};

/// Fewest and most bytes of a shared secret. As many as SHA-256 has (RFC 7518 section 3.2).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 32..=1024;

/// Checks the sections `introspection` and `compat`, and brings `compat.front_end` into the form of an origin.
///
/// # Errors
/// The first setting that cannot be.
pub fn check(settings: &mut Settings) -> Result<(), SettingsError> {
    introspection(&settings.introspection)?;
    compat(&mut settings.compat)
}

fn introspection(introspection: &Introspection) -> Result<(), SettingsError> {
    secret("introspection.secret", &introspection.secret)
}

fn compat(compat: &mut Compat) -> Result<(), SettingsError> {
    secret("compat.access_secret", &compat.access_secret)?;
    if !compat.front_end.is_empty() {
        let why = "must be the origin of the front end (scheme://host:port, no path), or empty";
        let written = origin(compat.front_end.trim_end_matches('/'));
        compat.front_end = written.ok_or_else(|| refuse("compat.front_end", format!("{:?}", compat.front_end), why))?;
    }
    for (key, path) in [
        ("compat.reset_path", &compat.reset_path),
        ("compat.activation_path", &compat.activation_path),
        ("compat.username_path", &compat.username_path),
    ] {
        let complete = ["{uid}", "{token}"].iter().all(|part| path.matches(part).count() == 1);
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic());
        let is_path = path.starts_with('/') && !path.starts_with("//") && complete && plain && path.len() <= 256;
        if !path.is_empty() && !is_path {
            let why = "must be a path that begins with / and holds {uid} and {token} once each, or empty";
            return Err(refuse(key, format!("{path:?}"), why));
        }
    }
    Ok(())
}

fn secret(key: &str, secret: &SecretString) -> Result<(), SettingsError> {
    let length = secret.expose_secret().len();
    if length == 0 || SECRET_BYTES.contains(&length) {
        return Ok(());
    }
    let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
    Err(refuse(key, "(not shown)", &format!("must be {least} to {most} bytes: a shorter one can be guessed offline")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Settings::from_toml(text).err().unwrap_or_else(|| panic!("taken: {text}")).to_string()
    }

    #[test]
    fn a_short_shared_secret_is_refused_and_never_shown() {
        for key in ["introspection.secret", "compat.access_secret"] {
            let text = refused(&format!("{key} = 'swordfish'"));
            assert!(text.starts_with(key) && !text.contains("swordfish"), "{text}");
            assert!(Settings::from_toml(&format!("{key} = '{}'", "x".repeat(32))).is_ok());
        }
    }

    #[test]
    fn links_to_the_front_end_are_paths_with_both_parts() {
        for path in
            ["reset?uid={uid}&token={token}", "/reset?uid={uid}", "//evil.test/{uid}/{token}", "/a b/{uid}/{token}"]
        {
            let text = refused(&format!("compat.reset_path = '{path}'"));
            assert!(text.starts_with("compat.reset_path"), "{text}");
        }
        for front_end in ["evil", "http://app.example", "https://app.example/path"] {
            assert!(refused(&format!("compat.front_end = '{front_end}'")).starts_with("compat.front_end"));
        }
        let settings = Settings::from_toml("compat.front_end = 'http://LOCALHOST:3000/'").unwrap();
        assert_eq!(settings.compat.front_end, "http://localhost:3000");
    }
}
