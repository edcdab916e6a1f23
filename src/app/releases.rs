//! Releases as the service knows them: read from the ledger, compiled once, kept.

use crate::ledger::{Ledger, StoredRelease};
use crate::project::{from_bundle, home};
use crate::template::Templates;
use outreach_engine::Release;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A release that can decide and be written with.
#[derive(Clone)]
pub struct Built {
    pub release: Arc<Release>,
    pub templates: Arc<Templates>,
}

/// Makes a release of what is stored, or says why this version cannot.
pub type Compile = fn(&StoredRelease) -> Result<Built, String>;

/// What was compiled.
#[derive(Default)]
struct Known {
    /// Each by itself; the same bytes give the same for ever.
    alone: BTreeMap<String, Result<Built, String>>,
    /// Each with all the others that are in `alone`.
    built: BTreeMap<String, Arc<Built>>,
}

/// All releases of a ledger.
pub struct ReleaseStore<D> {
    ledger: Arc<D>,
    compile: Compile,
    known: Mutex<Known>,
    current: Mutex<Option<Arc<Built>>>,
}

impl<D: Ledger> ReleaseStore<D> {
    pub fn new(ledger: Arc<D>) -> ReleaseStore<D> {
        ReleaseStore::compiling_by(ledger, build)
    }

    /// One that compiles by `compile`, which may remember what [`build`] gave: a release is named by its content.
    pub fn compiling_by(ledger: Arc<D>, compile: Compile) -> ReleaseStore<D> {
        ReleaseStore { ledger, compile, known: Mutex::default(), current: Mutex::default() }
    }

    /// The release of this id, with the rules of all others for the people who entered with them: a release that is
    /// announced again after another one has people of that one, too.
    pub fn find(&self, id: &str) -> Result<Arc<Built>, String> {
        if let Some(built) = self.known.lock().expect("no panic while held").built.get(id) {
            return Ok(built.clone());
        }
        let stored = self.ledger.transaction(|transaction| transaction.releases());
        let stored = stored.map_err(|error| error.to_string())?;
        let mut known = self.known.lock().expect("no panic while held");
        known.compile(self.compile, &stored);
        let Some(alone) = known.alone.get(id) else {
            return Err(format!("expected release {id} in the ledger, found none"));
        };
        let Built { release, templates } = alone.clone()?;
        let others = known.alone.iter().filter(|(other, _)| *other != id);
        let release = others
            .filter_map(|(_, built)| built.as_ref().ok())
            .fold(Release::clone(&release), |release, other| release.with_earlier(&other.release));
        let built = Arc::new(Built { release: Arc::new(release), templates });
        known.built.insert(id.to_owned(), built.clone());
        Ok(built)
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

impl Known {
    fn compile(&mut self, compile: Compile, stored: &[StoredRelease]) {
        for stored in stored {
            if self.alone.contains_key(&stored.id) {
                continue;
            }
            let built = compile(stored);
            if let Err(reason) = &built {
                // Nobody is inside it any more, or their journeys end: that must not keep the others from running.
                tracing::warn!(reason, "a release cannot be read by this version");
            }
            self.alone.insert(stored.id.clone(), built);
            // Those that were made before it was stored, announced again, may have people of it.
            self.built.clear();
        }
    }
}

/// Reads and compiles a release as it is stored.
pub fn build(stored: &StoredRelease) -> Result<Built, String> {
    let (_, parts) =
        from_bundle(&stored.bundle).map_err(|error| format!("release {}: {error}", stored.id))?;
    let (templates, _) = Templates::load_for(&parts.templates, home(&parts.settings));
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
        let first = store(&ledger, "first");
        let releases = ReleaseStore::new(ledger.clone());
        releases.find(&first).unwrap();
        let second = store(&ledger, "second");
        releases.find(&second).unwrap();
        for (id, other) in [(&first, &second), (&second, &first)] {
            let built = releases.find(id).unwrap();
            let rule = built.release.rule_of(&other.as_str().into(), &"r".into()).expect("the other's rule");
            assert_eq!(*rule.release, **other);
        }
    }
}
