//! Ed25519 (RFC 8032) for the JWT library, and nothing else: its own backends bring RSA, ECDSA and HMAC along.
//!
//! A verifying key is the compressed point (the `x` of RFC 8037), 32 bytes. All else that the library could ask for is an
//! error, signing, too: it would hand over the seed on every call, and to prepare a key from that takes as long as to sign
//! with it. [`TokenSigner`](super::TokenSigner) keeps its keys prepared.

use ed25519_dalek::{Signature, VerifyingKey};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result, new_error},
    signature::{Error, Verifier},
};
use std::sync::LazyLock;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(unsupported()),
    verifier_factory: verifier,
    // What the library's dummies answer with is a panic.
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

/// The library takes one provider in the life of a process, so the answer to the first try is the answer to all.
static INSTALLED: LazyLock<bool> = LazyLock::new(|| PROVIDER.install_default().is_ok());

/// Makes this the cryptography of every JWT in the process. Can be called often and from many threads; `false` if
/// another one was there first, which cannot read our keys.
pub(super) fn install() -> bool {
    *INSTALLED
}

struct Ed25519Verifier(VerifyingKey);

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    only_ed25519(*algorithm, key.family())?;
    let key = VerifyingKey::try_from(key.try_get_as_bytes()?).map_err(|_| invalid())?;
    Ok(Box::new(Ed25519Verifier(key)))
}

fn only_ed25519(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm != Algorithm::EdDSA {
        return Err(unsupported());
    }
    if family == AlgorithmFamily::Ed { Ok(()) } else { Err(new_error(ErrorKind::InvalidKeyFormat)) }
}

fn unsupported() -> jsonwebtoken::errors::Error {
    new_error(ErrorKind::UnsupportedAlgorithm)
}

fn invalid() -> jsonwebtoken::errors::Error {
    new_error(ErrorKind::InvalidEddsaKey)
}

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        // Strict: a key or a signature of small order would fit more than one message.
        self.0.verify_strict(message, &Signature::from_slice(signature)?)
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{EncodingKey, crypto, jwk::Jwk};
    use std::thread;

    // RFC 8037, appendix A.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const MESSAGE: &[u8] = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const SIGNATURE: &str = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    const OTHERS: [Algorithm; 11] = [
        Algorithm::HS256,
        Algorithm::HS384,
        Algorithm::HS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];

    fn seed() -> EncodingKey {
        EncodingKey::from_ed_der(&URL_SAFE_NO_PAD.decode(SEED).unwrap())
    }

    #[test]
    fn it_verifies_the_example_of_the_standard() {
        assert!(install());
        let key = DecodingKey::from_ed_components(X).unwrap();
        let verify = |signature, message| crypto::verify(signature, message, &key, Algorithm::EdDSA).unwrap();
        assert!(verify(SIGNATURE, MESSAGE));
        assert!(!verify(SIGNATURE, b"another"));
        assert!(!verify("", MESSAGE));
        assert!(!verify(&SIGNATURE[..84], MESSAGE));
    }

    #[test]
    fn every_other_algorithm_is_an_error_and_no_panic() {
        assert!(install());
        let bytes = [7; 32];
        let signing = [seed(), EncodingKey::from_secret(&bytes), EncodingKey::from_rsa_der(&bytes)];
        let verifying = [
            DecodingKey::from_ed_components(X).unwrap(),
            DecodingKey::from_secret(&bytes),
            DecodingKey::from_ec_der(&bytes),
            DecodingKey::from_rsa_components(X, "AQAB").unwrap(),
        ];
        assert!(crypto::sign(MESSAGE, &signing[0], Algorithm::EdDSA).is_err(), "the token signer signs");
        for algorithm in OTHERS {
            for key in &signing {
                let error = crypto::sign(MESSAGE, key, algorithm).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::UnsupportedAlgorithm), "{algorithm:?}");
            }
            for key in &verifying {
                let error = crypto::verify(SIGNATURE, MESSAGE, key, algorithm).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::UnsupportedAlgorithm), "{algorithm:?}");
            }
            assert!(Jwk::from_encoding_key(&signing[2], algorithm).is_err(), "{algorithm:?}");
        }
        assert!(Jwk::from_encoding_key(&seed(), Algorithm::EdDSA).is_err());
    }

    #[test]
    fn a_key_of_another_kind_or_length_is_an_error_and_no_panic() {
        assert!(install());
        let bytes = [7; 64];
        let verify = |key: &DecodingKey| crypto::verify(SIGNATURE, MESSAGE, key, Algorithm::EdDSA);
        let rsa = DecodingKey::from_rsa_components(X, "AQAB").unwrap();
        for key in [DecodingKey::from_secret(&bytes[..32]), DecodingKey::from_ec_der(&bytes[..32]), rsa] {
            assert!(verify(&key).is_err());
        }
        for length in [0, 1, 31, 33, 57, 64] {
            assert!(verify(&DecodingKey::from_ed_der(&bytes[..length])).is_err(), "{length}");
        }
    }

    #[test]
    fn a_key_that_fits_every_message_verifies_none() {
        assert!(install());
        // The neutral point as the key and as R, with S = 0, fulfils the equation whatever the message is.
        let mut point = [0; 32];
        point[0] = 1;
        let signature = URL_SAFE_NO_PAD.encode([point, [0; 32]].concat());
        let key = DecodingKey::from_ed_der(&point);
        assert!(!crypto::verify(&signature, MESSAGE, &key, Algorithm::EdDSA).unwrap());
    }

    #[test]
    fn it_can_be_installed_by_many_at_once_and_again() {
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(install)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        assert!(install());
    }
}
