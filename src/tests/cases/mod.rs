//! The public cases of bad input, attacks and faults, as far as what they attack exists; one file a group.

mod cross_site;
mod forged_tokens;
mod headers;
mod input;
mod names;
mod proxies;
mod sign_in;
