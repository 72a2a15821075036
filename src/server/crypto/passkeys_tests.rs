//! What is asked of browsers, and which answers are taken, without a database.

use super::*;

#[path = "../../tests/factors/authenticator.rs"]
mod authenticator;

use authenticator::Authenticator;

/// The handle of an account: 16 bytes.
const HANDLE: &str = "AAECAwQFBgcICQoLDA0ODw";

fn at(url: &str, more: &str) -> Passkeys {
    let text = format!("server.public_url = '{url}'\nmail.transport = 'log'\n{more}");
    Passkeys::new(&Settings::from_toml(&text).unwrap())
}

fn ask(passkeys: &Passkeys) -> Shown {
    passkeys.start_registration(HANDLE, ("mona", "Mona Vale"), &[]).unwrap()
}

#[test]
fn there_are_passkeys_where_the_site_has_a_name() {
    assert!(at("http://localhost:3000", "").are_offered());
    assert!(at("https://login.example.test", "factors.passkey_domain = 'example.test'").are_offered());
    let nowhere = at("http://127.0.0.1:3000", "");
    assert!(!nowhere.are_offered());
    assert_eq!(nowhere.start_authentication(&[], false).err(), Some(PasskeyFault::NoDomain));
    assert_eq!(nowhere.start_registration(HANDLE, ("mona", "Mona"), &[]).err(), Some(PasskeyFault::NoDomain));
}

#[test]
fn a_domain_above_the_host_is_the_one_that_passkeys_are_made_for() {
    let passkeys = at("https://login.example.test", "factors.passkey_domain = 'example.test'");
    let asked = ask(&passkeys);
    assert_eq!(asked.options["publicKey"]["rp"]["id"], "example.test");
    let mut phone = Authenticator::at("https://login.example.test");
    let answer = phone.make(&asked.options.to_string());
    assert_eq!(passkeys.finish_registration(&asked.state, &answer).err(), Some(PasskeyFault::Refused));
    phone.domain = "example.test".to_owned();
    let answer = phone.make(&asked.options.to_string());
    assert_eq!(passkeys.finish_registration(&asked.state, &answer).unwrap().id, phone.name());
    phone.origin = "https://other.example.test".to_owned();
    let answer = phone.make(&asked.options.to_string());
    assert_eq!(passkeys.finish_registration(&asked.state, &answer).err(), Some(PasskeyFault::Refused));
}

#[test]
fn what_was_made_is_shown_and_a_copy_is_noticed() {
    let passkeys = at("http://localhost:3000", "");
    let asked = ask(&passkeys);
    let mut phone = Authenticator::at("http://localhost:3000");
    let made = passkeys.finish_registration(&asked.state, &phone.make(&asked.options.to_string())).unwrap();
    let mut copy = phone.copy();
    let asked = passkeys.start_authentication(&[], false).unwrap();
    let answer = phone.show(&asked.options.to_string());
    let claimed = passkeys.claimed(&answer).unwrap();
    assert_eq!(claimed, Claimed { id: made.id, handle: Some(HANDLE.to_owned()) });
    let shown = passkeys.finish_authentication(&asked.state, &answer, &made.record).unwrap();
    assert_eq!(shown.sign_count, 2);
    let answer = copy.show(&asked.options.to_string());
    let cloned = passkeys.finish_authentication(&asked.state, &answer, &shown.record);
    assert_eq!(cloned.err(), Some(PasskeyFault::Cloned));
    phone.forget_key();
    let answer = phone.show(&asked.options.to_string());
    let forged = passkeys.finish_authentication(&asked.state, &answer, &shown.record);
    assert_eq!(forged.err(), Some(PasskeyFault::Refused));
}

#[test]
fn an_answer_that_verifies_nobody_or_is_longer_than_any_is_refused() {
    let passkeys = at("http://localhost:3000", "");
    let new = ask(&passkeys);
    let mut phone = Authenticator::at("http://localhost:3000");
    let made = passkeys.finish_registration(&new.state, &phone.make(&new.options.to_string())).unwrap();
    let asked = passkeys.start_authentication(std::slice::from_ref(&made.id), false).unwrap();
    phone.verifies = false;
    let answer = phone.show(&asked.options.to_string());
    let nobody = passkeys.finish_authentication(&asked.state, &answer, &made.record);
    assert_eq!(nobody.err(), Some(PasskeyFault::Refused));
    for garbage in ["", "{}", "[]", "\u{0}", &format!("{{\"id\":\"{}\"}}", "a".repeat(LONGEST_ANSWER))] {
        assert_eq!(passkeys.claimed(garbage).err(), Some(PasskeyFault::Unreadable));
        let kept = passkeys.finish_registration(&new.state, garbage);
        assert_eq!(kept.err(), Some(PasskeyFault::Unreadable));
        let shown = passkeys.finish_authentication(&asked.state, garbage, &made.record);
        assert_eq!(shown.err(), Some(PasskeyFault::Unreadable));
    }
}
