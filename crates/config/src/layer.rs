//! The values of one place, in the shape that figment merges.

use std::path::PathBuf;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use crate::key::Key;
use crate::origin::Origin;

/// The values of one place; every name in it is a key.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) place: Place,
    values: Dict,
}

/// Where all values of a layer come from. There is at most one layer of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Presets,
    Derived,
    File(PathBuf),
    Environment,
    Flags,
}

impl Layer {
    /// A layer without values.
    pub(crate) fn new(place: Place) -> Self {
        Self { place, values: Dict::new() }
    }

    /// Sets one key.
    pub(crate) fn set(&mut self, key: &Key, value: impl Into<Value>) {
        let table = self.values.entry(key.table.to_owned()).or_insert_with(|| Dict::new().into());
        if let Value::Dict(_, values) = table {
            values.insert(key.name.to_owned(), value.into());
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.place.name())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Place {
    /// A name that no other place has: figment hands it back with each value.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Presets => "presets",
            Self::Derived => "derived",
            Self::File(_) => "file",
            Self::Environment => "environment",
            Self::Flags => "flags",
        }
    }

    /// Where the value of one key came from.
    pub(crate) fn origin(&self, key: &Key) -> Origin {
        match self {
            Self::File(path) => Origin::File(path.clone()),
            Self::Environment => Origin::Variable(key.variable()),
            Self::Flags => key.flag.map_or(Origin::Preset, Origin::Flag),
            Self::Presets => Origin::Preset,
            Self::Derived => key.derivation().map_or(Origin::Preset, Origin::Derived),
        }
    }
}
