//! Proof that a connection does what its documentation says, whatever arrives in whatever order.
//!
//! `model` decides everything anew from all octets so far, as plainly as possible; the machine must agree with it step by
//! step. `splits`, `deadlines`, `farewells` and `further_requests` say in single cases what that means.

#[cfg(test)]
mod deadlines;
#[cfg(test)]
mod farewells;
#[cfg(test)]
mod further_requests;
#[cfg(test)]
mod host;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod model;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod session;
#[cfg(test)]
mod splits;
#[cfg(test)]
mod transitions;
