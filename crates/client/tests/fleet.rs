//! Many nodes at once.

use raida_client::testing::{ClosedPort, FakeNode, Honest};
use raida_client::{Options, Target, Trouble, ask_all, echo};

#[test]
fn results_of_25_nodes_keep_their_order_though_every_third_is_down() {
    let nodes: Vec<_> = (0..25).map(|id| FakeNode::start(&Honest::new(id)).unwrap()).collect();
    let down = ClosedPort::tcp().unwrap();
    let targets: Vec<_> = (0..25)
        .zip(&nodes)
        .map(|(id, node)| {
            let address = if id % 3 == 0 { down.address() } else { node.address() };
            Target { raida_id: id, ..Target::new(address.into()) }
        })
        .collect();
    let answers = ask_all(&targets, |target| echo(target, &Options::default()));
    assert_eq!(answers.len(), 25);
    for ((id, node), answer) in (0..25).zip(&nodes).zip(answers) {
        match answer {
            Ok(answer) => assert!(id % 3 != 0 && answer.trip.peer == node.address()),
            Err(error) => {
                assert!(id % 3 == 0 && error.raida_id() == id && matches!(error.trouble(), Trouble::Connect(_)));
            }
        }
    }
}

#[test]
fn nobody_asked_nobody_answers() {
    assert!(ask_all(&[], |target| echo(target, &Options::default())).is_empty());
}
