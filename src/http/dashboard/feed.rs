//! What happened of late, as rows: the page begins with them, its stream goes on with what comes.
//!
//! - Nothing is read while nobody watches. A look reads the log from where the last one stopped, and the newest decisions
//!   of the ledger: partitions write at their own pace, so a decision may come to stand before one that was seen.
//! - A row has a number that rises; a decision whose message has moved gets a new one. Who has seen one number goes on
//!   behind it. Numbers are of this process: `start` says of which.
//! - Of each list so many rows are kept. Who is further behind begins anew.

use super::row;
use crate::ledger::{Ledger, LedgerEntry, MessageState};
use crate::worker::journal::{Journal, Places};
use outreach_engine::{DecisionId, Release, Timestamp};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The release that holds now.
pub type CurrentRelease = Arc<dyn Fn() -> Option<Arc<Release>> + Send + Sync>;

/// Rows for all who watch.
pub struct Feed<D> {
    journal: Journal,
    ledger: Arc<D>,
    release: CurrentRelease,
    /// Names this process.
    start: String,
    kept: Mutex<Kept>,
}

/// A row as it is sent and shown.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub number: u64,
    pub kind: Kind,
    pub html: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An event, an outcome, a wish.
    Came,
    /// A decision; it takes the place of its row, should there be one.
    Fell,
}

/// What is new behind a number.
pub(super) enum News {
    /// Rows by number, and whether more came in than are shown.
    Rows { rows: Vec<Row>, is_cut: bool },
    /// The number is not of this process, or too old.
    Stale,
}

#[derive(Default)]
struct Kept {
    places: Option<Places>,
    looked_at: Option<Instant>,
    last: u64,
    came: VecDeque<Row>,
    fell: VecDeque<(Row, Stands)>,
    /// The highest number that a list has let go.
    let_go: u64,
    /// The number of the last look that left rows out.
    cut_at: u64,
}

/// What of a decision's row changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stands {
    id: DecisionId,
    message: Option<(MessageState, Timestamp, Option<String>)>,
}

/// Rows of each list.
pub(super) const ROWS_MAX: usize = 150;
/// One look gives at most so many of each.
const LOOK_MAX: usize = 100;
/// Who looks again sooner sees the same.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);

impl<D: Ledger> Feed<D> {
    /// `now` tells this process from the one before.
    pub fn new(journal: Journal, ledger: Arc<D>, release: CurrentRelease, now: Timestamp) -> Feed<D> {
        Feed { journal, ledger, release, start: format!("{:x}", now.0), kept: Mutex::default() }
    }

    /// Looks, and gives the rows of both lists, newest first, with the place to go on from. Waits for disks.
    pub(super) fn snapshot(&self) -> Result<(Vec<Row>, Vec<Row>, String), String> {
        let mut kept = self.lock();
        self.look(&mut kept)?;
        let came = kept.came.iter().rev().cloned().collect();
        let fell = kept.fell.iter().rev().map(|(row, _)| row.clone()).collect();
        Ok((came, fell, self.place(kept.last)))
    }

    /// Looks, and gives what is new behind `place`. Waits for disks.
    pub(super) fn since(&self, place: &str) -> Result<News, String> {
        let mut kept = self.lock();
        self.look(&mut kept)?;
        let Some(number) = self.number(place).filter(|number| *number >= kept.let_go && *number <= kept.last)
        else {
            return Ok(News::Stale);
        };
        let all = kept.came.iter().chain(kept.fell.iter().map(|(row, _)| row));
        let mut rows: Vec<Row> = all.filter(|row| row.number > number).cloned().collect();
        rows.sort_unstable_by_key(|row| row.number);
        Ok(News::Rows { rows, is_cut: kept.cut_at > number })
    }

    /// What a client sends back to go on from here.
    pub(super) fn place(&self, number: u64) -> String {
        format!("{}-{number}", self.start)
    }

    fn number(&self, place: &str) -> Option<u64> {
        let (start, number) = place.split_once('-')?;
        (start == self.start).then(|| number.parse().ok())?
    }

    /// A look that panicked has left rows that can be shown.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, kept: &mut Kept) -> Result<(), String> {
        if kept.looked_at.is_some_and(|at| at.elapsed() < LOOK_AGAIN_AFTER) {
            return Ok(());
        }
        let lines = match &mut kept.places {
            Some(places) => self.journal.since(places, LOOK_MAX)?,
            None => {
                let (mut lines, places) = self.journal.newest(LOOK_MAX)?;
                kept.places = Some(places);
                lines.is_cut = false;
                lines
            }
        };
        for line in &lines.lines {
            kept.push_came(row::came(line, row::Around::All).into_string().into());
        }
        if lines.is_cut {
            kept.cut_at = kept.last;
        }
        let entries = self.ledger.reading(|transaction| transaction.newest_entries(LOOK_MAX as u32));
        let entries = entries.map_err(|error| error.to_string())?;
        let release = (self.release)();
        let name = |id: &str| rule_name(release.as_deref(), id);
        for entry in entries.iter().rev() {
            kept.push_fell(entry, || row::fell(entry, &name, row::Around::All).into_string().into());
        }
        kept.looked_at = Some(Instant::now());
        Ok(())
    }
}

/// A rule's name in the release that holds now; its id where it has left.
pub(super) fn rule_name(release: Option<&Release>, id: &str) -> String {
    let rule = release.and_then(|release| release.rule(id));
    rule.map_or_else(|| id.to_owned(), |compiled| compiled.rule.name.clone())
}

impl Kept {
    fn push_came(&mut self, html: Arc<str>) {
        self.last += 1;
        self.came.push_back(Row { number: self.last, kind: Kind::Came, html });
        if self.came.len() > ROWS_MAX {
            let gone = self.came.pop_front().expect("there are many");
            self.let_go = self.let_go.max(gone.number);
        }
    }

    /// A decision that stands as it stood is no news.
    fn push_fell(&mut self, entry: &LedgerEntry, html: impl FnOnce() -> Arc<str>) {
        let stands = Stands { id: entry.decision.id, message: entry.message.clone() };
        let known = self.fell.iter().position(|(_, known)| known.id == stands.id);
        if known.is_some_and(|at| self.fell[at].1 == stands) {
            return;
        }
        self.last += 1;
        let row = Row { number: self.last, kind: Kind::Fell, html: html() };
        match known {
            Some(at) => self.fell[at] = (row, stands),
            None => self.fell.push_back((row, stands)),
        }
        if self.fell.len() > ROWS_MAX {
            let (gone, _) = self.fell.pop_front().expect("there are many");
            self.let_go = self.let_go.max(gone.number);
        }
    }
}
