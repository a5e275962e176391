//! Asks a node that lives in this process: no socket, no thread, one issued coin.
//!
//! `cargo run -p raida-node --example ask_in_memory`

use raida_node::testing::{ADMIN_KEY, Coins, ask, node_of};
use raida_reactor::service::Transport;
use raida_wire::audit::Counts;
use raida_wire::stats::Stats;
use raida_wire::{AuthenticityNumber, Challenge, CoinId, Command, Recipient, Request, Sender};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let coin = CoinId::new(0, 1234).ok_or("no such coin")?;
    let number = AuthenticityNumber::new([0x5A; 16]);
    let node = node_of(14, &Coins::new().with_coin(coin, number.clone()));

    let challenge = Challenge::new([7; 12]);
    let in_clear = Sender::Nobody { echo: [0, 1], challenge };
    let encrypted = Sender::Coin { coin, number: &number, nonce: [3; 8], challenge };
    let claim = [&coin.raw().0[..], number.octets()].concat();
    let exchange = [&claim[..], &[0xC3; 16]].concat();
    let questions = [
        (Command::ECHO, in_clear, &[][..]),
        (Command::ECHO, encrypted, &[]),
        (Command::VERSION, encrypted, &[]),
        (Command::SHOW_STATS, encrypted, &ADMIN_KEY),
        (Command::AUDIT, in_clear, &[]),
        (Command::DETECT, in_clear, &claim),
        (Command::POWN, in_clear, &exchange),
        (Command::DETECT, in_clear, &claim),
    ];
    for (command, sender, payload) in questions {
        let request = Request::new(Recipient { raida_id: 14, coin_id: 6, shard: 0 }, command, sender);
        let mut octets = vec![0; request.built_len(payload.len())];
        let (_, pending) = request.build(&mut octets, payload)?;
        let mut answer = ask(&node, &octets, Transport::Tcp).ok_or("no answer")?;
        let response = pending.read(&mut answer)?;
        print!("{command:>5}  {:<20}", response.status.to_string());
        match command {
            Command::VERSION => println!("{}", String::from_utf8_lossy(response.payload)),
            Command::SHOW_STATS => println!("{:?}", Stats::parse(response.payload)?),
            Command::AUDIT => println!("{:?}", Counts::parse(response.payload)?.0),
            _ => println!(),
        }
    }
    Ok(())
}
