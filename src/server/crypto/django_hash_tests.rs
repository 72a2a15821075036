use super::*;
use crate::domain::credential::TypedPassword;
use secrecy::SecretString;

/// Of this password, by Django 5.2 with argon2-cffi 25.1 and bcrypt 5.0, with little work.
const PASSWORD: &str = "cheese & sieben Äpfel";
const MADE: [&str; 8] = [
    "pbkdf2_sha256$1000$saltsaltsalt$ni6fOExmha6iT6Tw7Vv+hjDt4CjBv01t3qpA0LB15P0=",
    "pbkdf2_sha1$1000$saltsaltsalt$wp7suUS2DjckN0tNN4S57pxcab8=",
    "argon2$argon2id$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA$mppR2v2IO+ic9nn7YgI/fiBH47JUcI8mEAwMSN+8cZs",
    "argon2$argon2i$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$dmpzshh6fCbEbF0qMOHDzw",
    "argon2$argon2d$v=16$m=64,t=2,p=1$c2FsdHNhbHQ$FUkrqgv2CqRJqhorODdYLQ",
    "bcrypt_sha256$$2b$04$mIe2B9zYd5305vcTYvA2y.bY7QvOO.5hgUnFwLeMLsmvr9F4HB14i",
    "bcrypt$$2b$04$MU5WaKXChaIOp6ot1qzvEOSxXsVLBA.ExgCZZDqUhOM0xnLn79exi",
    "scrypt$16$saltsalt$8$2$jB5glvGHn9toRFYVLN1aK9XPKvE/9vg8c8HZfc8ENVBDG/5jAqG8VqPMdSpAxW0mjCLPJOOPh2h/XAgti53HSg==",
];

fn is_of(hash: &str, typed: &str) -> bool {
    let typed = TypedPassword::parse(&SecretString::from(typed), 256).unwrap();
    DjangoHash::parse(hash).unwrap_or_else(|| panic!("{hash}")).is_of(&Guess::from(&typed))
}

#[test]
fn every_kind_of_django_matches_its_password_and_no_other() {
    for hash in MADE {
        assert_eq!(DjangoPassword::read(hash), DjangoPassword::Usable);
        assert!(is_of(hash, PASSWORD), "{hash}");
        for wrong in ["cheese & sieben äpfel", "cheese & sieben Äpfel.", "cheese", "", " "] {
            assert!(!is_of(hash, wrong), "{hash} {wrong:?}");
        }
    }
}

#[test]
fn a_password_matches_as_typed_normalised_and_trimmed() {
    for hash in MADE {
        assert!(is_of(hash, "cheese & sieben A\u{308}pfel"), "composed");
        assert!(is_of(hash, " \tcheese & sieben Äpfel\u{A0}\n"), "trimmed");
    }
    // Of "ﬁve ﬂowers of walt" with its ligatures, which our form has not.
    let raw = "pbkdf2_sha256$10000$2MSV4D43zYdVbtpUw6Engr$u+EmTH3zDs/w7tBHTzPrNPSEPYWnVwZCbbgRAGbY5xI=";
    assert!(is_of(raw, "ﬁve ﬂowers of walt"));
    assert!(!is_of(raw, "five flowers of walt"));
}

#[test]
fn a_hash_that_would_cost_too_much_is_not_computed() {
    let largest = [
        MADE[0].replace("$1000$", "$5000000$"),
        MADE[2].replace("m=256,t=2,p=2", "m=262144,t=16,p=16"),
        MADE[5].replace("$04$", "$16$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$262144$saltsalt$8$2$"),
    ];
    let beyond = [
        MADE[0].replace("$1000$", "$5000001$"),
        MADE[0].replace("$1000$", "$0$"),
        MADE[0].replace("$1000$", "$99999999999$"),
        MADE[1].replace("$1000$", "$-1$"),
        MADE[2].replace("m=256", "m=262145"),
        MADE[2].replace("t=2", "t=17"),
        MADE[2].replace("p=2", "p=17"),
        MADE[2].replace("p=2", "p=4294967295"),
        MADE[2].replace("v=19", "v=18"),
        MADE[5].replace("$04$", "$17$"),
        MADE[5].replace("$04$", "$03$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$524288$saltsalt$8$1$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$16384$saltsalt$8$64$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$17$saltsalt$8$1$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$1$saltsalt$8$1$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$16$saltsalt$0$1$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$16$saltsalt$8$0$"),
        MADE[7].replace("$16$saltsalt$8$2$", "$18446744073709551615$saltsalt$4294967295$4294967295$"),
    ];
    for hash in largest {
        assert!(DjangoHash::parse(&hash).is_some(), "{hash}");
    }
    for hash in beyond {
        assert!(DjangoHash::parse(&hash).is_none(), "{hash}");
        let kind = hash.split('$').next().unwrap().to_owned();
        assert_eq!(DjangoPassword::read(&hash), DjangoPassword::Unusable(kind));
    }
}

#[test]
fn what_is_no_such_hash_is_told_by_its_kind_and_never_by_its_text() {
    let read = DjangoPassword::read;
    let unusable = |kind: &str| DjangoPassword::Unusable(kind.to_owned());
    for unset in ["", "!", "!d5KEHXGfOasr6gFgOh8s7EZxBIGVzNDfsEWv2jZx"] {
        assert_eq!(read(unset), DjangoPassword::Unset);
    }
    assert_eq!(read("md5$salt$ecbe5dee2d9b4d9fb9ebc7e08985e334"), unusable("md5"));
    assert_eq!(read("sha1$$ecbe5dee2d9b4d9fb9ebc7e08985e334"), unusable("sha1"));
    let nameless = ["0123456789abcdef0123456789abcdef", "a word$x", "$2b$04$x", "$argon2id$x", "\u{1b}[31m$x", "é$x"];
    for text in nameless {
        assert_eq!(read(text), unusable("unknown"), "{text:?}");
    }
    for cut in MADE {
        for end in [cut.len() - 1, cut.len() - 20, cut.find('$').unwrap() + 1] {
            assert!(matches!(read(&cut[..end]), DjangoPassword::Unusable(_)), "{cut:?} {end}");
        }
        assert!(matches!(read(&format!("{cut}$")), DjangoPassword::Unusable(_)), "{cut}");
        assert!(matches!(read(&format!("{cut}\n")), DjangoPassword::Unusable(_)), "{cut}");
    }
    assert_eq!(read(&format!("pbkdf2_sha256$1${}$AA==", "x".repeat(10_000_000))), unusable("pbkdf2_sha256"));
}

#[test]
fn nothing_that_is_read_makes_it_panic() {
    use proptest::prelude::*;
    proptest!(|(text in "(pbkdf2_sha256|argon2|bcrypt|bcrypt_sha256|scrypt)\\$.{0,80}|\\PC*")| {
        let _ = DjangoPassword::read(&text);
    });
}
