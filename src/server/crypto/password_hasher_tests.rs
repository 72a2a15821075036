use super::*;
use crate::server::entropy::SystemEntropy;
use std::{io::Write, sync::Mutex};
use tracing::{Instrument as _, instrument::WithSubscriber as _};

fn settings() -> settings::Password {
    settings::Password {
        min_length: 10,
        max_length: 256,
        min_score: 3,
        argon2_memory: 19_456,
        argon2_passes: 2,
        argon2_lanes: 1,
        threads: 1,
        memory_limit: 1024,
        queue: 256,
    }
}

fn start(settings: &settings::Password) -> PasswordHasher {
    PasswordHasher::start(settings, Arc::new(SystemEntropy), Metrics::new()).unwrap()
}

fn password(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

const RIGHT: Verdict = Verdict { matches: true, stale: false };
const WRONG: Verdict = Verdict { matches: false, stale: false };

/// A hash made elsewhere: OpenSSL's Argon2id by Python's cryptography, of "correct horse" with the salt 0, 1, … 15.
const FOREIGN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$0AuQxA+RjPiJeA19Op7DwrFxnfh9xeTU2T6mFj2wThc";

#[tokio::test]
async fn a_password_matches_its_own_hash_only() {
    let hasher = start(&settings());
    let stored = hasher.hash(password("pässword one")).await.unwrap();
    assert_eq!(hasher.verify(password("pässword one"), Some(stored.clone())).await, Ok(RIGHT));
    for other in ["pässword on", "pässword one ", "Pässword one", ""] {
        assert_eq!(hasher.verify(password(other), Some(stored.clone())).await, Ok(WRONG), "{other}");
    }
    let again = hasher.hash(password("pässword one")).await.unwrap();
    assert_ne!(stored, again, "every hash has a salt of its own");
}

#[tokio::test]
async fn a_hash_is_a_phc_text_that_other_programs_read_and_theirs_is_read_here() {
    let hasher = start(&settings());
    let stored = hasher.hash(password("correct horse")).await.unwrap();
    let parts: Vec<&str> = stored.split('$').collect();
    assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
    assert_eq!(parts[4..].iter().map(|part| part.len()).collect::<Vec<_>>(), [22, 43]);
    let hash = PasswordHash::new(&stored).unwrap();
    argon2::PasswordVerifier::verify_password(&Argon2::default(), b"correct horse", &hash).unwrap();
    assert_eq!(hasher.verify(password("correct horse"), Some(FOREIGN.to_owned())).await, Ok(RIGHT));
    assert_eq!(hasher.verify(password("correct horsf"), Some(FOREIGN.to_owned())).await, Ok(WRONG));
}

#[tokio::test]
async fn a_hash_weaker_than_the_settings_is_stale_only_when_it_matches() {
    let strong = start(&settings::Password { argon2_passes: 3, ..settings() });
    let stored = Some(start(&settings()).hash(password("p")).await.unwrap());
    assert_eq!(strong.verify(password("p"), stored.clone()).await, Ok(Verdict { matches: true, stale: true }));
    assert_eq!(strong.verify(password("q"), stored).await, Ok(WRONG));
    let wide = start(&settings::Password { argon2_memory: 20_480, ..settings() });
    let stored = Some(start(&settings()).hash(password("p")).await.unwrap());
    assert_eq!(wide.verify(password("p"), stored).await, Ok(Verdict { matches: true, stale: true }));
}

#[tokio::test]
async fn a_hash_stronger_than_the_settings_matches_and_is_not_stale() {
    let large = start(&settings::Password { argon2_memory: 65_536, argon2_passes: 3, argon2_lanes: 4, ..settings() });
    let stored = Some(large.hash(password("p")).await.unwrap());
    let small = start(&settings());
    assert_eq!(small.verify(password("p"), stored.clone()).await, Ok(RIGHT));
    assert_eq!(small.verify(password("q"), stored).await, Ok(WRONG));
}

/// What a hash leaves in its memory: it differs with every parameter, pass and byte that went in.
fn traces(memory: &[Block]) -> Vec<u64> {
    memory.iter().flat_map(|block| block.as_ref().iter().copied()).collect()
}

// Not by the clock: a busy machine would decide. The memory shows that the same work was done.
#[test]
fn an_unknown_account_and_a_damaged_hash_cost_a_whole_hash_and_never_match() {
    let hasher = start(&settings());
    let (recipe, guess) = (&hasher.0.recipe, password("guess"));
    let Stored { params, salt, tag } = &recipe.nobody;
    let mut memory = vec![Block::new(); params.block_count()];
    compute(params, &guess, salt, &mut tag.clone(), &mut memory).unwrap();
    let whole = traces(&memory);
    for stored in [
        None,
        Some(""),
        Some("damaged"),
        Some("$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAA"),
    ] {
        memory.fill(Block::new());
        assert_eq!(recipe.verify(&guess, stored, &mut memory), WRONG);
        assert!(traces(&memory) == whole, "{stored:?}");
    }
}

#[test]
fn what_is_computed_for_nobody_has_the_form_of_a_real_hash() {
    let hasher = start(&settings());
    let recipe = &hasher.0.recipe;
    let mut memory = vec![Block::new(); recipe.params.block_count()];
    let real = Stored::parse(&recipe.hash(&password("p"), &[1; SALT_BYTES], &mut memory).unwrap()).unwrap();
    let nobody = &recipe.nobody;
    assert_eq!(real.params, nobody.params);
    assert_eq!((real.salt.len(), real.tag.len()), (nobody.salt.len(), nobody.tag.len()));
    // Even a password whose tag is the drawn one is not let in.
    let mut tag = vec![0; TAG_BYTES];
    compute(&nobody.params, &password("p"), &nobody.salt, &mut tag, &mut memory).unwrap();
    let unlucky = Recipe { params: nobody.params.clone(), nobody: Stored { tag, ..nobody.clone() } };
    assert_eq!(unlucky.verify(&password("p"), None, &mut memory), WRONG);
}

#[tokio::test]
async fn a_stored_text_that_cannot_be_used_never_matches() {
    let hasher = start(&settings());
    let good = hasher.hash(password("p")).await.unwrap();
    let tag = good.rsplit('$').next().unwrap();
    let bad = [
        good[..good.len() - 1].to_owned(),
        format!("{good}$"),
        good.replace("argon2id", "argon2i"),
        good.replace("v=19", "v=16"),
        good.replace("$v=19", ""),
        good.replace("m=19456,", ""),
        good.replace("p=1", "p=1,data=AAAA"),
        good.replace("m=19456", "m=4294967295"),
        good.replace("t=2", "t=4294967295"),
        good.replace("p=1", "p=4294967295"),
        good.replace("p=1", "p=0"),
        good.replace("m=19456", "m=1"),
        good.replace(tag, ""),
        good.replace(tag, "AAAA"),
        "$2b$12$KIXQ0000000000000000000000000000000000000000000000000".to_owned(),
        "p".to_owned(),
    ];
    for stored in bad {
        assert_ne!(stored, good);
        assert_eq!(hasher.verify(password("p"), Some(stored.clone())).await, Ok(WRONG), "{stored}");
    }
}

/// What is logged, in a buffer.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_damaged_hash_is_logged_once_inside_the_callers_span_and_without_its_text() {
    let lines = Lines::default();
    let to = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || to.clone()).finish();
    let hasher = start(&settings());
    async {
        let span = tracing::info_span!("sign_in", request = "r-17");
        let stored = Some("$argon2id$damaged".to_owned());
        hasher.verify(password("open sesame"), stored).instrument(span).await.unwrap();
    }
    .with_subscriber(log)
    .await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("ERROR") && text.contains("sign_in{request=\"r-17\"}"), "{text}");
    assert!(!text.contains("$argon2id") && !text.contains("sesame"), "{text}");
}

