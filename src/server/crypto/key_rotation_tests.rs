use super::*;
use crate::server::{crypto::keys::tests::random_key, entropy::SystemEntropy};
use secrecy::SecretString;
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::Path,
    thread,
};

const NOW: Timestamp = Timestamp(1_795_190_400);
const KEEP: KeepFor = KeepFor { signing: 1000, refresh: 2000, mail: 3000 };

fn settings(file: &Path) -> settings::Keys {
    settings::Keys { file: file.to_owned(), json: SecretString::from(String::new()), reload: 10 }
}

fn plan(purposes: &[KeyPurpose], after: i64) -> Rotation {
    Rotation { purposes: purposes.to_vec(), from: NOW.plus(after), drop: None }
}

/// A file of keys in a folder of its own, and its settings.
fn new_file() -> (tempfile::TempDir, settings::Keys) {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder.path().join("keys.json"));
    Keys::load_or_create(&settings, &SystemEntropy, NOW).unwrap();
    (folder, settings)
}

fn states(settings: &settings::Keys, purpose: KeyPurpose, now: Timestamp) -> Vec<KeyState> {
    let keys = Keys::load(settings, now).unwrap();
    keys.facts().iter().filter(|key| key.purpose == purpose).map(|key| key.state).collect()
}

/// The name of the key that signs.
fn signs(settings: &settings::Keys, now: Timestamp) -> String {
    Keys::load(settings, now).unwrap().signing.first.kid.clone()
}

fn text(signing: &[Option<i64>]) -> String {
    let signing: Vec<_> = signing
        .iter()
        .enumerate()
        .map(|(at, from)| serde_json::json!({ "kid": format!("k{at}"), "seed": random_key(), "from": from }))
        .collect();
    let (refresh, mail) =
        (serde_json::json!([{ "id": 1, "key": random_key() }]), serde_json::json!([{ "key": random_key() }]));
    serde_json::json!({ "version": 2, "signing": signing, "refresh": refresh, "mail": mail }).to_string()
}

fn keys_of(text: &str, now: Timestamp) -> Keys {
    KeysText::of(SecretString::from(text.to_owned()), "the test").at(now).unwrap()
}

#[test]
fn the_key_whose_time_came_last_makes_and_all_verify() {
    for (froms, now, makes) in [
        (vec![None, None], 100, "k0"),
        (vec![Some(50), None], 100, "k0"),
        (vec![Some(150), None], 100, "k1"),
        (vec![Some(100), None], 100, "k0"),
        (vec![Some(10), Some(90), Some(50)], 100, "k1"),
        (vec![Some(90), Some(90)], 100, "k0"),
        (vec![Some(300), Some(200), Some(200)], 100, "k1"),
    ] {
        let keys = keys_of(&text(&froms), Timestamp(now));
        assert_eq!(keys.signing.first.kid, makes, "{froms:?}");
        let mut all: Vec<_> = keys.signing.iter().map(|key| key.kid.clone()).collect();
        all.sort();
        assert_eq!(all, (0..froms.len()).map(|at| format!("k{at}")).collect::<Vec<_>>(), "{froms:?}");
        let making =
            keys.facts().iter().filter(|key| key.purpose == KeyPurpose::Signing && key.state == KeyState::Makes);
        assert_eq!(making.map(|key| key.name.as_str()).collect::<Vec<_>>(), [makes]);
    }
}

#[test]
fn a_key_was_replaced_when_the_next_one_began_to_make() {
    let keys = keys_of(&text(&[Some(90), Some(50), Some(50), None, Some(200), None]), Timestamp(100));
    let replaced: Vec<_> = keys.facts().iter().take(6).map(|key| key.replaced_at).collect();
    let at = |seconds| Some(Timestamp(seconds));
    assert_eq!(replaced, [None, at(90), at(50), at(50), None, at(50)], "the third never made");
    let unknown = keys_of(&text(&[None, None]), Timestamp(100));
    assert!(unknown.facts().iter().all(|key| key.replaced_at.is_none()), "nobody noted when");
}

#[test]
fn fingerprints_tell_keys_apart_and_are_the_documented_ones() {
    // From Python: seed, key = bytes([7]) * 32; hmac.new(key, b"doorward fingerprint v1", "sha256").hexdigest()[:16]; and
    // hashlib.sha256(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()).hexdigest()[:8]
    let seven = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let text = format!(
        r#"{{"version":2,"signing":[{{"kid":"s","seed":"{seven}"}}],"refresh":[{{"id":3,"key":"{seven}"}}],
             "mail":[{{"key":"{seven}"}}]}}"#
    );
    let names = keys_of(&text, NOW).fingerprints();
    assert_eq!(names, ["mail:1db8ba7cfba3e2af", "refresh:3:1db8ba7cfba3e2af", "signing:s:fe812c12"]);
    let (_folder, settings) = new_file();
    let other = Keys::load(&settings, NOW).unwrap().fingerprints();
    assert!(names.iter().all(|name| !other.contains(name)));
}

