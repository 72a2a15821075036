//! What the store says of the database itself, on both engines.

use crate::harness::{Engine, START, new_database, on_both_engines};
use doorward::server::{
    clock::{Clock as _, SystemClock},
    settings::Settings,
    store::Store,
};

on_both_engines! {
    async fn the_engine_tells_its_version_and_its_time(engine) {
        let folder = tempfile::tempdir().unwrap();
        let url = new_database(engine, &folder).await;
        let store = Store::open(&Settings::from_toml(&format!("database.url = '{url}'")).unwrap().database).await.unwrap();
        let version = store.engine_version().await.unwrap();
        assert!(version.starts_with(|letter: char| letter.is_ascii_digit()), "{version}");
        let (time, most) = (store.engine_time().await.unwrap(), store.most_connections().await.unwrap());
        match engine {
            Engine::Sqlite => assert_eq!((time, most), (None, None)),
            Engine::Postgres => {
                let apart = SystemClock.now().since(time.unwrap()).abs();
                assert!(apart < 3600 && time.unwrap() > START.plus(-31_536_000), "the same machine: {apart}");
                assert!(most.unwrap() > 10, "{most:?}");
            }
        }
        store.close().await;
    }
}
