//! Coin files and their folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use raida_client::wallet::{Wallet, WalletError};
use raida_client::{Coin, Target};

use crate::id;

fn coin(number: u32) -> Coin {
    let mut coin = Coin::new(id(0, number));
    coin.at_mut(3).unwrap().number = Some([9; 16].into());
    coin
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_and_folders_are_made_for_their_owner_only() {
    let folder = crate::folder();
    let path = folder.path().join("coins");
    let wallet = Wallet::open_or_make(&path, 6).unwrap();
    // Few files are flushed one by one, many together.
    for count in [1, 100] {
        let coins: Vec<_> = (0..count).map(coin).collect();
        wallet.save(&coins).unwrap();
        assert_eq!(wallet.coins(|_| true).unwrap(), coins);
    }
    assert_eq!((mode(&path), mode(&path.join("coin.0.7.json"))), (0o700, 0o600));
    let left = fs::read_dir(&path)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension() != Some("json".as_ref()));
    assert_eq!(left.count(), 1, "the lock");
}

#[test]
fn what_others_may_read_is_refused() {
    let folder = crate::folder();
    let wallet = Wallet::open(folder.path(), 6).unwrap();
    wallet.save(&[coin(1)]).unwrap();
    let path = folder.path().join("coin.0.1.json");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(wallet.coin(id(0, 1)), Err(WalletError::Mode { mode: 0o640, .. })));
    drop(wallet);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let error = Wallet::open(folder.path(), 6).unwrap_err();
    assert!(error.to_string().contains("chmod go="), "{error}");
}

#[test]
fn wallet_is_open_once_at_a_time() {
    let folder = crate::folder();
    let wallet = Wallet::open(folder.path(), 6).unwrap();
    assert!(matches!(Wallet::open(folder.path(), 6), Err(WalletError::Locked(_))));
    drop(wallet);
    assert!(Wallet::open(folder.path(), Target::COIN_ID).is_ok());
    assert!(matches!(Wallet::open(&folder.path().join("none"), 6), Err(WalletError::Io { .. })));
}

#[test]
fn what_was_being_written_when_the_computer_stopped_is_no_coin() {
    let folder = crate::folder();
    let wallet = Wallet::open(folder.path(), 6).unwrap();
    wallet.save(&[coin(1)]).unwrap();
    fs::write(folder.path().join(".coin.0.1.json.new"), "{ \"version\": 1, \"coin_").unwrap();
    fs::write(folder.path().join(".coin.0.2.json.new"), "").unwrap();
    assert_eq!(wallet.coins(|_| true).unwrap(), [coin(1)]);
    let mut changed = coin(1);
    changed.propose(24, [1; 16].into());
    wallet.save([&changed]).unwrap();
    assert_eq!(wallet.coins(|_| true).unwrap(), [changed]);
}

#[test]
fn file_of_another_coin_or_network_is_refused_by_name() {
    let folder = crate::folder();
    let wallet = Wallet::open(folder.path(), 6).unwrap();
    wallet.save(&[coin(1)]).unwrap();
    fs::rename(folder.path().join("coin.0.1.json"), folder.path().join("coin.0.2.json")).unwrap();
    let error = wallet.coin(id(0, 2)).unwrap_err().to_string();
    assert!(error.contains("coin.0.2.json: holds coin 0:1"), "{error}");
    drop(wallet);
    let error = Wallet::open(folder.path(), 7).unwrap().coin(id(0, 2)).unwrap_err().to_string();
    assert!(error.contains("a coin of network 6, expected 7"), "{error}");
}

#[test]
fn coin_of_which_nothing_is_known_has_no_file() {
    let folder = crate::folder();
    let wallet = Wallet::open(folder.path(), 6).unwrap();
    wallet.save(&[coin(1), Coin::new(id(0, 2))]).unwrap();
    assert_eq!(wallet.ids().unwrap(), [id(0, 1)]);
    wallet.save(&[Coin::new(id(0, 1))]).unwrap();
    assert!(wallet.ids().unwrap().is_empty());
    assert!(matches!(wallet.coin(id(0, 1)), Err(WalletError::Missing(_))));
}
