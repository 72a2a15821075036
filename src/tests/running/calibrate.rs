//! `doorward calibrate`, run as an operator runs it.

use super::{json_of, run_in, said};

#[test]
fn it_suggests_what_the_settings_take_and_never_less() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("DOORWARD__PASSWORD__MEMORY_LIMIT", "48"), ("DOORWARD__PASSWORD__THREADS", "1")];
    let (answer, code) = json_of(&run_in(folder.path(), &variables, &["--json", "calibrate", "--target-ms", "10"]));
    assert_eq!(code, 0);
    let measured = answer["measured"].as_array().unwrap();
    assert!(!measured.is_empty());
    for one in measured {
        assert!(one["milliseconds"].as_f64().unwrap() > 0.0 && one["per_second"].as_f64().unwrap() > 0.0);
        assert!(one["cost"]["memory"].as_u64().unwrap() <= 48 * 1024, "{one}");
    }
    assert!(measured.iter().any(|one| one["cost"] == answer["current"]), "what is set now is measured, too");
    // It is laid over the settings, which refuse what is too weak.
    let file = folder.path().join("suggested.toml");
    std::fs::write(&file, answer["toml"].as_str().unwrap()).unwrap();
    let again = run_in(folder.path(), &[], &["--settings", "suggested.toml", "calibrate", "--target-ms", "1"]);
    let (text, code) = said(&again);
    assert!(
        code == 2 && text.contains("--target-ms"),
        "the settings were read, the target is out of its range: {text}"
    );
}
