//! What a RAIDA node answers: the command handlers, their statistics and the vote snapshot.
