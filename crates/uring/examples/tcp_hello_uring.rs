//! Says hello to whoever connects, over the backend alone: no reactor, no protocol.
//!
//! Serves three clients of its own making and ends; with an address it serves whoever comes, a hundred at most:
//!
//! ```text
//! cargo run -p raida-uring --example tcp_hello_uring
//! cargo run -p raida-uring --example tcp_hello_uring 127.0.0.1:25000
//! ```

use std::error::Error;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use raida_reactor::backend::{Backend, Completion};
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;
use raida_sockets::{Setup, SocketBackend};
use raida_uring::Uring;

const HELLO: &[u8] = b"hello\n";

fn main() -> Result<(), Box<dyn Error>> {
    let wish: Option<SocketAddr> = std::env::args().nth(1).map(|text| text.parse()).transpose()?;
    let address = wish.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut uring = Uring::bind(&Setup { addresses: vec![address], connections_max: 100, ..Setup::default() })?;
    let bound = *uring.local_addrs().first().ok_or("nothing is bound")?;
    println!("listening on {bound}");
    if wish.is_some() {
        serve(&mut uring, 100)?;
    } else {
        let clients = thread::spawn(move || (0..3).try_for_each(|_| greet(bound)));
        serve(&mut uring, 3)?;
        clients.join().map_err(|_| "a client panicked")??;
    }
    println!("{:?}", uring.syscall_counts());
    Ok(())
}

/// Accepts, sends, closes; one slot and one buffer per connection.
fn serve(uring: &mut Uring, connections: u32) -> std::io::Result<()> {
    let (mut accepted, mut closed) = (0, 0);
    uring.accept(0);
    while closed < connections {
        match uring.next() {
            Some(Completion::Accepted { socket, peer, .. }) => {
                println!("{peer} connects");
                let token = Token::new(accepted, 0);
                uring.adopt(token, socket);
                uring.send(token, hello(), 0..HELLO.len());
                accepted += 1;
                if accepted < connections {
                    uring.accept(0);
                }
            }
            // A reply as short as this goes out whole or not at all.
            Some(Completion::Sent { token, .. } | Completion::Failed { token, .. }) => {
                uring.close(token, false);
                closed += 1;
            }
            Some(Completion::AcceptFailed { error, .. }) => return Err(error),
            Some(_) => {}
            None => uring.wait(None)?,
        }
    }
    // The last close has not gone out yet.
    uring.wait(Some(Duration::ZERO))
}

fn hello() -> Buffer {
    let mut buffer = Buffer::zeroed(HELLO.len());
    buffer.as_mut().copy_from_slice(HELLO);
    buffer
}

fn greet(server: SocketAddr) -> std::io::Result<()> {
    let mut text = String::new();
    TcpStream::connect(server)?.read_to_string(&mut text)?;
    println!("a client reads {text:?}");
    Ok(())
}