#[tokio::test]
async fn a_full_queue_answers_busy_before_one_hash_could_be_made() {
    let hasher = start(&settings::Password { queue: 1, ..settings() });
    let many: Vec<_> = (0..32)
        .map(|number| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.hash(password(&number.to_string())).await.is_ok() })
        })
        .collect();
    let mut made = 0;
    for hash in many {
        made += usize::from(hash.await.unwrap());
    }
    assert!((1..32).contains(&made), "{made}");
    assert_eq!(hasher.waiting(), 0);
    assert!(hasher.hash(password("later")).await.is_ok());
}

#[test]
fn parameters_below_the_floor_stop_the_hasher_with_a_clear_text() {
    let with = |(argon2_memory, argon2_passes, argon2_lanes)| {
        let settings = settings::Password { argon2_memory, argon2_passes, argon2_lanes, ..settings() };
        params_of(&settings).map_err(|error| error.to_string())
    };
    for weak in
        [(19_455, 2, 1), (19_456, 1, 1), (47_103, 1, 1), (12_287, 3, 1), (12_287, 100, 1), (65_536, 0, 1), (0, 0, 0)]
    {
        let text = with(weak).unwrap_err();
        assert!(text.contains("argon2_memory") && text.contains("19456"), "{text}");
    }
    for lanes in [0, 17, u32::MAX] {
        assert!(with((19_456, 2, lanes)).unwrap_err().contains("argon2_lanes"));
    }
    for enough in [(19_456, 2, 1), (47_104, 1, 1), (12_288, 3, 1), (131_072, 4, 8)] {
        with(enough).unwrap();
    }
    let weak = settings::Password { argon2_passes: 1, ..settings() };
    assert!(matches!(
        PasswordHasher::start(&weak, Arc::new(SystemEntropy), Metrics::new()),
        Err(HasherError::Parameters(_))
    ));
}

#[test]
fn the_threads_together_stay_inside_the_memory_limit() {
    let count = |threads, memory_limit, argon2_memory| {
        thread_count(&settings::Password { threads, memory_limit, argon2_memory, ..settings() })
    };
    assert_eq!(count(4, 1024, 19_456), 4);
    assert_eq!(count(4, 76, 19_456), 4);
    assert_eq!(count(4, 75, 19_456), 3);
    assert_eq!(count(4, 19, 19_456), 1);
    assert_eq!(count(4, 1, 19_456), 1, "one is always there");
    assert_eq!(count(0, 65_536, 19_456), thread::available_parallelism().unwrap().get());
}
