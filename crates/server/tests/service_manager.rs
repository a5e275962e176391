//! What systemd is told.

mod process;

use std::os::unix::net::UnixDatagram;

use process::{PATIENCE, Running, program};

#[test]
fn the_service_manager_hears_of_readiness_and_of_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = || {
        let mut room = [0; 200];
        let len = socket.recv(&mut room).unwrap();
        String::from_utf8(room[..len].to_vec()).unwrap().trim().to_owned()
    };
    let mut command = program(folder.path());
    let mut node = Running::spawn(command.args(["--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", &path));
    assert_eq!(hear(), "READY=1");
    assert_eq!(node.stop(), Some(0));
    assert_eq!(hear(), "STOPPING=1");
}

#[test]
fn a_service_manager_that_is_gone_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    let mut node = Running::spawn(command.args(["--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", "/nowhere/at/all"));
    process::assert_answers(node.addresses[0]);
    assert_eq!(node.stop(), Some(0));
    assert!(node.log.iter().any(|line| line.contains("service manager")), "{:#?}", node.log);
}
