//! The command line itself.

use crate::raida;

#[test]
fn wrong_command_lines_end_with_2_and_say_why_on_standard_error() {
    let cases: [(&[&str], &str); 15] = [
        (&[], "Usage"),
        (&["ping"], "unrecognized subcommand"),
        (&["echo", "--node", "localhost"], "the port is missing"),
        (&["echo", "--node", "::1:50000"], "brackets"),
        (&["echo", "--node", "127.0.0.1:50000@25"], "not from 0 to 24"),
        (&["echo", "--raida-id", "25"], "25 is not in 0..=24"),
        (&["echo", "--coin-id", "65536"], "65536"),
        (&["echo", "--tcp", "--udp"], "cannot be used with"),
        (&["echo", "--encryption", "2"], "possible values: 0, 1, 4"),
        (&["echo", "--encryption", "4"], "--key-file"),
        (&["echo", "--key-file", "coin.key"], "in clear"),
        (&["echo", "--timeout", "0"], "0.001 to 3600"),
        (&["stats"], "--admin-key-file"),
        (&["vote"], "--roots"),
        (&["vote", "--roots", "zero", "--tcp"], "unexpected argument"),
    ];
    for (arguments, reason) in cases {
        let run = raida(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.err.contains(reason), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn help_is_success_and_tells_examples_key_file_and_json() {
    let run = raida(["--help"]);
    assert!(run.code == Some(0) && run.out.contains("Exit code") && run.out.contains("raida echo --udp"), "{run:?}");
    let run = raida(["echo", "--help"]);
    assert!(run.code == Some(0) && run.out.contains("serial_number") && run.out.contains("latency_us"), "{run:?}");
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let run = raida(["completions", shell]);
        assert_eq!(run.code, Some(0));
        for command in ["echo", "version", "stats", "audit", "vote", "--admin-key-file"] {
            assert!(run.out.contains(command.trim_start_matches("--")), "{shell} {command}");
        }
    }
}

#[test]
fn roots_of_another_size_are_refused() {
    let run = raida(["vote", "--roots", "/dev/null"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("480 bytes"), "{run:?}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = raida(["manual".as_ref(), folder.path().as_os_str()]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    for page in ["raida.1", "raida-echo.1", "raida-top.1", "raida-coins.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".TH "), "{page}");
    }
}
