//! Asks RAIDA nodes over TCP and UDP and checks what they answer.
