//! Signs in to a Doorward with the typed client of `client.rs`, shows the account and its sessions, and signs out.
//!
//! ```sh
//! DOORWARD_URL=http://localhost:3000 DOORWARD_NAME=mona DOORWARD_PASSWORD='a calm violet harbour' \
//!     cargo run --features ssr --example account
//! ```
//! Where the account has an authenticator app, `DOORWARD_CODE` is what it shows.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

#[expect(dead_code, reason = "the client knows all of the API; this program asks for little of it")]
mod client;

use client::Client;
use doorward::server::http::api::types::FactorAnswer;
use std::{env, error::Error};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DOORWARD_URL").unwrap_or_else(|_| "http://localhost:3000".to_owned());
    let (name, password) = (env::var("DOORWARD_NAME")?, env::var("DOORWARD_PASSWORD")?);
    let mut client = Client::new(&url);
    if let Some(waits) = client.log_in(&name, &password, false).await? {
        let code = env::var("DOORWARD_CODE").map_err(|_| format!("it waits for one of {:?}", waits.accepts))?;
        let challenge = Some(waits.challenge);
        client.show_factor(FactorAnswer { challenge, code: code.as_str().into(), ..FactorAnswer::default() }).await?;
    }
    let me = client.me().await?;
    println!("{} <{}>, account {}", me.username, me.email, me.id);
    for session in client.sessions(None, 100).await?.items {
        let here = if session.current { " (this one)" } else { "" };
        println!("  {} from {}, since {}{here}", session.device, session.ip, session.created_at);
    }
    client.log_out().await?;
    println!("signed out");
    Ok(())
}