#[test]
fn a_new_key_verifies_first_and_makes_from_its_time_on() {
    let (_folder, settings) = new_file();
    let old = signs(&settings, NOW);
    let done = rotate(&settings, &plan(&KeyPurpose::ALL, 3600), &SystemEntropy, NOW).unwrap();
    assert_eq!((done.added.len(), done.dropped.len(), done.keys.len()), (3, 0, 6));
    assert!(done.added.iter().all(|key| key.from == Some(NOW.plus(3600)) && key.state == KeyState::MakesLater));
    for purpose in KeyPurpose::ALL {
        assert_eq!(states(&settings, purpose, NOW.plus(3599)), [KeyState::MakesLater, KeyState::Makes]);
        assert_eq!(states(&settings, purpose, NOW.plus(3600)), [KeyState::Makes, KeyState::Verifies]);
    }
    assert_eq!(signs(&settings, NOW.plus(3599)), old);
    assert_ne!(signs(&settings, NOW.plus(3600)), old);
    let ids: Vec<_> = Keys::load(&settings, NOW).unwrap().refresh.iter().map(|key| key.id).collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn only_what_is_asked_for_is_exchanged() {
    let (_folder, settings) = new_file();
    let done = rotate(&settings, &plan(&[KeyPurpose::Refresh], 0), &SystemEntropy, NOW).unwrap();
    assert_eq!(done.added.iter().map(|key| key.purpose).collect::<Vec<_>>(), [KeyPurpose::Refresh]);
    assert_eq!(states(&settings, KeyPurpose::Refresh, NOW), [KeyState::Makes, KeyState::Verifies]);
    assert_eq!(states(&settings, KeyPurpose::Signing, NOW), [KeyState::Makes]);
}

#[test]
fn a_file_of_version_1_becomes_one_of_version_2_with_the_same_keys() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder.path().join("keys.json"));
    let (one, two, key) = (random_key(), random_key(), random_key());
    let text = format!(
        r#"{{"version":1,"signing":[{{"kid":"a","seed":"{one}"}},{{"kid":"b","seed":"{two}"}}],
             "refresh":[{{"id":127,"key":"{key}"}}],"mail":["{key}","{one}"]}}"#
    );
    fs::write(&settings.file, text).unwrap();
    fs::set_permissions(&settings.file, fs::Permissions::from_mode(0o600)).unwrap();
    let before = Keys::load(&settings, NOW).unwrap();
    let done = rotate(&settings, &plan(&KeyPurpose::ALL, 60), &SystemEntropy, NOW).unwrap();
    let after = Keys::load(&settings, NOW).unwrap();
    assert!(fs::read_to_string(&settings.file).unwrap().contains("\"version\": 2"));
    assert_eq!(after.signing.first.kid, "a", "as before");
    assert!(before.fingerprints().iter().all(|name| after.fingerprints().contains(name)));
    assert_eq!(after.facts().len(), 5 + 3);
    let id = done.added.iter().find(|key| key.purpose == KeyPurpose::Refresh).unwrap();
    assert_eq!(id.name, "1", "behind the largest id the free ones are used");
}

#[test]
fn a_from_in_version_1_and_a_bare_mail_key_in_version_2_are_refused() {
    let dated = text(&[Some(5)]).replace("\"version\":2", "\"version\":1");
    let (key, two) = (random_key(), text(&[None]));
    let start = two.find("\"mail\":[").unwrap();
    let end = two[start..].find(']').unwrap() + start;
    let bare = format!("{}\"mail\":[\"{key}\"{}", &two[..start], &two[end..]);
    for (text, expected) in [(dated, "from"), (bare, "mail")] {
        let read = KeysText::of(SecretString::from(text.clone()), "k.json").at(NOW);
        let message = read.unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("k.json") && !message.contains(&key), "{message}");
    }
}

