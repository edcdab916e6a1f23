//! Releases as the service knows them: read from the ledger, compiled once, kept.

use crate::ledger::{Ledger, StoredRelease};
use crate::project::{ReleaseParts, from_bundle};
use crate::template::Templates;
use outreach_engine::Release;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// A release that can decide and be written with.
pub struct Built {
    pub release: Arc<Release>,
    pub templates: Arc<Templates>,
}

/// All releases of a ledger.
pub struct ReleaseStore<D> {
    ledger: Arc<D>,
    built: Mutex<BTreeMap<String, Arc<Built>>>,
    current: Mutex<Option<Arc<Built>>>,
}

impl<D: Ledger> ReleaseStore<D> {
    pub fn new(ledger: Arc<D>) -> ReleaseStore<D> {
        ReleaseStore { ledger, built: Mutex::default(), current: Mutex::default() }
    }

    /// The release of this id, with the rules of those before it for the people who entered with them.
    pub fn find(&self, id: &str) -> Result<Arc<Built>, String> {
        if let Some(built) = self.built.lock().expect("no panic while held").get(id) {
            return Ok(built.clone());
        }
        let all = self.ledger.transaction(|transaction| transaction.releases());
        let all = all.map_err(|error| error.to_string())?;
        let until = all.iter().position(|stored| stored.id == id);
        let until = until.ok_or_else(|| format!("expected release {id} in the ledger, found none"))?;
        let mut earlier: Vec<Arc<Built>> = Vec::new();
        for stored in &all[..=until] {
            let built = Arc::new(build_stored(stored, &earlier)?);
            earlier.push(built.clone());
            self.built.lock().expect("no panic while held").insert(stored.id.clone(), built);
        }
        earlier.pop().ok_or_else(|| format!("expected release {id} in the ledger, found none"))
    }

    /// The release announced last.
    pub fn current(&self) -> Option<Arc<Built>> {
        self.current.lock().expect("no panic while held").clone()
    }

    pub fn set_current(&self, id: &str) -> Result<(), String> {
        let built = self.find(id)?;
        *self.current.lock().expect("no panic while held") = Some(built);
        Ok(())
    }
}

fn build_stored(stored: &StoredRelease, earlier: &[Arc<Built>]) -> Result<Built, String> {
    let (id, parts) = from_bundle(&stored.bundle).map_err(|error| format!("release {}: {error}", stored.id))?;
    let mut built = build(&id, parts);
    for earlier in earlier {
        let release = Arc::unwrap_or_clone(built.release).with_earlier(&earlier.release);
        built.release = Arc::new(release);
    }
    Ok(built)
}

/// Compiles the parts of a release.
pub fn build(id: &str, parts: ReleaseParts) -> Built {
    let (templates, _) = Templates::load(&parts.templates);
    let reads: BTreeMap<String, BTreeSet<String>> =
        templates.iter().map(|template| (template.name().to_string(), template.reads().clone())).collect();
    let release = Release::new(id, parts.settings, parts.rules, &reads);
    Built { release: Arc::new(release), templates: Arc::new(templates) }
}
