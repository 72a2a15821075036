//! Known devices: what a browser keeps of having signed in, so that strangers' failures do not slow it down (OWASP,
//! "Slow Down Online Guessing Attacks with Device Cookies").
//!
//! The cookie's value is one entry an account, at most four, newest first, joined by '.'. An entry is base64url of
//! 48 bytes: the account's number (8) and when it was made (8), both big-endian, a random id (16), and the first 16 bytes of
//! HMAC-SHA-256 over [`LABEL`] and these. It proves a sign-in in the past and signs nobody in: whoever steals it may
//! guess at the pace of that browser.

use super::keys::{self, Keys, Ring};
use crate::domain::{account::AccountId, time::Timestamp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

const LABEL: &[u8] = b"doorward known-device v1\0";
/// Accounts that one browser is known to.
const ENTRIES: usize = 4;
/// Bytes of the longest value that is looked at; four entries are 259.
const LONGEST: usize = 512;
/// Bytes of an entry's MAC: 2^128 guesses, each of them a request.
const MAC: usize = 16;

/// Makes and reads the cookie of known devices. `Debug` prints the type's name.
pub struct KnownDevices(Ring<Hmac<Sha256>>);

impl std::fmt::Debug for KnownDevices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnownDevices")
    }
}

/// What an entry says.
struct Entry {
    account: AccountId,
    made_at: Timestamp,
    id: [u8; 16],
}

impl KnownDevices {
    /// With a key of its own, made from the mail keys: the first makes, all verify.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(keys.mail.map(keys::mac))
    }

    /// The cookie with this account in it, made `now`: at most 259 characters of base64url and '.'. `id` is random, a new
    /// one each time. The accounts of `held` that signed in there since `oldest` stay, the newest three of them.
    #[must_use]
    pub fn with(
        &self,
        held: Option<&str>,
        account: AccountId,
        id: [u8; 16],
        oldest: Timestamp,
        now: Timestamp,
    ) -> String {
        let others = self.read(held, oldest).filter(|entry| entry.account != account).take(ENTRIES - 1);
        let entries = std::iter::once(Entry { account, made_at: now, id }).chain(others);
        entries.map(|entry| self.seal(&entry)).collect::<Vec<_>>().join(".")
    }

    /// The name of this device for `account`, if the cookie is ours and was made at `oldest` or later: 32 characters of
    /// base64url, the same until the account signs in there again. It differs for each account.
    #[must_use]
    pub fn of(&self, held: Option<&str>, account: AccountId, oldest: Timestamp) -> Option<String> {
        let entry = self.read(held, oldest).find(|entry| entry.account == account)?;
        Some(URL_SAFE_NO_PAD.encode([account.0.to_be_bytes().as_slice(), &entry.id].concat()))
    }

    /// The entries that are ours and not too old. Also those that an older key made: [`Self::with`] makes them anew.
    fn read(&self, held: Option<&str>, oldest: Timestamp) -> impl Iterator<Item = Entry> {
        let held = held.filter(|held| held.len() <= LONGEST).unwrap_or_default();
        held.split('.').take(ENTRIES).filter_map(|text| self.open(text)).filter(move |entry| entry.made_at >= oldest)
    }

    fn open(&self, text: &str) -> Option<Entry> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (account, rest) = bytes.split_first_chunk()?;
        let (made_at, rest) = rest.split_first_chunk()?;
        let (id, mac) = rest.split_first_chunk()?;
        let entry = Entry {
            account: AccountId(i64::from_be_bytes(*account)),
            made_at: Timestamp(i64::from_be_bytes(*made_at)),
            id: *id,
        };
        // Asks every key, so that the time does not tell which one matched. Slices of another length are unequal.
        let ours = self.0.iter().fold(Choice::from(0), |ours, key| ours | mac_of(key, &entry).as_slice().ct_eq(mac));
        bool::from(ours).then_some(entry)
    }

    fn seal(&self, entry: &Entry) -> String {
        let mac = mac_of(&self.0.first, entry);
        let parts = [&entry.account.0.to_be_bytes()[..], &entry.made_at.0.to_be_bytes(), &entry.id, &mac];
        URL_SAFE_NO_PAD.encode(parts.concat())
    }
}

