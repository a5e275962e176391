//! A flood of log lines, and what becomes of it: `cargo run -p raida-daemon --example bounded_log`.

use raida_config::{Config, Sources};
use raida_daemon::Log;
use tracing::info;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::load(&Sources::default())?.config;
    config.log.lines_per_second_max = 3;
    let _log = Log::start(&config)?;
    for number in 0..1000 {
        for reason in ["first", "second"] {
            info!(number, reason, "one line of many");
        }
    }
    Ok(())
}
