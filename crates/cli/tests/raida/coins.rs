//! Coins in a wallet, and 25 nodes of which some are down, silent or lying.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use raida_client::testing::{ADMIN_KEY, Bank, Mood, MoodyNode};
use raida_client::wire::CoinId;
use serde_json::Value;

use crate::{Run, raida};

/// 25 nodes, and a folder with a nodes file, an admin key and a wallet.
struct Stage {
    banks: Arc<Vec<Bank>>,
    nodes: Vec<MoodyNode>,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let banks = Bank::network(25);
        let nodes = MoodyNode::network(&banks).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let lines = nodes.iter().zip(0..).map(|(node, id)| format!("{}@{id}\n", node.address()));
        fs::write(folder.path().join("nodes"), lines.collect::<String>()).unwrap();
        let stage = Self { banks, nodes, folder };
        stage.private("admin.key", &"ad".repeat(16));
        assert_eq!(ADMIN_KEY, [0xAD; 16]);
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn private(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a command with the nodes and, unless it peeks, the wallet. `FOLDER` stands for the folder.
    fn run(&self, command: &str) -> Run {
        let folder = self.folder.path().to_str().unwrap();
        let words = command.split_whitespace().map(|word| word.replace("FOLDER", folder));
        let nodes = ["--nodes-file".to_owned(), format!("{folder}/nodes")];
        let patience = ["--timeout", "1", "--retries", "0"].map(str::to_owned);
        let wallet = ["--wallet".to_owned(), format!("{folder}/coins")];
        let wallet = wallet.into_iter().filter(|_| !["peek", "free"].iter().any(|word| command.contains(word)));
        raida(words.chain(nodes).chain(patience).chain(wallet))
    }

    fn create(&self, count: u32) -> Run {
        self.run(&format!("coins create --denomination 0 --count {count} --admin-key-file FOLDER/admin.key --json"))
    }
}

impl Run {
    fn of_kind(&self, kind: &str) -> Vec<Value> {
        let lines = self.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["kind"] == kind).collect()
    }

    fn sum(&self) -> Value {
        self.of_kind("sum").remove(0)
    }
}

#[test]
fn coins_are_issued_detected_powned_broken_joined_and_found() {
    let stage = Stage::new();
    let run = stage.create(3);
    assert_eq!((run.code, &run.sum()["authentic"], run.of_kind("node").len()), (Some(0), &3.into(), 25), "{run:?}");
    for command in ["detect", "pown", "find", "fix", "detect"] {
        let run = stage.run(&format!("coins {command} --json"));
        assert_eq!(
            (run.code, &run.sum()["coins"], &run.sum()["authentic"]),
            (Some(0), &3.into(), &3.into()),
            "{run:?}"
        );
        assert_eq!(run.sum()["command"], format!("coins {command}"));
    }
    let run = stage.run("coins break --coin 0:1 --json");
    assert_eq!(
        (run.code, &run.sum()["coins"], &run.sum()["value"]),
        (Some(0), &10.into(), &100_000_000.into()),
        "{run:?}"
    );
    let run = stage.run("coins detect");
    assert!(run.out.ends_with("\n12 coins worth 3: 12 authentic\n"), "{run:?}");
    let run = stage.run("coins join --denomination -1 --json");
    assert_eq!(
        (run.code, &run.sum()["coins"], &run.sum()["value"]),
        (Some(0), &1.into(), &100_000_000.into()),
        "{run:?}"
    );
    assert!(stage.banks.iter().all(|bank| bank.books().coins.len() == 3));
}

#[test]
fn table_shows_nodes_coins_and_their_sum() {
    let stage = Stage::new();
    stage.create(2);
    for bank in &stage.banks[..5] {
        bank.books().coins.insert(CoinId::new(0, 1).unwrap(), [7; 16].into());
    }
    stage.nodes[24].set(Mood::Deaf);
    let run = stage.run("coins detect");
    let words = run.words();
    assert_eq!(words[0], ["NODE", "RAIDA", "PASSED", "FAILED", "UNKNOWN", "MEANING"]);
    assert_eq!(words[1][1..], ["0", "1", "1", "0"]);
    assert_eq!(words[25][1..5], ["24", "0", "0", "2"]);
    assert_eq!(words[27], ["COIN", "STANDING", "VOTES"]);
    assert_eq!(words[28], ["0:0", "authentic", "ppppppppppppppppppppppppn"]);
    assert_eq!(words[29], ["0:1", "fractured", "fffffpppppppppppppppppppn"]);
    assert!(run.out.ends_with("\n2 coins worth 2: 1 authentic, 1 fractured\n"), "{run:?}");
    assert_eq!((run.code, run.err.lines().count()), (Some(1), 1), "{run:?}");

    let run = stage.run("coins fix");
    assert!(run.out.ends_with("\n2 coins worth 2: 2 authentic\n"), "{run:?}");
    assert_eq!(run.code, Some(0), "a node that is down does not matter");
}

