//! Many nodes at once.

use raida_client::testing::{ClosedPort, Honest};

use crate::{node, raida};

#[test]
fn results_of_25_nodes_keep_their_order_though_every_fourth_is_down() {
    let closed = ClosedPort::tcp().unwrap();
    let nodes: Vec<_> = (0..25).map(|id| node(&Honest::new(id))).collect();
    let names = (0..25).zip(&nodes).map(
        |(id, (_, name))| {
            if id % 4 == 3 { format!("{}@{id}", closed.address()) } else { name.clone() }
        },
    );
    let arguments: Vec<_> = names.flat_map(|name| ["--node".to_owned(), name]).collect();

    let run = raida(["echo", "--json"].into_iter().map(str::to_owned).chain(arguments.clone()));
    assert_eq!(run.code, Some(1));
    let lines: Vec<serde_json::Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 25);
    for (id, line) in lines.iter().enumerate() {
        assert_eq!((&line["raida_id"], &line["ok"]), (&id.into(), &(id % 4 != 3).into()));
        assert_eq!(line["error"].is_null(), id % 4 != 3);
    }

    let run = raida(["echo"].into_iter().map(str::to_owned).chain(arguments));
    let ids: Vec<String> = run.words()[1..].iter().map(|words| words[1].to_owned()).collect();
    assert_eq!(ids, (0..25).map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!((run.code, run.err.lines().count()), (Some(1), 6));
}

#[test]
fn all_nodes_well_is_success_and_one_down_is_not() {
    let ((_one, first), (_two, second)) = (node(&Honest::new(1)), node(&Honest::new(2)));
    assert_eq!(raida(["echo", "--node", &first, "--node", &second]).code, Some(0));
    let closed = ClosedPort::tcp().unwrap();
    let down = closed.address().to_string();
    let run = raida(["echo", "--node", &first, "--node", &down, "--node", &second]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.starts_with(&format!("raida: {down}: check that a node runs there")), "{run:?}");
}

#[test]
fn one_id_for_all_counts_where_a_node_has_none_of_its_own() {
    let (_fake, name) = node(&Honest::new(5));
    let (bare, _) = name.split_once('@').unwrap();
    assert_eq!(raida(["echo", "--raida-id", "5", "--node", bare]).code, Some(0));
    assert_eq!(raida(["echo", "--raida-id", "6", "--node", bare]).code, Some(1));
    assert_eq!(raida(["echo", "--raida-id", "6", "--node", &name]).code, Some(0));
}

#[test]
fn silent_node_is_given_up_after_the_time_that_was_allowed() {
    let silent = raida_client::testing::Listener::udp(|_, _, _| {}).unwrap();
    let name = silent.address().to_string();
    let run = raida(["echo", "--udp", "--json", "--timeout", "0.1", "--retries", "2", "--node", &name]);
    let line = run.json();
    assert_eq!((run.code, &line["attempts"], &line["error"]["kind"]), (Some(1), &3.into(), &"timeout".into()));
}
