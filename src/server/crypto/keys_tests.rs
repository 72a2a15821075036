use super::*;
use crate::server::entropy::SystemEntropy;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Barrier},
    thread,
};

const NOW: Timestamp = Timestamp(1_795_190_400);

pub(in crate::server::crypto) fn random_key() -> String {
    let mut bytes = [0; KEY_BYTES];
    SystemEntropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Keys with one random signing key and refresh key, and these mail keys.
pub(in crate::server::crypto) fn keys_of(mail: &[&str]) -> Keys {
    keys_from(&[("s", &random_key())], &[(1, &random_key())], mail)
}

pub(in crate::server::crypto) fn keys_from(signing: &[(&str, &str)], refresh: &[(u8, &str)], mail: &[&str]) -> Keys {
    parse(&document(signing, refresh, mail), "the test").unwrap()
}

fn document(signing: &[(&str, &str)], refresh: &[(u8, &str)], mail: &[&str]) -> String {
    let signing: Vec<_> = signing.iter().map(|(kid, seed)| serde_json::json!({ "kid": kid, "seed": seed })).collect();
    let refresh: Vec<_> = refresh.iter().map(|(id, key)| serde_json::json!({ "id": id, "key": key })).collect();
    serde_json::json!({ "version": 1, "signing": signing, "refresh": refresh, "mail": mail }).to_string()
}

fn settings(file: &Path, json: &str) -> settings::Keys {
    settings::Keys { file: file.to_owned(), json: SecretString::from(json.to_owned()), reload: 10 }
}

fn load(file: &Path) -> Result<Keys, KeysError> {
    Keys::load_or_create(&settings(file, ""), &SystemEntropy, NOW)
}

fn parse(text: &str, place: &str) -> Result<Keys, KeysError> {
    KeysText::of(SecretString::from(text.to_owned()), place).at(NOW)
}

/// Everything secret in there, to compare.
fn contents(keys: &Keys) -> Vec<Vec<u8>> {
    let signing = keys.signing.iter().map(|key| [key.kid.as_bytes(), key.key.as_bytes()].concat());
    let refresh = keys.refresh.iter().map(|key| [&[key.id], key.key.expose_secret()].concat());
    signing.chain(refresh).chain(keys.mail.iter().map(|key| key.expose_secret().to_vec())).collect()
}

fn refusal(text: &str) -> String {
    parse(text, "the keys file k.json").unwrap_err().to_string()
}

#[test]
fn a_first_start_makes_a_private_file_that_the_next_start_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/data/keys.json");
    let made = load(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    for parent in ["deep", "deep/data"] {
        assert_eq!(fs::metadata(folder.path().join(parent)).unwrap().permissions().mode() & 0o7777, 0o700);
    }
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
    assert_eq!(contents(&made), contents(&load(&file).unwrap()));
    assert_ne!(contents(&made), contents(&load(&folder.path().join("other.json")).unwrap()));
    let secrets = contents(&made);
    assert!(secrets.iter().enumerate().all(|(at, secret)| !secrets[..at].contains(secret)));
}

#[test]
fn of_many_that_start_at_once_all_end_with_the_same_keys() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let file = Arc::new(folder.path().join("data/keys.json"));
        let start = Arc::new(Barrier::new(8));
        let racers: Vec<_> = (0..8)
            .map(|_| {
                let (file, start) = (Arc::clone(&file), Arc::clone(&start));
                thread::spawn(move || {
                    start.wait();
                    contents(&load(&file).unwrap())
                })
            })
            .collect();
        let found: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        assert!(found.iter().all(|keys| *keys == found[0]));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}

#[test]
fn a_file_that_others_may_use_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    load(&file).unwrap();
    let before = fs::read(&file).unwrap();
    for mode in [0o640, 0o620, 0o604, 0o602, 0o644, 0o666, 0o777] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let error = load(&file).unwrap_err();
        assert!(matches!(error, KeysError::OpenToOthers(_, found) if found == mode));
        let message = error.to_string();
        assert!(message.contains(&format!("{mode:04o}")) && message.contains("chmod 600"), "{message}");
        assert!(message.contains(file.to_str().unwrap()), "{message}");
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        load(&file).unwrap();
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_damaged_file_is_refused_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    load(&file).unwrap();
    for text in ["", "{", "null", "[]"] {
        fs::write(&file, text).unwrap();
        let message = load(&file).unwrap_err().to_string();
        assert!(message.contains(file.to_str().unwrap()) && message.contains("JSON"), "{message}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    assert!(matches!(load(folder.path()).unwrap_err(), KeysError::Unreadable(..)));
}

#[test]
fn the_setting_wins_over_the_file_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let text = document(&[("s", &random_key())], &[(1, &random_key())], &[&random_key()]);
    let keys = Keys::load_or_create(&settings(&file, &text), &SystemEntropy, NOW).unwrap();
    assert_eq!(contents(&keys), contents(&parse(&text, "").unwrap()));
    assert!(!file.exists());
    let message = Keys::load_or_create(&settings(&file, "{}"), &SystemEntropy, NOW).unwrap_err().to_string();
    assert!(message.contains("DOORWARD__KEYS__JSON"), "{message}");
}

#[test]
fn keys_too_short_or_missing_or_twice_are_refused_with_their_place() {
    let (good, short) = (random_key(), URL_SAFE_NO_PAD.encode([9; 31]));
    let (long, padded) = (URL_SAFE_NO_PAD.encode([9; 65]), format!("{good}="));
    let (s, r, m) = ([("s", good.as_str())], [(1, good.as_str())], [good.as_str()]);
    let cases = [
        (document(&[], &r, &m), "\"signing\" is empty"),
        (document(&s, &[], &m), "\"refresh\" is empty"),
        (document(&s, &r, &[]), "\"mail\" is empty"),
        (document(&[s[0], ("t", &short)], &r, &m), "signing[1]"),
        (document(&[("s", &long)], &r, &m), "signing[0]"),
        (document(&s, &[(1, &short)], &m), "refresh[0]"),
        (document(&s, &[(128, &good)], &m), "refresh[0]"),
        (document(&s, &r, &[&good, &short]), "mail[1]"),
        (document(&s, &r, &[&long]), "mail[0]"),
        (document(&s, &r, &[&padded]), "mail[0]"),
        (document(&[s[0], s[0]], &r, &m), "kid stands twice"),
        (document(&s, &[r[0], r[0]], &m), "id stands twice"),
        (document(&[("a kid", &good)], &r, &m), "kid of signing[0]"),
        (document(&[("", &good)], &r, &m), "kid of signing[0]"),
        (document(&s, &r, &m).replace("\"version\":1", "\"version\":3"), "version is 3"),
        (document(&s, &r, &m).replace("\"mail\"", "\"post\""), "JSON"),
        (document(&s, &[(1, &good)], &m).replace("\"id\":1", "\"id\":256"), "JSON"),
    ];
    for (text, expected) in cases {
        let message = refusal(&text);
        assert!(message.contains(expected) && message.contains("k.json"), "{expected}: {message}");
        for secret in [&good, &short, &long] {
            assert!(!message.contains(secret.as_str()), "a key is in: {message}");
        }
    }
}

#[test]
fn a_key_in_the_wrong_place_is_not_quoted() {
    let key = random_key();
    let text = format!(r#"{{ "version": "{key}", "{key}": 1 }}"#);
    assert!(!refusal(&text).contains(&key));
    let keys = keys_of(&[&key]);
    assert_eq!(format!("{keys:?}"), "Keys");
}