fn mac_of(key: &Hmac<Sha256>, entry: &Entry) -> Vec<u8> {
    let mac = key.clone().chain_update(LABEL).chain_update(entry.account.0.to_be_bytes());
    let mac = mac.chain_update(entry.made_at.0.to_be_bytes()).chain_update(entry.id).finalize().into_bytes();
    mac.into_iter().take(MAC).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::crypto::keys::tests::{keys_of, random_key};

    const NOW: Timestamp = Timestamp(1_795_190_400);
    const OLDEST: Timestamp = Timestamp(1_795_190_300);
    const MONA: AccountId = AccountId(7);
    const LISA: AccountId = AccountId(8);

    fn devices() -> KnownDevices {
        KnownDevices::new(&keys_of(&[&random_key()]))
    }

    #[test]
    fn a_cookie_is_the_documented_one() {
        let devices = KnownDevices::new(&keys_of(&[&URL_SAFE_NO_PAD.encode([7; 32])]));
        // From Python: body = struct.pack(">qq", 7, 1795190400) + bytes([1]) * 16,
        // body + hmac.new(bytes([7]) * 32, b"doorward known-device v1\0" + body, "sha256").digest()[:16]
        let expected = "AAAAAAAAAAcAAAAAawBugAEBAQEBAQEBAQEBAQEBAQH6wmGabfex-BGYxIApRHiY";
        assert_eq!(devices.with(None, MONA, [1; 16], OLDEST, NOW), expected);
    }

    #[test]
    fn a_browser_is_known_to_the_account_that_signed_in_there_unless_that_is_too_long_ago() {
        let devices = devices();
        let cookie = devices.with(None, MONA, [1; 16], OLDEST, NOW);
        let name = devices.of(Some(&cookie), MONA, OLDEST);
        assert_eq!(name.as_ref().map(String::len), Some(32));
        assert_eq!(devices.of(Some(&cookie), MONA, NOW), name);
        assert_eq!(devices.of(Some(&cookie), MONA, NOW.plus(1)), None);
        assert_eq!(devices.of(Some(&cookie), LISA, NOW), None);
        assert_eq!(devices.of(None, MONA, NOW), None);
    }

    #[test]
    fn accounts_in_one_browser_have_names_of_their_own() {
        let devices = devices();
        let one = devices.with(None, MONA, [1; 16], OLDEST, NOW);
        let both = devices.with(Some(&one), LISA, [1; 16], OLDEST, NOW);
        let mona = devices.of(Some(&both), MONA, NOW);
        assert_eq!(mona, devices.of(Some(&one), MONA, NOW));
        assert!(mona.is_some() && mona != devices.of(Some(&both), LISA, NOW));
        assert!(both.ends_with(&one), "the newest stands first");
        let again = devices.with(Some(&both), MONA, [2; 16], OLDEST, NOW);
        assert_eq!(again.split('.').count(), 2);
        assert!(devices.of(Some(&again), MONA, NOW).is_some_and(|name| Some(name) != mona));
        assert_eq!(devices.of(Some(&again), LISA, NOW), devices.of(Some(&both), LISA, NOW));
    }

    #[test]
    fn four_accounts_stay_and_the_oldest_makes_room() {
        let devices = devices();
        let cookie = (1..=6)
            .fold(String::new(), |held, account| devices.with(Some(&held), AccountId(account), [9; 16], OLDEST, NOW));
        assert_eq!(cookie.len(), 259);
        assert!(cookie.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter)));
        let known = |account| devices.of(Some(&cookie), AccountId(account), NOW).is_some();
        assert_eq!((1..=6).filter(|account| known(*account)).collect::<Vec<_>>(), [3, 4, 5, 6]);
        // Somebody glues two cookies together: what stands behind the fourth is not looked at.
        let glued = [cookie.as_str(), &devices.with(None, MONA, [1; 16], OLDEST, NOW)].join(".");
        assert_eq!(devices.of(Some(&glued), MONA, NOW), None);
    }

    #[test]
    fn what_is_over_goes_when_the_cookie_is_made_anew() {
        let devices = devices();
        let old = devices.with(None, MONA, [1; 16], OLDEST, OLDEST.plus(-1));
        let cookie = devices.with(Some(&old), LISA, [2; 16], OLDEST, NOW);
        assert_eq!(cookie, devices.with(None, LISA, [2; 16], OLDEST, NOW));
    }

    #[test]
    fn a_cookie_with_any_byte_changed_or_cut_is_not_ours() {
        let devices = devices();
        let cookie = devices.with(None, MONA, [1; 16], OLDEST, NOW);
        let bytes = URL_SAFE_NO_PAD.decode(&cookie).unwrap_or_default();
        assert_eq!(bytes.len(), 48);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            // A changed number is some other account's; nobody of them is known either.
            assert!(devices.read(Some(&changed), NOW).next().is_none(), "byte {at}");
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..at]);
            assert!(devices.read(Some(&cut), NOW).next().is_none(), "cut at {at}");
        }
        assert!(devices.read(Some(&format!("{cookie}AAAA")), NOW).next().is_none());
        assert_eq!(self::devices().of(Some(&cookie), MONA, NOW), None, "another server's key");
    }

    #[test]
    fn garbage_is_no_cookie_and_does_not_spoil_a_new_one() {
        let devices = devices();
        let good = devices.with(None, MONA, [1; 16], OLDEST, NOW);
        for garbage in ["", ".", "....", "x", "=", "\u{e4}\0", &"A".repeat(64), &"A".repeat(600), &".".repeat(512)] {
            assert_eq!(devices.of(Some(garbage), MONA, NOW), None, "{garbage}");
            assert_eq!(devices.with(Some(garbage), MONA, [1; 16], OLDEST, NOW), good, "{garbage}");
        }
        let long = [good.as_str(), &"A".repeat(LONGEST - good.len())].join(".");
        assert_eq!(devices.of(Some(&long), MONA, NOW), None, "too long to be looked at");
        assert!(devices.of(Some(&long[..LONGEST]), MONA, NOW).is_some());
    }

    #[test]
    fn an_older_mail_key_still_verifies_and_its_entries_are_made_anew() {
        let (new, old) = (random_key(), random_key());
        let before = KnownDevices::new(&keys_of(&[&old]));
        let during = KnownDevices::new(&keys_of(&[&new, &old]));
        let after = KnownDevices::new(&keys_of(&[&new]));
        let cookie = before.with(None, MONA, [1; 16], OLDEST, NOW);
        let name = during.of(Some(&cookie), MONA, NOW);
        assert!(name.is_some() && after.of(Some(&cookie), MONA, NOW).is_none());
        let renewed = during.with(Some(&cookie), LISA, [2; 16], OLDEST, NOW);
        assert_eq!(after.of(Some(&renewed), MONA, NOW), name);
    }
}
