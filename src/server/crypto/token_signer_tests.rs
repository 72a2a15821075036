//! Tests of the token signer: every forged header, claim and signature is refused.

use super::*;
use crate::server::crypto::keys::tests::{keys_from, random_key};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const ISSUER: &str = "https://door.example";
const AUDIENCE: &str = "https://api.example";
const NOW: Timestamp = Timestamp(1_800_000_000);

/// A signer and the key behind it, to make validly signed but wrong tokens with.
struct Bench {
    signer: TokenSigner,
    key: SigningKey,
}

fn settings() -> settings::Token {
    settings::Token { access_lifetime: 600, leeway: 5, audience: AUDIENCE.to_owned() }
}

fn signer(signing: &[(&str, &str)]) -> TokenSigner {
    let keys = keys_from(signing, &[(1, &random_key())], &[&random_key()]);
    TokenSigner::new(&keys, ISSUER, &settings()).unwrap()
}

fn bench() -> Bench {
    let seed = random_key();
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&seed).unwrap().try_into().unwrap();
    Bench { signer: signer(&[("k1", &seed)]), key: SigningKey::from_bytes(&bytes) }
}

fn good_header() -> Value {
    json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "k1" })
}

fn good_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "42", "sid": "s1", "jti": "j1", "iat": NOW.0, "exp": NOW.0 + 600,
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

impl Bench {
    fn token(&self) -> String {
        self.signer.sign(AccountId(42), "s1", "j1".to_owned(), NOW).unwrap().access_token
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()).to_bytes()))
    }

    fn refusal(&self, header: &Value, claims: &Value) -> Option<TokenRefused> {
        self.signer.verify(&self.signed(header, claims), NOW).err()
    }
}

#[test]
fn a_token_says_what_was_signed_and_nothing_more() {
    let bench = bench();
    let grant = bench.signer.sign(AccountId(42), "s1", "j1".to_owned(), NOW).unwrap();
    assert_eq!((grant.token_type.as_str(), grant.expires_in, grant.expires_at), ("Bearer", 600, NOW.plus(600)));
    let claims = bench.signer.verify(&grant.access_token, NOW).unwrap();
    let (sid, jti) = ("s1".to_owned(), "j1".to_owned());
    assert_eq!(
        claims,
        Claims { account: AccountId(42), sid, jti, issued_at: NOW, expires_at: NOW.plus(600), is_compat: false }
    );
    let parts: Vec<Value> = grant
        .access_token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts, [good_header(), good_claims()]);
    assert_eq!(bench.refusal(&good_header(), &good_claims()), None, "the bench makes good tokens");
}

#[test]
fn a_token_lives_until_its_end_and_the_leeway_and_no_second_longer() {
    let bench = bench();
    let token = bench.token();
    for (at, expected) in [
        (NOW.plus(-6), Some(TokenRefused::TooEarly)),
        (NOW.plus(-5), None),
        (NOW.plus(599), None),
        (NOW.plus(604), None),
        (NOW.plus(605), Some(TokenRefused::Expired)),
        (NOW.plus(660), Some(TokenRefused::Expired)),
        (Timestamp(i64::MAX), Some(TokenRefused::Expired)),
        (Timestamp(i64::MIN), Some(TokenRefused::TooEarly)),
    ] {
        assert_eq!(bench.signer.verify(&token, at).err(), expected, "{at:?}");
    }
}

#[test]
fn a_token_to_be_used_later_is_refused_until_then() {
    let bench = bench();
    let claims = |nbf: i64| with(good_claims(), "nbf", nbf.into());
    assert_eq!(bench.refusal(&good_header(), &claims(NOW.0 + 6)), Some(TokenRefused::TooEarly));
    assert_eq!(bench.refusal(&good_header(), &claims(NOW.0 + 5)), None);
    assert_eq!(bench.refusal(&good_header(), &claims(NOW.0 - 1000)), None);
    let text = with(good_claims(), "nbf", "soon".into());
    assert_eq!(bench.refusal(&good_header(), &text), Some(TokenRefused::Claims));
    let made_tomorrow = with(good_claims(), "iat", (NOW.0 + 86_400).into());
    assert_eq!(bench.refusal(&good_header(), &made_tomorrow), Some(TokenRefused::TooEarly));
}

