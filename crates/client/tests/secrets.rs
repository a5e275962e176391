//! No secret is ever shown.

use raida_client::testing::{FakeNode, Honest};
use raida_client::wallet::AdminKeys;
use raida_client::wire::{AuthenticityNumber, CoinId, Command};
use raida_client::{AdminKey, Coin, Envelope, KeyCoin, Options, Question, Renewal, Target, ask, stats};

/// One octet that stands for the secret: 171, AB.
const SECRET: [u8; 16] = [0xAB; 16];

fn assert_discreet(shown: &str) {
    let lower = shown.to_lowercase();
    assert!(!lower.contains("171") && !lower.contains("abab") && !lower.contains("0xab"), "{shown}");
}

#[test]
fn debug_output_shows_no_secret() {
    let number = || AuthenticityNumber::new(SECRET);
    let key_coin = || KeyCoin { coin: CoinId::new(0, 1).unwrap(), number: number() };
    let mut target = Target::new("127.0.0.1:50000".parse().unwrap());
    for envelope in [
        Envelope::Coin(key_coin()),
        Envelope::Locker(number()),
        Envelope::Coin256(key_coin()),
        Envelope::TwoCoins(key_coin(), key_coin()),
    ] {
        target.envelope = envelope;
        assert_discreet(&format!("{target:?} {target}"));
    }
    let renewal = Renewal { coin: CoinId::new(0, 1).unwrap(), number: number(), proposed: number() };
    let mut coin = Coin::new(CoinId::new(0, 1).unwrap());
    coin.at_mut(7).unwrap().number = Some(number());
    coin.propose(7, number());
    let mut keys = AdminKeys::default();
    keys.set(7, AdminKey::new(SECRET));
    assert_discreet(&format!("{renewal:?} {coin:?} {keys:?}"));
    assert_discreet(&format!("{:?}", AdminKey::new(SECRET)));
    assert_discreet(&format!("{:?}", Question::raw(Command::POWN, SECRET)));
}

#[test]
fn errors_show_no_secret() {
    let fake = FakeNode::start(&Honest::new(0)).unwrap();
    let coin = KeyCoin { coin: CoinId::new(0, 1).unwrap(), number: AuthenticityNumber::new(SECRET) };
    for (raida_id, envelope) in [(0, Envelope::Clear), (0, Envelope::Coin(coin)), (1, Envelope::Clear)] {
        let target = Target { raida_id, envelope, ..fake.target(raida_id) };
        let error = stats(&target, &AdminKey::new(SECRET), &Options::default()).unwrap_err();
        assert_discreet(&error.to_string().replace(&fake.address().port().to_string(), ""));
        let question = Question::raw(Command::ECHO, SECRET.repeat(5_000));
        let error = ask(&target, &question, &Options::default()).unwrap_err();
        assert_discreet(&error.to_string().replace(&fake.address().port().to_string(), ""));
    }
}
