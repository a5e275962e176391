//! Octets that come a moment behind a request reset nobody who sends in pieces.

use std::net::SocketAddr;
use std::time::Duration;

use raida_reactor::testing::{ECHO, request};
use raida_sim::{End, Rig, Script, Weather};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_client_that_sends_in_pieces_may_send_one_too_many() {
    for cut in [1, 32, 49] {
        let mut rig = Rig::new(1, Weather::calm(), MS, |_| {});
        let (octets, pending) = request(ECHO, b"", 1);
        let (front, rest) = octets.split_at(cut);
        let script =
            Script::new().send_together(front).wait(MS).send_together(rest).wait(20 * MS).send_together(&[0; 16]);
        let peer = SocketAddr::from(([10, 0, 0, 1], 1024));
        let id = rig.sim().connect(Duration::ZERO, peer, script.half_close().stays());
        assert!(rig.run(Duration::from_secs(10)));
        let client = rig.sim().client(id);
        assert_eq!(client.end().map(|(end, _)| end), Some(End::Closed), "cut at {cut}");
        assert!(pending.read(&mut client.received().to_vec()).is_ok());
    }
}
