//! Opens a vault in an empty folder, as a node does at its first start, and closes it again.
//!
//! `cargo run -p raida-vault --example first_start`

use raida_config::{Config, Sources};
use raida_vault::Vault;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut config = Config::load(&Sources::default())?.config;
    config.store.data_dir = folder.path().join("data");
    let vault = Vault::open(&config)?;
    println!("new secrets: {}", vault.secrets_are_new());
    vault.close();
    Ok(())
}