#[test]
fn pown_goes_on_with_nodes_that_are_down_silent_slow_or_lying_and_find_ends_it() {
    let stage = Stage::new();
    stage.create(2);
    stage.nodes[..4].iter().for_each(|node| node.set(Mood::Deaf));
    stage.nodes[4..8].iter().for_each(|node| node.set(Mood::Mute));
    stage.nodes[8].set(Mood::Stuck);
    stage.banks[9].books().is_lying = true;
    let run = stage.run("coins pown --json");
    let coins = run.of_kind("coin");
    assert!(coins.iter().all(|coin| coin["votes"] == "nnnnnnnnnpppppppppppppppp"), "{run:?}");
    assert_eq!((run.code, &run.sum()["authentic"]), (Some(0), &2.into()));
    assert!(run.err.contains("ask with raida coins find"), "{run:?}");
    let kinds: Vec<_> = run.of_kind("node").iter().map(|node| node["error"]["kind"].clone()).collect();
    assert!(kinds[..8].iter().all(|kind| kind == "cut" || kind == "receive"), "{kinds:?}");
    assert_eq!((&kinds[8], &kinds[9]), (&"timeout".into(), &Value::Null));
    assert!(fs::read_to_string(stage.path("coins/coin.0.0.json")).unwrap().contains("pending"));

    stage.nodes.iter().for_each(|node| node.set(Mood::Good));
    stage.banks[9].books().is_lying = false;
    assert_eq!(stage.run("coins find").code, Some(0));
    assert_eq!(stage.run("coins pown").code, Some(0));
    assert!(!fs::read_to_string(stage.path("coins/coin.0.0.json")).unwrap().contains("pending"));
    assert_eq!(stage.run("coins detect").code, Some(0));
}

#[test]
fn too_few_nodes_end_a_command_before_anything_changes() {
    let stage = Stage::new();
    stage.create(1);
    stage.nodes[..13].iter().for_each(|node| node.set(Mood::Deaf));
    for command in ["coins break --all", "coins create --denomination 0 --count 1 --admin-key-file FOLDER/admin.key"] {
        let run = stage.run(command);
        assert_eq!(run.code, Some(1));
        assert!(run.err.contains("12 of 25 nodes are willing, expected at least 13: nothing was changed"), "{run:?}");
    }
    let run = stage.run("coins detect --json");
    assert_eq!((run.code, &run.sum()["undecided"]), (Some(1), &1.into()));
    assert!(stage.banks.iter().all(|bank| bank.books().coins.len() == 1));
}

#[test]
fn locker_is_filled_with_new_words_listed_and_emptied() {
    let stage = Stage::new();
    stage.create(3);
    let run = stage.run("locker put --coin 0:0 --coin 0:2 --new-words-file FOLDER/words");
    assert_eq!(run.code, Some(0), "{run:?}");
    let words = fs::read_to_string(stage.path("words")).unwrap();
    assert!(!run.out.contains(words.trim()) && !run.err.contains(words.trim()) && words.trim().len() == 31);
    assert_eq!(fs::metadata(stage.path("words")).unwrap().permissions().mode() & 0o777, 0o600);
    let run = stage.run("locker put --all --new-words-file FOLDER/words");
    assert!(run.code == Some(1) && run.err.contains("making"), "words are not overwritten: {run:?}");

    let run = stage.run("locker peek --words-file FOLDER/words");
    assert!(run.code == Some(0) && run.out.ends_with("\n2 coins worth 2: 2 authentic\n"), "{run:?}");
    let run = stage.run("locker remove --limit 1 --words-file FOLDER/words --json");
    assert_eq!((run.code, &run.of_kind("coin")[0]["coin"]), (Some(0), &"0:0".into()), "{run:?}");
    let run = stage.run("locker peek --json --words-file FOLDER/words");
    assert_eq!(run.of_kind("coin").iter().map(|coin| coin["coin"].clone()).collect::<Vec<_>>(), ["0:2"]);
    stage.private("short", "two words");
    assert!(stage.run("locker peek --words-file FOLDER/short").err.contains("expected at least 12"));
}

#[test]
fn tickets_are_told_by_every_node() {
    let stage = Stage::new();
    stage.create(2);
    let run = stage.run("tickets --json");
    let nodes = run.of_kind("node");
    assert!(nodes.iter().all(|node| node["tickets"][0]["coins"] == serde_json::json!(["0:0", "0:1"])), "{run:?}");
    let run = stage.run("tickets --coin 0:1");
    assert_eq!((run.code, run.words()[27].clone()), (Some(0), vec!["RAIDA", "TICKET", "COINS"]));
    assert_eq!(run.words()[28], ["0", "2", "1"]);
}

