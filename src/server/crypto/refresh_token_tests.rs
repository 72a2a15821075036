use super::*;
use crate::server::{
    crypto::keys::tests::{keys_from, random_key},
    entropy::SystemEntropy,
};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

fn tokens(refresh: &[(u8, &str)]) -> RefreshTokens {
    RefreshTokens::new(&keys_from(&[("s", &random_key())], refresh, &[&random_key()]))
}

fn minted(tokens: &RefreshTokens, rid: &Rid, counter: u64) -> String {
    tokens.mint(rid, counter).expose_secret().to_owned()
}

/// A token with a right MAC over `body`.
fn sealed(tokens: &RefreshTokens, body: &[u8]) -> String {
    let tag = tokens.0.first.over(DOMAIN, body).finalize().into_bytes();
    URL_SAFE_NO_PAD.encode([body, &tag[..TAG_BYTES]].concat())
}

#[test]
fn the_token_has_the_documented_form() {
    let tokens = tokens(&[(1, &URL_SAFE_NO_PAD.encode([8; 32]))]);
    let rid = Rid(std::array::from_fn(|at| at as u8));
    // From Python: body = bytes([1, *range(16), 0xac, 0x02]); hmac.new(bytes([8]) * 32, domain + body, "sha256")
    let text = minted(&tokens, &rid, 300);
    assert_eq!(text, "AQABAgMEBQYHCAkKCwwNDg-sAn_r5gVnkg3vFsZaxgqxm_E");
    assert_eq!(tokens.parse(&text), Some(Presented { rid, counter: 300 }));
}

#[test]
fn every_counter_the_store_can_hold_comes_back_and_no_larger_one() {
    let tokens = tokens(&[(1, &random_key())]);
    let rid = Rid::random(&SystemEntropy);
    for counter in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), i64::MAX as u64 - 1, i64::MAX as u64] {
        assert_eq!(tokens.parse(&minted(&tokens, &rid, counter)), Some(Presented { rid, counter }));
    }
    for counter in [i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(tokens.parse(&minted(&tokens, &rid, counter)), None);
    }
}

