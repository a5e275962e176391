//! Says hello to whoever connects, over the backend alone: no reactor, no protocol.
//!
//! Serves three clients of its own making and ends; with an address it serves whoever comes, a hundred at most:
//!
//! ```text
//! cargo run -p raida-epoll --example tcp_hello
//! cargo run -p raida-epoll --example tcp_hello 127.0.0.1:25000
//! ```

use std::error::Error;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::thread;

use raida_epoll::Epoll;
use raida_reactor::backend::{Backend, Completion};
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;
use raida_sockets::{Setup, SocketBackend};

const HELLO: &[u8] = b"hello\n";

fn main() -> Result<(), Box<dyn Error>> {
    let wish: Option<SocketAddr> = std::env::args().nth(1).map(|text| text.parse()).transpose()?;
    let address = wish.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut epoll = Epoll::bind(&Setup { addresses: vec![address], connections_max: 100, ..Setup::default() })?;
    let bound = *epoll.local_addrs().first().ok_or("nothing is bound")?;
    println!("listening on {bound}");
    if wish.is_some() {
        serve(&mut epoll, 100)?;
    } else {
        let clients = thread::spawn(move || (0..3).try_for_each(|_| greet(bound)));
        serve(&mut epoll, 3)?;
        clients.join().map_err(|_| "a client panicked")??;
    }
    println!("{:?}", epoll.syscall_counts());
    Ok(())
}

/// Accepts, sends, closes; one slot and one buffer per connection.
fn serve(epoll: &mut Epoll, connections: u32) -> std::io::Result<()> {
    let (mut accepted, mut closed) = (0, 0);
    epoll.accept(0);
    while closed < connections {
        match epoll.next() {
            Some(Completion::Accepted { socket, peer, .. }) => {
                println!("{peer} connects");
                let token = Token::new(accepted, 0);
                epoll.adopt(token, socket);
                epoll.send(token, hello(), 0..HELLO.len());
                accepted += 1;
                if accepted < connections {
                    epoll.accept(0);
                }
            }
            // A reply as short as this goes out whole or not at all.
            Some(Completion::Sent { token, .. } | Completion::Failed { token, .. }) => {
                epoll.close(token, false);
                closed += 1;
            }
            Some(Completion::AcceptFailed { error, .. }) => return Err(error),
            Some(_) => {}
            None => epoll.wait(None)?,
        }
    }
    Ok(())
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
