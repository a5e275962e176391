//! Reads keys from the merged layers and remembers where each value came from.

use std::collections::BTreeMap;
use std::path::Path;

use figment::Figment;
use figment::value::Value;

use crate::key::Key;
use crate::layer::{Layer, Place};
use crate::names;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::report::Report;
use crate::setting::{Found, Setting};
use crate::tables::{Server, Store};

/// The merged layers, and what was found wrong with them.
pub(crate) struct Reader<'r> {
    merged: Figment,
    places: Vec<Place>,
    origins: BTreeMap<String, Origin>,
    report: &'r mut Report,
}

impl<'r> Reader<'r> {
    /// Merges layers, later ones over earlier ones, and works out what depends on other keys.
    pub(crate) fn new(layers: Vec<Layer>, report: &'r mut Report) -> Self {
        let mut places: Vec<Place> = layers.iter().map(|layer| layer.place.clone()).collect();
        let merged = layers.into_iter().fold(Figment::new(), Figment::merge);
        let derived = derived(&merged);
        places.push(derived.place.clone());
        Self { merged: merged.join(derived), places, origins: BTreeMap::new(), report }
    }

    /// Reads one key; `None` after a problem.
    pub(crate) fn read<T: Setting>(&mut self, key: &Key) -> Option<T> {
        let Ok(value) = self.merged.find_value(&key.path()) else {
            let absent = T::absent();
            if absent.is_none() {
                self.refuse(key, Found("not set".to_owned()), Origin::Preset);
            }
            return absent;
        };
        let origin = self.origin(key, &value);
        self.origins.insert(key.path(), origin.clone());
        T::read(&value, &key.kind).map_err(|found| self.refuse(key, found, origin)).ok()
    }

    /// Where every key that has a value got it from.
    pub(crate) fn into_origins(self) -> BTreeMap<String, Origin> {
        self.origins
    }

    fn origin(&self, key: &Key, value: &Value) -> Origin {
        let metadata = self.merged.get_metadata(value.tag());
        let place = metadata.and_then(|metadata| self.places.iter().find(|place| place.name() == metadata.name));
        place.map_or(Origin::Preset, |place| place.origin(key))
    }

    fn refuse(&mut self, key: &Key, Found(found): Found, origin: Origin) {
        self.report.problems.push(Problem::Value { key: key.path(), found, accepted: key.kind.accepted(), origin });
    }
}

/// The keys that depend on others. Where those are wrong, anything will do: they are named on their own.
fn derived(merged: &Figment) -> Layer {
    let find = |key: &Key| merged.find_value(&key.path()).ok();
    let raida_id = find(&Server::raida_id).and_then(|value| u8::read(&value, &Server::raida_id.kind).ok());
    let root = find(&Server::root_path).and_then(|value| value.into_string()).unwrap_or_default();
    let mut layer = Layer::new(Place::Derived);
    layer.set(&Server::port, FIRST_PORT + u16::from(raida_id.unwrap_or_default()));
    layer.set(&Store::data_dir, Path::new(&root).join(DATA_FOLDER).to_string_lossy().into_owned());
    layer
}

/// Port of the node with RAIDA id 0. Source: protocol §1.1.
const FIRST_PORT: u16 = 50_000;

/// Name of the data folder where nobody gives one.
const DATA_FOLDER: &str = "raida-data";

/// What every key is when nobody sets it.
pub(crate) fn presets() -> Layer {
    let mut layer = Layer::new(Place::Presets);
    for key in names::keys() {
        if let Some(value) = key.preset_value() {
            layer.set(key, value);
        }
    }
    layer
}