#[test]
fn withdrawing_needs_a_choice_and_the_keys() {
    let stage = Stage::new();
    stage.create(2);
    let run = stage.run("coins delete --admin-key-file FOLDER/admin.key");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(stage.run("coins delete --all").code, Some(2));
    let run = stage.run("coins delete --coin 0:0 --admin-key-file FOLDER/admin.key");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(stage.path("coins/spent/coin.0.0.json").exists() && !stage.path("coins/coin.0.0.json").exists());
    stage.private("wrong.key", &"ee".repeat(16));
    let run = stage.run("coins delete --all --admin-key-file FOLDER/wrong.key");
    assert!(run.code == Some(1) && run.err.contains("check the admin key"), "{run:?}");
}

#[test]
fn coins_are_freed_by_name_and_with_the_keys_alone() {
    let stage = Stage::new();
    stage.create(2);
    assert_eq!(stage.run("coins free --admin-key-file FOLDER/admin.key").code, Some(2), "which?");
    assert_eq!(stage.run("coins free --coin 0:0").code, Some(2), "by whose leave?");
    let run = stage.run("coins free --coin 0:0 --coin 0:0 --admin-key-file FOLDER/admin.key --json");
    assert_eq!((run.code, run.of_kind("coin").len()), (Some(0), 1), "{run:?}");
    assert_eq!(stage.run("coins detect --coin 0:0").code, Some(1), "nobody owns it now");
    assert_eq!(stage.run("coins detect --coin 0:1").code, Some(0));
}

#[test]
fn admin_keys_are_taken_from_a_folder_by_id() {
    let stage = Stage::new();
    fs::create_dir(stage.path("keys")).unwrap();
    for id in 0..24 {
        if id % 2 == 0 {
            stage.private(&format!("keys/{id}.key"), &"ad".repeat(16));
        } else {
            fs::create_dir(stage.path(&format!("keys/{id}"))).unwrap();
            stage.private(&format!("keys/{id}/secrets.toml"), &format!("admin_key = \"{}\"\n", "ad".repeat(16)));
        }
    }
    let run = stage.run("coins create --denomination -8 --count 1 --admin-key-dir FOLDER/keys --json");
    assert_eq!(run.of_kind("node")[24]["error"]["kind"], "admin_key", "{run:?}");
    assert_eq!(run.of_kind("coin")[0]["votes"], "ppppppppppppppppppppppppf");
    let run = stage.run("coins fix");
    assert_eq!(run.code, Some(0), "the last node learns of it by tickets: {run:?}");
}

#[test]
fn one_node_is_enough_where_only_one_is_asked() {
    let stage = Stage::new();
    stage.create(2);
    let folder = stage.folder.path().to_str().unwrap();
    let (wallet, node) = (format!("{folder}/coins"), format!("{}@3", stage.nodes[3].address()));
    let run = raida(["coins", "detect", "--wallet", &wallet, "--node", &node]);
    assert_eq!((run.code, run.words()[4][1]), (Some(0), "passed"), "{run:?}");
    let run = raida(["coins", "detect", "--wallet", &wallet, "--node", &node, "--node", &node]);
    assert!(run.code == Some(1) && run.err.contains("RAIDA 3 is named twice"), "{run:?}");
}

#[test]
fn no_run_shows_a_secret() {
    let stage = Stage::new();
    let mut shown = String::new();
    for command in [
        "coins create --denomination 0 --count 2 --admin-key-file FOLDER/admin.key",
        "coins pown",
        "coins pown --json",
        "tickets --json",
        "locker put --coin 0:0 --new-words-file FOLDER/words --json",
        "coins detect --coin 0:9",
    ] {
        let run = stage.run(command);
        shown += &run.out;
        shown += &run.err;
    }
    let mut secrets = vec!["ad".repeat(16)];
    for file in ["coins/coin.0.1.json", "coins/spent/coin.0.0.json"] {
        let text = fs::read_to_string(stage.path(file)).unwrap();
        secrets.extend(text.split('"').filter(|part| part.len() == 32).map(str::to_owned));
    }
    assert_eq!(secrets.len(), 51);
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
    assert!(shown.contains("the wallet has no coin 0:9"), "{shown}");
}

#[test]
fn wallet_that_others_can_read_is_refused() {
    let stage = Stage::new();
    stage.create(1);
    fs::set_permissions(stage.path("coins"), Permissions::from_mode(0o755)).unwrap();
    let run = stage.run("coins detect");
    assert!(run.code == Some(1) && run.err.contains("chmod go="), "{run:?}");
    fs::set_permissions(stage.path("coins"), Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(stage.path("coins/coin.0.0.json"), Permissions::from_mode(0o604)).unwrap();
    let run = stage.run("coins detect");
    assert!(run.code == Some(1) && run.err.contains("coin.0.0.json is open to others (mode 604)"), "{run:?}");
}
