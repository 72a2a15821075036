//! What lies in `deploy` for operators: its settings exist, the programs that read its files take them.

use doorward::server::settings::{DEFAULTS, Settings};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn read(name: &str) -> String {
    fs::read_to_string(deploy().join(name)).unwrap_or_else(|error| panic!("deploy/{name}: {error}"))
}

#[test]
fn every_variable_and_every_setting_that_is_named_there_exists() {
    let settings: toml::Table = DEFAULTS.parse().unwrap();
    let known = |section: &str, key: &str| settings.get(section).and_then(|keys| keys.get(key)).is_some();
    let mut named = 0;
    for entry in fs::read_dir(deploy()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let is_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        for rest in text.split("DOORWARD__").skip(1) {
            let name = rest.split(|letter| !is_name(letter)).next().unwrap().to_lowercase();
            let (section, key) = name.split_once("__").unwrap_or((&name, ""));
            assert!(known(section, key), "{}: DOORWARD__{}", path.display(), name.to_uppercase());
            named += 1;
        }
        for span in text.split('`').skip(1).step_by(2) {
            let Some((section, key)) = span.split(' ').next().and_then(|span| span.split_once('.')) else { continue };
            let is_section = settings.get(section).is_some_and(toml::Value::is_table);
            assert!(!is_section || key == "*" || known(section, key), "{}: `{span}`", path.display());
            named += usize::from(is_section);
        }
    }
    assert!(named > 25, "{named} settings");
}

#[test]
fn the_sample_settings_are_good() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("smtp_url");
    fs::write(&secret, "smtps://doorward:secret@mail.example.com:465").unwrap();
    let text = read("doorward.toml");
    let named = "/run/credentials/doorward.service/smtp_url";
    assert!(text.contains(named) && read("doorward.service").contains("LoadCredential=smtp_url:"));
    let settings = Settings::from_toml(&text.replace(named, secret.to_str().unwrap())).unwrap();
    assert_eq!(settings.server.trusted_proxies, ["127.0.0.1/32", "::1/128"]);
}

#[test]
fn nginx_takes_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    let certified = rcgen::generate_simple_self_signed(["accounts.example.com".to_owned()]).unwrap();
    fs::write(folder.path().join("fullchain.pem"), certified.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    let sample = read("nginx.conf");
    let sample = sample.replace("/etc/ssl/accounts.example.com", here).replace("/var/log/nginx", here);
    // As anybody, on ports that anybody may have: what is asked is whether nginx understands it.
    let ports = sample.replace("listen 80", "listen 18080").replace(":]:80;", ":]:18080;");
    let ports = ports.replace("listen 443", "listen 18443").replace(":]:443", ":]:18443");
    let whole = format!("pid {here}/pid; error_log {here}/error; events {{}} http {{ {ports} }}");
    fs::write(folder.path().join("nginx.conf"), whole).unwrap();
    let mut nginx = Command::new("/usr/sbin/nginx");
    let tried = nginx.args(["-t", "-p", here, "-c"]).arg(folder.path().join("nginx.conf")).output();
    let tried = tried.expect("nginx: `cargo xtask test` installs it");
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
}
