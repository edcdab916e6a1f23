//! Releases as the service knows them: read from the ledger, compiled once, kept.

use crate::ledger::{Ledger, StoredRelease};
use crate::project::from_bundle;
use crate::template::Templates;
use outreach_engine::Release;
use std::collections::BTreeMap;
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
    let (_, parts) =
        from_bundle(&stored.bundle).map_err(|error| format!("release {}: {error}", stored.id))?;
    let (templates, _) = Templates::load(&parts.templates);
    let release =
        earlier.iter().fold(parts.release(), |release, earlier| release.with_earlier(&earlier.release));
    Ok(Built { release: Arc::new(release), templates: Arc::new(templates) })
}
