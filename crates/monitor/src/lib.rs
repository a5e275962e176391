//! What a RAIDA node shows of itself, over HTTP and to its own host only.
//!
//! An [`Endpoint`] answers on a thread of its own, one question after the other, each within a deadline and a few
//! kilobytes, so whoever asks cannot slow the node down:
//!
//! | path | what |
//! |---|---|
//! | `/metrics` | everything counted, for Prometheus |
//! | `/healthz` | 200 while every I/O thread turns, 503 otherwise |
//! | `/readyz` | 200 while requests are served, 503 before and during a stop |
//! | `/report` | everything counted, as a [`Report`] in JSON |
//! | `/connections` | the open connections, as [`Connections`] in JSON; `?max=N` for fewer |
//!
//! On the hot path nothing but the reactors' own counters is written; reading, adding up and spelling out happen when
//! somebody asks. [`fetch`] asks. Without the feature `endpoint` the crate is only that: the types, and how to ask.
//!
//! It never shows a secret, a coin or a request, and answers no question that changes anything.
//!
//! ```
//! use raida_monitor::{Report, percentile};
//!
//! let report: Report = serde_json::from_str(r#"{"version": "0.1.0", "backend": "epoll", "stage": "serving"}"#)?;
//! assert_eq!(percentile(&report.latencies, 0.99), None, "nobody has asked for anything");
//! # Ok::<(), serde_json::Error>(())
//! ```

#![forbid(unsafe_code)]

mod ask;
#[cfg(feature = "endpoint")]
mod endpoint;
#[cfg(feature = "endpoint")]
mod http;
#[cfg(feature = "endpoint")]
mod metrics;
#[cfg(feature = "endpoint")]
mod process;
mod report;
#[cfg(feature = "endpoint")]
mod stage;
#[cfg(feature = "endpoint")]
mod subject;

pub use ask::{AskError, fetch};
#[cfg(feature = "endpoint")]
pub use endpoint::{Endpoint, Settings, bind};
pub use report::{
    Bucket, CommandFigures, Connection, Connections, Process, Report, RoadFigures, StoreFigures, percentile,
};
#[cfg(feature = "endpoint")]
pub use stage::Stage;
#[cfg(feature = "endpoint")]
pub use subject::{Facts, Subject};