#[test]
fn a_token_without_a_signature_is_refused_whatever_its_algorithm_says() {
    let bench = bench();
    for alg in ["none", "None", "NONE", ""] {
        let bare = message(&with(good_header(), "alg", alg.into()), &good_claims());
        assert!(bench.signer.verify(&format!("{bare}."), NOW).is_err(), "{alg}");
        assert!(bench.signer.verify(&bare, NOW).is_err(), "{alg}");
    }
    let bare = message(&good_header(), &good_claims());
    assert_eq!(bench.signer.verify(&format!("{bare}."), NOW), Err(TokenRefused::Signature));
    assert_eq!(bench.signer.verify(&bare, NOW), Err(TokenRefused::Malformed));
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let bench = bench();
    for alg in ["HS256", "EdDSA"] {
        let message = message(&with(good_header(), "alg", alg.into()), &good_claims());
        let mac = Hmac::<Sha256>::new_from_slice(bench.key.verifying_key().as_bytes()).unwrap();
        let tag = mac.chain_update(&message).finalize().into_bytes();
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
        let expected = if alg == "EdDSA" { TokenRefused::Signature } else { TokenRefused::Header };
        assert_eq!(bench.signer.verify(&token, NOW), Err(expected));
    }
}

#[test]
fn a_header_other_than_ours_is_refused_even_when_signed_by_us() {
    let bench = bench();
    let jwk = bench.signer.jwks()["keys"][0].clone();
    let headers = [
        with(good_header(), "typ", "JWT".into()),
        with(good_header(), "typ", "AT+JWT".into()),
        with(good_header(), "typ", "application/at+jwt".into()),
        without(good_header(), "typ"),
        without(good_header(), "kid"),
        with(good_header(), "kid", "k2".into()),
        with(good_header(), "kid", "".into()),
        with(good_header(), "alg", "ES256".into()),
        with(good_header(), "alg", "HS512".into()),
        with(good_header(), "jwk", jwk),
        with(good_header(), "jku", "https://evil.example/keys".into()),
        with(good_header(), "x5u", "https://evil.example/cert".into()),
        with(good_header(), "x5c", json!(["AAAA"])),
        with(good_header(), "crit", json!(["exp"])),
        with(good_header(), "zip", "DEF".into()),
        with(good_header(), "b64", false.into()),
    ];
    for header in headers {
        assert_eq!(bench.refusal(&header, &good_claims()), Some(TokenRefused::Header), "{header}");
    }
    assert_eq!(
        bench.refusal(&with(good_header(), "alg", "none".into()), &good_claims()),
        Some(TokenRefused::Malformed)
    );
    assert_eq!(bench.refusal(&json!([]), &good_claims()), Some(TokenRefused::Malformed));
}

#[test]
fn a_key_that_travels_in_the_token_is_not_believed() {
    let (ours, theirs) = (bench(), bench());
    let jwk = theirs.signer.jwks()["keys"][0].clone();
    let token = theirs.signed(&with(good_header(), "jwk", jwk), &good_claims());
    assert_eq!(ours.signer.verify(&token, NOW), Err(TokenRefused::Header));
    assert_eq!(ours.signer.verify(&theirs.token(), NOW), Err(TokenRefused::Signature));
}

#[test]
fn every_claim_is_required_and_must_be_of_its_kind() {
    let bench = bench();
    for name in ["iss", "aud", "sub", "sid", "iat", "exp", "jti"] {
        let missing = without(good_claims(), name);
        assert_eq!(bench.refusal(&good_header(), &missing), Some(TokenRefused::Claims), "no {name}");
        for wrong in [Value::Null, json!([]), json!({}), json!(true), json!(1.5)] {
            let claims = with(good_claims(), name, wrong);
            assert_eq!(bench.refusal(&good_header(), &claims), Some(TokenRefused::Claims), "{claims}");
        }
    }
    for name in ["iat", "exp"] {
        let text = with(good_claims(), name, "1800000300".into());
        assert_eq!(bench.refusal(&good_header(), &text), Some(TokenRefused::Claims));
        let huge = with(good_claims(), name, u64::MAX.into());
        assert_eq!(bench.refusal(&good_header(), &huge), Some(TokenRefused::Claims));
    }
}

#[test]
fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let bench = bench();
    for other in ["https://door.example/", "HTTPS://DOOR.EXAMPLE", "", AUDIENCE] {
        let claims = with(good_claims(), "iss", other.into());
        assert_eq!(bench.refusal(&good_header(), &claims), Some(TokenRefused::Issuer), "{other}");
    }
    for other in ["https://api.example/", "", ISSUER] {
        let claims = with(good_claims(), "aud", other.into());
        assert_eq!(bench.refusal(&good_header(), &claims), Some(TokenRefused::Audience), "{other}");
    }
    let many = with(good_claims(), "aud", json!([AUDIENCE, "https://evil.example"]));
    assert_eq!(bench.refusal(&good_header(), &many), Some(TokenRefused::Claims));
}

