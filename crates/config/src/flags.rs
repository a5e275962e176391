//! Values from the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use figment::Profile;
use figment::providers::Serialized;
use figment::{Provider, value::Dict};
use serde::Serialize;

use crate::choice::Backend;
use crate::layer::{Layer, Place};
use crate::names;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::report::Report;

/// What the command line sets; `None`, or no address, where it says nothing.
///
/// A field has the name of its flag. Ranges are checked with everything else, so a number out of range gets the same
/// message whether it comes from the file or from here.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Overrides {
    /// `--raida-id`
    pub raida_id: Option<u64>,
    /// `--coin-id`
    pub coin_id: Option<u64>,
    /// `--listen`, once for each address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<SocketAddr>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--backend`
    pub backend: Option<Backend>,
    /// `--reactors`
    pub reactors: Option<u64>,
    /// `--threads`
    pub threads: Option<u64>,
    /// `--log`
    pub log: Option<String>,
}

impl Overrides {
    /// The keys that they set.
    pub(crate) fn layer(&self, report: &mut Report) -> Layer {
        let mut layer = Layer::new(Place::Flags);
        let values = match Serialized::defaults(self).data() {
            Ok(mut profiles) => profiles.remove(&Profile::Default).unwrap_or_default(),
            Err(_) => {
                // A path that is not UTF-8 is the only field that serde can refuse.
                report.problems.push(not_utf8());
                Dict::new()
            }
        };
        for key in names::keys() {
            let Some(flag) = key.flag else { continue };
            let field = flag.trim_start_matches('-').replace('-', "_");
            match values.get(&field) {
                None | Some(figment::value::Value::Empty(..)) => {}
                Some(value) => layer.set(key, value.clone()),
            }
        }
        layer
    }
}

fn not_utf8() -> Problem {
    let key = &crate::tables::Store::data_dir;
    Problem::Value {
        key: key.path(),
        found: "not UTF-8".to_owned(),
        accepted: key.kind.accepted(),
        origin: key.flag.map_or(Origin::Preset, Origin::Flag),
    }
}
