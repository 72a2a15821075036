//! A small service that is not Doorward, and lets in who holds an access token of Doorward's.
//!
//! ```sh
//! DOORWARD_URL=http://localhost:3000 cargo run --features ssr --example resource_server
//! curl http://localhost:4000/hello -H "Authorization: Bearer $TOKEN"
//! ```
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod service;
mod verify;

use std::{env, error::Error};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let doorward = env::var("DOORWARD_URL").unwrap_or_else(|_| "http://localhost:3000".to_owned());
    let audience = env::var("DOORWARD_AUDIENCE").unwrap_or_else(|_| doorward.clone());
    let verifier = verify::Verifier::of(&doorward, &audience).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    println!("listening on http://{}, for tokens of {doorward}", listener.local_addr()?);
    axum::serve(listener, service::router(verifier)).await?;
    Ok(())
}
