//! What a node gives up once its sockets are bound.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::process::{Running, assert_answers, program, refusal};
use rustix::process::geteuid;

#[test]
fn a_node_started_by_root_goes_on_as_the_account_it_is_told() {
    if !geteuid().is_root() {
        return println!("skipped: it takes root");
    }
    let folder = tempfile::tempdir().unwrap();
    // The folder of the test is root's alone; the account must get through to its data.
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let mut command = program(folder.path());
    command.args(["--listen", "127.0.0.1:0"]).env("RAIDA_SANDBOX__USER", "65534");
    let mut node = Running::spawn(&mut command);
    assert_answers(node.addresses[0]);
    let status = fs::read_to_string(format!("/proc/{}/status", node.id())).unwrap();
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534\n"), "{status}");
    assert!(status.contains("CapEff:\t0000000000000000\n") && status.contains("Groups:\t65534"), "{status}");
    for file in ["raida-data", "raida-data/secrets.toml", "raida-data/coins.redb"] {
        assert_eq!(fs::metadata(folder.path().join(file)).unwrap().uid(), 65534, "{file}");
    }
    assert_eq!(node.stop(), Some(0));
    assert!(node.log.iter().any(|line| line.contains("sandbox: account")), "{:#?}", node.log);
}

#[test]
fn an_account_that_does_not_exist_keeps_the_node_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.args(["--listen", "127.0.0.1:0", "--log", "error"]).env("RAIDA_SANDBOX__USER", "no-such-user");
    assert!(refusal(&command.output().unwrap()).contains("no user \"no-such-user\""));
}
