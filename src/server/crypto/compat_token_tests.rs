use super::*;
use crate::server::{
    crypto::keys::tests::{keys_from, random_key},
    entropy::SystemEntropy,
};

const NOW: Timestamp = Timestamp(1_795_190_400);
const SECRET: &str = "compat.access_secret = 'a shared secret of more than 32 bytes'";
const SHORT: [u8; 4] = [0xa5, 0xb, 0x6f, 0x7];
const LONG: [u8; 4] = [0x39, 0x33, 0x55, 0xdb];

fn tokens(refresh: &[(u8, &str)], settings: &str) -> CompatTokens {
    let keys = keys_from(&[("s", &random_key())], refresh, &[&random_key()]);
    CompatTokens::new(&keys, &Settings::from_toml(settings).unwrap())
}

fn bearer() -> Bearer {
    Bearer { account: AccountId(7), sid: "session".to_owned(), username: None }
}

fn minted(tokens: &CompatTokens) -> String {
    tokens.refresh(bearer(), 3, (NOW, NOW.plus(60)), &SystemEntropy).expose_secret().to_owned()
}

#[test]
fn a_refresh_token_comes_back_until_its_end() {
    let tokens = tokens(&[(1, &random_key())], "");
    let token = minted(&tokens);
    assert!(token.starts_with(HEADER));
    assert_eq!(tokens.read_refresh(&token, NOW), Ok(CompatRefresh { bearer: bearer(), counter: 3 }));
    assert!(tokens.read_refresh(&token, NOW.plus(59)).is_ok());
    assert_eq!(tokens.read_refresh(&token, NOW.plus(60)), Err(CompatRefused::Expired));
    assert_eq!(tokens.not_access(&token), CompatRefused::WrongType);
}

#[test]
fn after_a_change_of_keys_older_tokens_are_good_and_newer_ones_are_of_the_first_key() {
    let (old, new) = (random_key(), random_key());
    let before = tokens(&[(1, &old)], "");
    let after = tokens(&[(2, &new), (1, &old)], "");
    assert!(after.read_refresh(&minted(&before), NOW).is_ok());
    assert_eq!(before.read_refresh(&minted(&after), NOW), Err(CompatRefused::Invalid));
}

#[test]
fn every_changed_character_is_noticed() {
    let tokens = tokens(&[(1, &random_key())], "");
    let token = minted(&tokens);
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(tokens.read_refresh(&changed, NOW), Err(CompatRefused::Invalid), "{at}");
    }
    for text in ["", ".", "..", HEADER, &format!("{HEADER}."), &format!("{token}A"), &"x".repeat(LONGEST + 1)] {
        assert_eq!(tokens.read_refresh(text, NOW), Err(CompatRefused::Invalid));
    }
}

#[test]
fn the_two_keys_do_not_stand_for_each_other() {
    let key = random_key();
    let plain = tokens(&[(1, &key)], "");
    assert!(!plain.signs_access() && plain.access(bearer(), NOW, &SystemEntropy).is_none());
    let tokens = tokens(&[(1, &key)], SECRET);
    let access = tokens.access(bearer(), NOW, &SystemEntropy).unwrap();
    let access = access.expose_secret();
    assert_eq!(tokens.read_access(access, NOW), Ok(bearer()));
    assert_eq!(tokens.read_refresh(access, NOW), Err(CompatRefused::WrongType));
    assert_eq!(tokens.read_access(&minted(&tokens), NOW), Err(CompatRefused::WrongType));
    assert_eq!(plain.read_access(access, NOW), Err(CompatRefused::Invalid));
    // A refresh token that somebody made with the shared secret.
    let forged =
        sealed(tokens.access.as_ref().unwrap(), &wire(REFRESH, bearer(), Some(1), (NOW, NOW.plus(60)), &SystemEntropy));
    assert_eq!(tokens.read_refresh(forged.expose_secret(), NOW), Err(CompatRefused::WrongType));
    assert_eq!(tokens.read_access(forged.expose_secret(), NOW), Err(CompatRefused::Invalid));
}

#[test]
fn a_secret_of_any_length_seals_as_the_standard_says() {
    // From Python: hmac.new(b"x" * 100, b"message", "sha256")
    for (length, begins) in [(32, SHORT), (100, LONG)] {
        let tag = shared(&vec![b'x'; length]).chain_update(b"message").finalize().into_bytes();
        assert_eq!(tag[..4], begins, "{length}");
    }
}
