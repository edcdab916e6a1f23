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

    /// The release of this id, with the rules of all others for the people who entered with them: a release that is
    /// announced again after another one has people of that one, too.
    pub fn find(&self, id: &str) -> Result<Arc<Built>, String> {
        if let Some(built) = self.built.lock().expect("no panic while held").get(id) {
            return Ok(built.clone());
        }
        let stored = self.ledger.transaction(|transaction| transaction.releases());
        let mut all = Vec::new();
        for stored in stored.map_err(|error| error.to_string())? {
            match build(&stored) {
                Ok(built) => all.push(built),
                Err(reason) if stored.id == id => return Err(reason),
                // Nobody is inside it any more, or their journeys end: that must not keep the others from running.
                Err(reason) => tracing::warn!(reason, "an earlier release cannot be read by this version"),
            }
        }
        let wanted = all.iter().position(|built| *built.release.id == *id);
        let wanted = wanted.ok_or_else(|| format!("expected release {id} in the ledger, found none"))?;
        let Built { release, templates } = all.swap_remove(wanted);
        let release = all
            .iter()
            .fold(Arc::unwrap_or_clone(release), |release, other| release.with_earlier(&other.release));
        let built = Arc::new(Built { release: Arc::new(release), templates });
        self.built.lock().expect("no panic while held").insert(id.to_owned(), built.clone());
        Ok(built)
    }

    /// Forgets what was compiled: a release was stored, and those before it may have people of it one day.
    pub fn refresh(&self) {
        self.built.lock().expect("no panic while held").clear();
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

fn build(stored: &StoredRelease) -> Result<Built, String> {
    let (_, parts) =
        from_bundle(&stored.bundle).map_err(|error| format!("release {}: {error}", stored.id))?;
    let (templates, _) = Templates::load(&parts.templates);
    Ok(Built { release: Arc::new(parts.release()), templates: Arc::new(templates) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sqlite::SqliteLedger;
    use crate::project::{Environment, Project};
    use outreach_engine::Timestamp;

    fn store(ledger: &SqliteLedger, rule_name: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("rules")).unwrap();
        std::fs::write(dir.path().join("outreach.toml"), "timezone = \"UTC\"\n").unwrap();
        let rule =
            format!("name = \"{rule_name}\"\n[trigger]\nevent = \"E\"\n[[step]]\nin_product = \"probe\"\n");
        std::fs::write(dir.path().join("rules/r.toml"), rule).unwrap();
        let reading = Project::read(dir.path(), &Environment::default());
        let project = reading.project.expect("the rule is sound");
        let (id, bundle) = (project.release_id(), project.bundle());
        let stored = StoredRelease { id: id.clone(), bundle, created_at: Timestamp::EPOCH };
        ledger.transaction(|transaction| transaction.insert_release(&stored)).unwrap();
        id
    }

    #[test]
    fn a_release_that_comes_back_knows_the_people_of_the_one_between() {
        let ledger = Arc::new(SqliteLedger::in_memory().unwrap());
        let (first, second) = (store(&ledger, "first"), store(&ledger, "second"));
        let releases = ReleaseStore::new(ledger);
        for (id, other) in [(&first, &second), (&second, &first)] {
            let built = releases.find(id).unwrap();
            let rule = built.release.rule_of(&other.as_str().into(), &"r".into()).expect("the other's rule");
            assert_eq!(*rule.release, **other);
        }
    }
}
