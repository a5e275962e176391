//! Peers that do whatever a node has to bear, and strangers who send datagrams and prove nothing.

use std::net::SocketAddr;
use std::time::Duration;

use raida_wire::{Command, vote};

use super::errand::build;
use crate::dice::Dice;
use crate::script::Script;
use crate::sim::Sim;

/// How many addresses strangers use.
const STRANGERS: u8 = 8;

/// A burst of hostile peers.
pub(crate) fn burst(sim: &mut Sim, dice: &mut Dice) {
    let source = u8::try_from(dice.below(4)).unwrap_or(0);
    for n in 0..1 + dice.below(20) {
        let peer = SocketAddr::from(([192, 0, source, 1 + u8::try_from(n).unwrap_or(0)], 5000));
        let script = script(dice);
        let _forgotten_when_over = sim.connect(Duration::from_millis(dice.below(200)), peer, script);
    }
    for _ in 0..dice.below(10) {
        let n = u8::try_from(dice.below(u64::from(STRANGERS))).unwrap_or(0);
        let peer = SocketAddr::from(([198, 51, 100, n], 6000));
        sim.distrust(peer);
        if let Some(octets) = letter(dice) {
            sim.post(Duration::from_millis(dice.below(200)), peer, &octets);
        }
    }
}

/// What one hostile peer does.
fn script(dice: &mut Dice) -> Script {
    let octets = request(dice);
    let cut = dice.index(octets.len() + 1);
    let (front, back) = octets.split_at_checked(cut).unwrap_or((&octets, &[]));
    let pause = Duration::from_millis(dice.below(3000));
    let script = match dice.below(9) {
        0 => Script::new().stays(),
        1 => Script::new().send(front).stays(),
        2 => {
            // The longest patience is over before so many octets are.
            let part = octets.get(..200).unwrap_or(&octets);
            Script::new().trickle(part, Duration::from_millis(200 + dice.below(1900)))
        }
        3 => Script::new().send(front).wait(pause).send(back).wait(pause).reset(),
        4 => Script::new().send(front).half_close(),
        5 => Script::new().send(&octets).reads_nothing().stays(),
        6 => Script::new().send(&octets).send(&vec![7; dice.index(100_000)]).stays(),
        7 => Script::new().send(&octets).reset(),
        _ => Script::new().send(&octets).wait(pause / 100).reset(),
    };
    if dice.odds(20) { script.reads_slowly(1, Duration::from_millis(500)) } else { script }
}

/// Something like a request.
fn request(dice: &mut Dice) -> Vec<u8> {
    let commands = [
        Command::ECHO,
        Command::POWN,
        Command::DETECT_SUM,
        Command::PEEK,
        Command::AUDIT,
        Command::GET_ALL_ROOTS,
        Command::GET_AVAILABLE_CHANGE_SNS,
        Command::BREAK,
    ];
    let command = commands.get(dice.index(commands.len())).copied().unwrap_or(Command::ECHO);
    let len = match dice.below(4) {
        0 => 0,
        1 => 37,
        2 => 480,
        _ => dice.index(5000),
    };
    let payload: Vec<u8> = (0..len).map(|_| dice.roll().to_be_bytes()[0]).collect();
    let Some((mut octets, _)) = build(dice, command, &payload, None) else { return Vec::new() };
    if dice.odds(30) {
        let place = dice.index(octets.len().min(48));
        if let Some(octet) = octets.get_mut(place) {
            *octet = dice.roll().to_be_bytes()[0];
        }
    }
    octets
}

/// Something like a datagram: a request, a question for a vote, or noise.
fn letter(dice: &mut Dice) -> Option<Vec<u8>> {
    match dice.below(6) {
        0 => {
            let mut octets = [0; vote::REQUEST_LEN];
            vote::ask(&[1; vote::ROOTS_LEN], &[dice.roll().to_be_bytes()[0]; vote::NONCE_LEN], &mut octets);
            Some(octets.to_vec())
        }
        1 => Some((0..dice.index(2000)).map(|_| dice.roll().to_be_bytes()[0]).collect()),
        2 => build(dice, Command::AUDIT, b"", None).map(|(octets, _)| octets),
        3 => build(dice, Command::GET_MERKLE_BRANCH, &[1, 0, 0, 0, 0, 0, 0, 0, 0], None).map(|(octets, _)| octets),
        4 => build(dice, Command::GET_AVAILABLE_CHANGE_SNS, &[0, 0, 0, 0, 1, 1], None).map(|(octets, _)| octets),
        _ => Some(request(dice)),
    }
}