#[test]
fn a_token_with_any_bit_flipped_is_refused() {
    let tokens = tokens(&[(1, &random_key()), (0, &random_key())]);
    for counter in [5, 70_000] {
        let good = URL_SAFE_NO_PAD.decode(minted(&tokens, &Rid::random(&SystemEntropy), counter)).unwrap();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(tokens.parse(&URL_SAFE_NO_PAD.encode(&bad)), None, "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn a_token_cut_or_lengthened_is_refused() {
    let tokens = tokens(&[(1, &random_key())]);
    let good = minted(&tokens, &Rid::random(&SystemEntropy), 1);
    for length in 0..good.len() {
        assert_eq!(tokens.parse(&good[..length]), None, "{length}");
    }
    let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
    for length in 0..bytes.len() {
        assert_eq!(tokens.parse(&URL_SAFE_NO_PAD.encode(&bytes[..length])), None, "{length}");
    }
    for more in ["A", "AA", "=", "==", " ", "\n"] {
        assert_eq!(tokens.parse(&format!("{good}{more}")), None);
        assert_eq!(tokens.parse(&format!("{more}{good}")), None);
    }
    assert_eq!(tokens.parse(&"A".repeat(1 << 20)), None);
    assert_eq!(tokens.parse("ÄÖÜ"), None);
}

#[test]
fn a_second_spelling_in_base64_is_refused() {
    let tokens = tokens(&[(1, &random_key())]);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // 34 bytes are 45 letters and a third: the last letter has four bits that mean nothing.
    let good = minted(&tokens, &Rid::random(&SystemEntropy), 1);
    let accepted = letters.iter().filter(|letter| {
        let text = format!("{}{}", &good[..good.len() - 1], char::from(**letter));
        tokens.parse(&text).is_some()
    });
    assert_eq!(accepted.count(), 1);
}

#[test]
fn a_counter_not_written_in_the_shortest_way_is_refused_even_with_a_right_mac() {
    let tokens = tokens(&[(1, &random_key())]);
    let rid = [7; RID_BYTES];
    let body = |counter: &[u8]| [&[1][..], &rid, counter].concat();
    assert_eq!(tokens.parse(&sealed(&tokens, &body(&[1]))), Some(Presented { rid: Rid(rid), counter: 1 }));
    let bad: [&[u8]; 7] = [
        &[],
        &[0x81, 0],
        &[0x80, 0x80, 0],
        &[0x80],
        &[0xff],
        &[1, 1],
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
    ];
    for counter in bad {
        assert_eq!(tokens.parse(&sealed(&tokens, &body(counter))), None, "{counter:?}");
        assert_eq!(read_counter(counter), None, "{counter:?}");
    }
}

#[test]
fn a_forged_mac_is_refused_whatever_it_says() {
    let (ours, theirs) = (tokens(&[(1, &random_key())]), tokens(&[(1, &random_key())]));
    let rid = Rid::random(&SystemEntropy);
    assert_eq!(ours.parse(&minted(&theirs, &rid, 1)), None);
    let mut bare = vec![1];
    bare.extend_from_slice(&rid.0);
    bare.push(1);
    for tag in [[0; TAG_BYTES], [0xff; TAG_BYTES]] {
        assert_eq!(ours.parse(&URL_SAFE_NO_PAD.encode([&bare[..], &tag].concat())), None);
    }
    // The MAC of another purpose under the same key.
    let other = ours.0.first.mac.clone().chain_update(&bare).finalize().into_bytes();
    assert_eq!(ours.parse(&URL_SAFE_NO_PAD.encode([&bare[..], &other[..TAG_BYTES]].concat())), None);
}

#[test]
fn an_older_key_still_verifies_until_it_is_taken_out() {
    let (old_key, new_key) = (random_key(), random_key());
    let old = tokens(&[(1, &old_key)]);
    let both = tokens(&[(2, &new_key), (1, &old_key)]);
    let new = tokens(&[(2, &new_key)]);
    let rid = Rid::random(&SystemEntropy);
    let (early, late) = (minted(&old, &rid, 3), minted(&both, &rid, 4));
    assert!(both.parse(&early).is_some() && both.parse(&late).is_some());
    assert!(old.parse(&late).is_none() && new.parse(&early).is_none() && new.parse(&late).is_some());
}

#[test]
fn a_rid_reads_back_from_its_own_text_only() {
    let rid = Rid::random(&SystemEntropy);
    assert_eq!(Rid::parse(&rid.to_text()), Some(rid));
    assert_eq!(rid.to_text().len(), 22);
    for text in [
        "",
        "AAAA",
        &"A".repeat(21),
        &"A".repeat(23),
        &format!("{}==", "A".repeat(22)),
        &format!("{}B", "A".repeat(21)),
    ] {
        assert_eq!(Rid::parse(text), None, "{text}");
    }
    assert_eq!(format!("{rid:?}"), "Rid");
}

proptest! {
    #[test]
    fn what_was_minted_is_what_is_read(rid: [u8; RID_BYTES], counter in 0..=i64::MAX as u64) {
        let tokens = tokens(&[(3, &random_key())]);
        let text = minted(&tokens, &Rid(rid), counter);
        let presented = tokens.parse(&text);
        prop_assert_eq!(presented, Some(Presented { rid: Rid(rid), counter }));
    }

    #[test]
    fn counters_in_any_bytes_are_read_back_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        if let Some(counter) = read_counter(&bytes) {
            let mut again = Vec::new();
            write_counter(&mut again, counter);
            prop_assert_eq!(again, bytes);
            prop_assert!(i64::try_from(counter).is_ok());
        }
    }

    #[test]
    fn no_input_makes_parsing_panic(text in "\\PC{0,80}") {
        prop_assert_eq!(tokens(&[(1, &random_key())]).parse(&text), None);
    }
}
