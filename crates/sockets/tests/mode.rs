//! Blocking and non-blocking mode, with every other flag left alone.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;

use raida_sockets::{set_blocking, set_nonblocking};
use rustix::fs::{OFlags, fcntl_getfl};

#[test]
fn no_other_flag_changes() {
    let file = OpenOptions::new().append(true).open("/dev/null").unwrap();
    let before = fcntl_getfl(&file).unwrap();
    assert!(before.contains(OFlags::APPEND) && !before.contains(OFlags::NONBLOCK));
    set_nonblocking(&file).unwrap();
    assert_eq!(fcntl_getfl(&file).unwrap(), before | OFlags::NONBLOCK);
    set_nonblocking(&file).unwrap();
    assert_eq!(fcntl_getfl(&file).unwrap(), before | OFlags::NONBLOCK);
    set_blocking(&file).unwrap();
    assert_eq!(fcntl_getfl(&file).unwrap(), before);
}

#[test]
fn a_read_waits_or_not_as_it_was_told() {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    set_nonblocking(&reader).unwrap();
    assert_eq!(reader.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    set_blocking(&reader).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| drop(writer));
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
    });
}