#[test]
fn a_subject_that_is_no_account_number_is_refused() {
    let bench = bench();
    for sub in ["", "0", "-1", "+42", "042", " 42", "42 ", "0x2a", "4503599627370496", "9999999999999999999999", "mona"]
    {
        let claims = with(good_claims(), "sub", sub.into());
        assert_eq!(bench.refusal(&good_header(), &claims), Some(TokenRefused::Claims), "{sub:?}");
    }
    let largest = with(good_claims(), "sub", AccountId::MAX.to_string().into());
    assert_eq!(bench.refusal(&good_header(), &largest), None);
    for name in ["sid", "jti"] {
        assert_eq!(bench.refusal(&good_header(), &with(good_claims(), name, "".into())), Some(TokenRefused::Claims));
    }
}

#[test]
fn a_token_with_any_byte_changed_is_refused() {
    let bench = bench();
    let good = bench.token();
    for at in 0..good.len() {
        for letter in ['A', 'z', '-', '.', '=', ' '] {
            let mut bad = good.clone();
            bad.replace_range(at..=at, &letter.to_string());
            assert!(bad == good || bench.signer.verify(&bad, NOW).is_err(), "{letter:?} at {at}");
        }
    }
}

#[test]
fn a_cut_or_lengthened_token_is_refused() {
    let bench = bench();
    let good = bench.token();
    for length in 0..good.len() {
        assert!(bench.signer.verify(&good[..length], NOW).is_err(), "{length}");
    }
    for more in ["A", "=", ".", ".A", " ", "\n"] {
        assert!(bench.signer.verify(&format!("{good}{more}"), NOW).is_err(), "{more:?}");
    }
    assert_eq!(bench.signer.verify(&"a".repeat(4097), NOW), Err(TokenRefused::TooLong));
    let long = with(good_claims(), "sid", "s".repeat(4000).into());
    assert_eq!(bench.refusal(&good_header(), &long), Some(TokenRefused::TooLong));
}

#[test]
fn an_edited_payload_under_the_old_signature_is_refused() {
    let bench = bench();
    let good = bench.token();
    let signature = good.rsplit('.').next().unwrap();
    for claims in [with(good_claims(), "sub", "43".into()), with(good_claims(), "role", "admin".into())] {
        let token = format!("{}.{signature}", message(&good_header(), &claims));
        assert_eq!(bench.signer.verify(&token, NOW), Err(TokenRefused::Signature));
    }
}

#[test]
fn a_second_key_verifies_but_does_not_sign() {
    let (one, two) = (random_key(), random_key());
    let (before, during, after) = (signer(&[("a", &one)]), signer(&[("b", &two), ("a", &one)]), signer(&[("b", &two)]));
    let make = |signer: &TokenSigner| signer.sign(AccountId(1), "s", "j".to_owned(), NOW).unwrap().access_token;
    let (old, new) = (make(&before), make(&during));
    assert!(during.verify(&old, NOW).is_ok() && during.verify(&new, NOW).is_ok());
    assert_eq!(before.verify(&new, NOW), Err(TokenRefused::Header));
    assert_eq!(after.verify(&old, NOW), Err(TokenRefused::Header));
    assert!(after.verify(&new, NOW).is_ok());
}

#[test]
fn the_key_set_holds_every_public_key_and_nothing_private() {
    // The key pair of RFC 8037, appendix A.
    let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let set = signer(&[("one", seed), ("two", &random_key())]).jwks();
    assert_eq!(
        set["keys"][0],
        json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "one", "use": "sig", "alg": "EdDSA",
        })
    );
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    assert!(!set.to_string().contains("\"d\"") && !set.to_string().contains(seed));
}

#[test]
fn whoever_has_the_published_keys_can_check_a_token() {
    let (one, two) = (random_key(), random_key());
    let signer = signer(&[("b", &two), ("a", &one)]);
    let token = signer.sign(AccountId(42), "s1", "j1".to_owned(), NOW).unwrap().access_token;
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&signer.jwks().to_string()).unwrap();
    let key = |kid| DecodingKey::from_jwk(set.find(kid).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.validate_exp = false;
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[ISSUER]);
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    assert_eq!(jsonwebtoken::decode::<Value>(&token, &key(&kid), &rules).unwrap().claims, good_claims());
    let error = jsonwebtoken::decode::<Value>(&token, &key("a"), &rules).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::InvalidSignature);
}

#[test]
fn settings_that_weaken_tokens_stop_the_signer() {
    let keys = keys_from(&[("s", &random_key())], &[(1, &random_key())], &[&random_key()]);
    let start = |issuer: &str, settings: settings::Token| TokenSigner::new(&keys, issuer, &settings).is_ok();
    assert!(start(ISSUER, settings()));
    assert!(!start("", settings()));
    assert!(!start(ISSUER, settings::Token { audience: String::new(), ..settings() }));
    for access_lifetime in [-1, 0, 901] {
        assert!(!start(ISSUER, settings::Token { access_lifetime, ..settings() }));
    }
    for leeway in [61, u64::MAX] {
        assert!(!start(ISSUER, settings::Token { leeway, ..settings() }));
    }
}
