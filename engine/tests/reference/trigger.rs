//! When a trigger holds, told from a person's whole history each time anew. What once held stays: a late event never
//! undoes a match.

use super::person::{Person, Seen};
use super::rule::{First, Rule};
use super::time::Micros;

/// The first part of a trigger held.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    pub rule: usize,
    pub key: String,
    pub at: Micros,
    /// The record that completed it.
    pub place: usize,
    /// The place of the log at which it was seen to hold: that of the last of its records to come.
    pub seen_at: usize,
    /// The places of all that it used up.
    pub used: Vec<usize>,
}

impl Hold {
    fn order(&self) -> (Micros, usize) {
        (self.at, self.place)
    }
}

/// What holds by this history and had not held before.
pub fn new_holds(person: &Person, number: usize, rule: &Rule, had: &[Hold]) -> Vec<Hold> {
    let mut found: Vec<Hold> = Vec::new();
    for key in keys(person, number) {
        let mine = |part: usize| -> Vec<&Seen> { of_key(person, number, part, &key) };
        let had: Vec<Hold> =
            had.iter().filter(|hold| hold.rule == number && hold.key == key).cloned().collect();
        let new = |seen: &Seen, used: Vec<usize>| Hold {
            rule: number,
            key: key.clone(),
            at: seen.record.at,
            place: seen.place,
            seen_at: person.history.last().map_or(0, |seen| seen.place),
            used,
        };
        match &rule.trigger.first {
            First::Event(_) | First::Enters(_) | First::Leaves(_) => {
                let is_new = |seen: &&&Seen| !had.iter().any(|hold| hold.place == seen.place);
                found.extend(mine(0).iter().filter(is_new).map(|seen| new(seen, vec![seen.place])));
            }
            First::Count { count, within, .. } => found.extend(counts(&mine(0), *count, *within, &had, new)),
            First::Sequence { steps, within } => {
                let parts: Vec<_> = (0..steps.len()).map(mine).collect();
                found.extend(sequences(&parts, *within, had, new));
            }
        }
    }
    found
}

/// The so-many-th within `(t - within, t]`; after it holds the count starts anew. All that came is counted once more, in
/// the order in which it came: a sliding count keeps its last, and one that comes late takes its place among them.
fn counts(
    events: &[&Seen],
    count: usize,
    within: Micros,
    had: &[Hold],
    new: impl Fn(&Seen, Vec<usize>) -> Hold,
) -> Vec<Hold> {
    let mut came = events.to_vec();
    came.sort_by_key(|seen| seen.place);
    let (mut kept, mut found) = (Vec::<&Seen>::new(), Vec::new());
    for seen in came {
        kept.push(seen);
        kept.sort_by_key(|seen| seen.order());
        let is_full = |last: &usize| kept[*last].record.at - kept[last + 1 - count].record.at < within;
        match (count - 1..kept.len()).find(is_full) {
            Some(last) => {
                let used: Vec<&Seen> = kept.drain(..=last).collect();
                found.push(new(used[last], used.iter().map(|seen| seen.place).collect()));
            }
            None if kept.len() == count => drop(kept.remove(0)),
            None => {}
        }
    }
    found.retain(|hold| !had.iter().any(|had| had.place == hold.place && had.used == hold.used));
    found
}

/// In this order, the first to the last at most `within` apart; of several the latest, and each serves one match.
fn sequences(
    parts: &[Vec<&Seen>],
    within: Micros,
    mut had: Vec<Hold>,
    new: impl Fn(&Seen, Vec<usize>) -> Hold,
) -> Vec<Hold> {
    let known = had.len();
    let (last_part, before) = parts.split_last().expect("steps");
    for last in last_part {
        let is_used = |seen: &Seen| had.iter().any(|hold| hold.used.contains(&seen.place));
        if is_used(last) {
            continue;
        }
        let mut taken = vec![*last];
        for part in before.iter().rev() {
            let next = taken[taken.len() - 1].order();
            taken.extend(part.iter().rev().find(|seen| seen.order() < next && !is_used(seen)));
        }
        let first = taken[taken.len() - 1];
        if taken.len() == parts.len() && last.record.at - first.record.at <= within {
            had.push(new(last, taken.iter().map(|seen| seen.place).collect()));
        }
    }
    had.split_off(known)
}

/// The waits of an absence for one key that are not over, told anew from all first holds and all second events in their
/// order. What was judged last stands: nothing ends it any more, and no other wait is over a part of the same time. By
/// what is `spent` nothing begins any more.
pub fn waits(
    person: &Person,
    number: usize,
    rule: &Rule,
    key: &str,
    holds: &[Hold],
    spent: &[Hold],
    last: Option<&Hold>,
) -> Vec<Hold> {
    let within = rule.trigger.without.as_ref().expect("an absence").within;
    let mine = |hold: &&Hold| hold.rule == number && hold.key == key;
    let is_judged = |hold: &Hold| last == Some(hold);
    let is_left = |hold: &&Hold| is_judged(hold) || !spent.contains(hold);
    let mut firsts: Vec<&Hold> = holds.iter().filter(mine).filter(is_left).collect();
    firsts.sort_by_key(|hold| hold.order());
    let seconds = person.history.iter().filter(|seen| seen.is[number].without.as_deref() == Some(key));
    let seconds: Vec<_> = seconds.map(Seen::order).collect();
    // At one record both may be: it ends a wait first, and then begins the next.
    let mut moments: Vec<_> = firsts.iter().map(|hold| hold.order()).chain(seconds.iter().copied()).collect();
    moments.sort();
    moments.dedup();
    let (mut survived, mut pending) = (Vec::new(), None::<&Hold>);
    for moment in moments {
        if let Some(over) = pending.take_if(|hold| moment.0 > hold.at + within) {
            survived.push(over.clone());
        }
        let first = firsts.iter().find(|hold| hold.order() == moment).copied();
        if let Some(judged) = first.filter(|hold| is_judged(hold)) {
            pending = Some(judged);
        }
        if pending.is_some_and(is_judged) {
            continue;
        }
        if seconds.contains(&moment) {
            pending = None;
        }
        if first.is_some() && (pending.is_none() || rule.trigger.is_restarted) {
            pending = first;
        }
    }
    survived.extend(pending.cloned());
    survived.retain(|hold| !is_judged(hold));
    survived
}

/// Every key that the first part ever had.
pub fn keys(person: &Person, number: usize) -> Vec<String> {
    let all = person.history.iter().flat_map(|seen| seen.is[number].firsts.iter().flatten());
    let mut keys: Vec<String> = all.cloned().collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The records that are this part for this key, in order.
fn of_key<'p>(person: &'p Person, number: usize, part: usize, key: &str) -> Vec<&'p Seen> {
    let is_it = |seen: &&Seen| {
        let firsts = &seen.is[number].firsts;
        firsts.get(part).is_some_and(|found| found.as_deref() == Some(key))
    };
    let mut records: Vec<_> = person.history.iter().filter(is_it).collect();
    records.sort_by_key(|seen| seen.order());
    records
}
