//! Every target as an ordinary test: first the committed corpus, then random octets for a second or as long as
//! `BOLERO_RANDOM_TEST_TIME_MS` says. The names are what `cargo xtask fuzz` takes.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its shared parts")]

macro_rules! targets {
    ($($name:ident)+) => { $(
        #[test]
        fn $name() {
            if std::env::var_os("BOLERO_LIBFUZZER_ARGS").is_none() {
                replay(stringify!($name), raida_fuzz::$name);
            }
            bolero::check!().for_each(|octets: &[u8]| raida_fuzz::$name(octets));
        }
    )+ };
}

targets! {
    ballots
    body
    checksum
    coin_file
    configuration
    connection
    datagram
    header
    node
    page_files
    response
    vote
}

/// What guided runs have found worth keeping. They read it themselves.
fn replay(name: &str, target: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus is not there");
    for file in files {
        println!("{}", file.display());
        target(&std::fs::read(file).unwrap());
    }
}