#[test]
fn old_keys_go_when_what_they_made_has_ended_and_never_before() {
    let (_folder, settings) = new_file();
    rotate(&settings, &plan(&KeyPurpose::ALL, 0), &SystemEntropy, NOW).unwrap();
    let drop_at = |after: i64| {
        let plan = Rotation { purposes: Vec::new(), from: NOW, drop: Some(KEEP) };
        let done = rotate(&settings, &plan, &SystemEntropy, NOW.plus(after)).unwrap();
        done.dropped.iter().map(|key| key.purpose).collect::<Vec<_>>()
    };
    assert_eq!(drop_at(999), []);
    assert_eq!(drop_at(1000), [KeyPurpose::Signing]);
    assert_eq!(drop_at(2999), [KeyPurpose::Refresh]);
    assert_eq!(drop_at(3000), [KeyPurpose::Mail]);
    assert_eq!(drop_at(1_000_000), [], "those that make stay");
    assert_eq!(Keys::load(&settings, NOW).unwrap().facts().len(), 3);
}

#[test]
fn what_is_dropped_makes_room_and_too_many_are_refused() {
    let (_folder, settings) = new_file();
    for _ in 1..MOST_KEYS {
        rotate(&settings, &plan(&[KeyPurpose::Signing], 0), &SystemEntropy, NOW).unwrap();
    }
    let before = fs::read(&settings.file).unwrap();
    let error =
        rotate(&settings, &plan(&[KeyPurpose::Refresh, KeyPurpose::Signing], 0), &SystemEntropy, NOW).unwrap_err();
    assert!(matches!(error, KeysError::TooMany("signing", MOST_KEYS)) && error.to_string().contains("--drop-old"));
    assert_eq!(fs::read(&settings.file).unwrap(), before, "all or nothing");
    let later = NOW.plus(10_000);
    let plan = Rotation { purposes: vec![KeyPurpose::Signing], from: later, drop: Some(KEEP) };
    let done = rotate(&settings, &plan, &SystemEntropy, later).unwrap();
    assert_eq!((done.dropped.len(), done.added.len()), (MOST_KEYS - 1, 1));
}

#[test]
fn the_new_file_has_the_old_ones_mode_and_place_and_leaves_no_draft() {
    let (folder, settings) = new_file();
    let link = folder.path().join("link.json");
    symlink(&settings.file, &link).unwrap();
    fs::set_permissions(&settings.file, fs::Permissions::from_mode(0o400)).unwrap();
    let before = fs::metadata(&settings.file).unwrap();
    rotate(&self::settings(&link), &plan(&[KeyPurpose::Mail], 0), &SystemEntropy, NOW).unwrap();
    let after = fs::metadata(&settings.file).unwrap();
    assert_ne!(before.ino(), after.ino(), "another file, put there whole");
    assert_eq!((after.mode() & 0o7777, after.uid()), (0o400, before.uid()));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(states(&settings, KeyPurpose::Mail, NOW).len(), 2);
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".keys.json.lock", "keys.json", "link.json"]);
}

#[test]
fn what_root_rotates_stays_its_owners() {
    let (folder, settings) = new_file();
    if chown(&settings.file, Some(65_534), Some(65_534)).is_err() {
        // Only root can give files away, and then there is nothing to be promised.
        return;
    }
    rotate(&settings, &plan(&[KeyPurpose::Signing], 0), &SystemEntropy, NOW).unwrap();
    for name in ["keys.json", ".keys.json.lock"] {
        let file = fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (65_534, 65_534, 0o600), "{name}");
    }
}

#[test]
fn of_many_rotations_at_once_none_is_lost_and_every_reader_reads_whole_keys() {
    let (_folder, settings) = new_file();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| rotate(&settings, &plan(&[KeyPurpose::Signing], 60), &SystemEntropy, NOW).unwrap()))
            .collect();
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            assert!(Keys::load(&settings, NOW).is_ok());
        }
    });
    assert_eq!(states(&settings, KeyPurpose::Signing, NOW).len(), 9);
}

#[test]
fn keys_in_the_setting_and_a_file_that_is_not_there_are_refused_with_a_way_out() {
    let (folder, mut settings) = new_file();
    let secret = random_key();
    settings.json = SecretString::from(format!("{{\"{secret}\""));
    let message = rotate(&settings, &plan(&KeyPurpose::ALL, 0), &SystemEntropy, NOW).unwrap_err().to_string();
    assert!(message.contains("keys.file") && !message.contains(&secret), "{message}");
    let missing = self::settings(&folder.path().join("other.json"));
    let error = rotate(&missing, &plan(&KeyPurpose::ALL, 0), &SystemEntropy, NOW).unwrap_err();
    assert!(matches!(error, KeysError::Missing(..)), "{error}");
    assert!(!folder.path().join("other.json").exists() && !folder.path().join(".other.json.lock").exists());
}
