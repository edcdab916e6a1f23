//! What happens in the sample product, day after day: people come, and do what people do.
//!
//! It is a diary of what comes when, written by the seed alone. Who does what is decided when somebody comes; what
//! outreach makes of it is decided by outreach.

use super::acts::{Act, PRICES, PROJECTS};
use super::people::{self, DOMAINS, Someone};
use super::scribe::Actor;
use super::seed::Seed;
use outreach_engine::{Length, Timestamp};
use std::collections::BTreeMap;

/// The diary.
pub(super) struct Life {
    /// What comes, by when; two things at one moment in the order in which they were written down.
    diary: BTreeMap<(Timestamp, u64), Entry>,
    written: u64,
    /// Who is not there yet, with an address that no later number changes: how many are drawn depends on the hour.
    strangers: Vec<Actor>,
    seed: Seed,
}

enum Entry {
    Does(Actor, Act),
    SomebodyComes,
}

/// Somebody comes about so often.
const NEWCOMER_EVERY_MINUTES: u64 = 240;
/// In which everybody is awake.
const DAYTIME: std::ops::Range<i8> = 9..19;

impl Life {
    /// A life that begins at `now`, with people who have been there for a while.
    pub fn new(mut seed: Seed, now: Timestamp) -> Life {
        let mut strangers = people::crowd();
        // Shuffled by the seed: whoever comes is the last of them.
        for at in (1..strangers.len()).rev() {
            strangers.swap(at, (seed.next() % (at as u64 + 1)) as usize);
        }
        let strangers = strangers.into_iter().map(|who| actor(who, &mut seed)).collect();
        let mut life = Life { diary: BTreeMap::new(), written: 0, strangers, seed };
        life.past(now);
        life.write(now + Length::minutes(40), Entry::SomebodyComes);
        life
    }

    /// All that has come by `now`, in order.
    pub fn until(&mut self, now: Timestamp) -> Vec<(Timestamp, Actor, Act)> {
        let mut happened = Vec::new();
        while let Some(first) = self.diary.first_entry().filter(|first| first.key().0 <= now) {
            let ((at, _), entry) = first.remove_entry();
            match entry {
                Entry::Does(actor, act) => happened.push((at, actor, act)),
                Entry::SomebodyComes => self.newcomer(at),
            }
        }
        happened
    }

    /// Somebody from a place that suits, who is awake now if there is one; nobody else is they.
    pub fn cast(&mut self, now: Timestamp, suits: &dyn Fn(&str) -> bool) -> Actor {
        let is_awake = |actor: &Actor| {
            let zone = outreach_engine::zone::find(actor.who.zone);
            zone.is_some_and(|zone| DAYTIME.contains(&zone.to_datetime(now.to_jiff()).hour()))
        };
        let at = self.strangers.iter().rposition(|actor| suits(actor.who.city) && is_awake(actor));
        let at = at.or_else(|| self.strangers.iter().rposition(|actor| suits(actor.who.city)));
        self.strangers.remove(at.expect("the crowd is from more places than there are parts"))
    }

    pub fn does(&mut self, at: Timestamp, actor: &Actor, act: Act) {
        self.write(at, Entry::Does(actor.clone(), act));
    }

    fn write(&mut self, at: Timestamp, entry: Entry) {
        self.written += 1;
        self.diary.insert((at, self.written), entry);
    }

    fn next(&mut self) -> Option<Actor> {
        self.strangers.pop()
    }

    /// Between `least` and twice that.
    fn about(&mut self, least: Length) -> Length {
        let least = least.0.max(1) as u64;
        Length((least + self.seed.next() % least) as i64)
    }

    /// A while later, in the daytime of where they live.
    fn by_day(&mut self, actor: &Actor, at: Timestamp) -> Timestamp {
        let Some(zone) = outreach_engine::zone::find(actor.who.zone) else { return at };
        let hour = zone.to_datetime(at.to_jiff()).hour();
        if DAYTIME.contains(&hour) {
            return at;
        }
        let until_morning = (i64::from(DAYTIME.start) - i64::from(hour)).rem_euclid(24);
        at + Length::hours(until_morning) + self.about(Length::minutes(25))
    }
}

fn actor(who: Someone, seed: &mut Seed) -> Actor {
    // A product's ids say less; here one is to know people again.
    let id = who.mailbox().replace('.', "-");
    Actor { id, who, address: Some(format!("{}@{}", who.mailbox(), seed.pick(&DOMAINS))) }
}

/// What people are like.
impl Life {
    /// Who is there already: each stands shortly before something.
    fn past(&mut self, now: Timestamp) {
        for hours in [1, 9, 20] {
            let ago = now - Length::days(3) + Length::hours(hours);
            let Some(stalled) = self.next() else { return };
            self.does(ago, &stalled, Act::SignsUp);
            self.does(ago + Length::minutes(9), &stalled, Act::ComesBack);
        }
        for hours in [3, 14, 30] {
            let ago = now - Length::days(11) + Length::hours(hours);
            let Some(undecided) = self.next() else { return };
            self.works(&undecided, ago);
        }
        for hours in [2, 7, 26] {
            let Some(lost) = self.next() else { return };
            self.does(now - Length::days(40), &lost, Act::SignsUp);
            self.does(now - Length::days(39), &lost, Act::MakesProject(PROJECTS[0]));
            self.does(now - Length::days(38), &lost, Act::Subscribes);
            self.does(now - Length::days(14) + Length::hours(hours), &lost, Act::ComesBack);
        }
        for minutes in [5, 70, 200] {
            let Some(customer) = self.next() else { return };
            self.does(now - Length::days(60), &customer, Act::SignsUp);
            self.does(now - Length::days(59), &customer, Act::MakesProject(PROJECTS[1]));
            self.does(now - Length::days(52), &customer, Act::Subscribes);
            self.failing_payments(&customer, now - Length::hours(6) + Length::minutes(minutes));
        }
        // The first mail is theirs.
        for seconds in [0, 2] {
            let newest = self.cast(now, &|_| true);
            self.does(now - Length::minutes(9), &newest, Act::SignsUp);
            self.does(now + Length::seconds(seconds), &newest, Act::Verifies);
        }
    }

    fn newcomer(&mut self, at: Timestamp) {
        let minutes = (NEWCOMER_EVERY_MINUTES / 2 + self.seed.next() % NEWCOMER_EVERY_MINUTES) as i64;
        self.write(at + Length::minutes(minutes), Entry::SomebodyComes);
        let Some(actor) = self.next() else { return };
        match self.seed.next() % 8 {
            0..=2 => {
                self.signs_up(&actor, at);
                self.works(&actor, at);
                let when = at + self.about(Length::days(4));
                self.does(when, &actor, Act::Subscribes);
                self.stays(&actor, when);
            }
            3 | 4 => self.stalls(&actor, at),
            // A mistyped address, or a change of mind.
            5 => self.does(at, &actor, Act::SignsUp),
            6 => {
                self.signs_up(&actor, at);
                self.works(&actor, at);
            }
            _ => {
                self.signs_up(&actor, at);
                self.works(&actor, at);
                let when = at + self.about(Length::hours(20));
                self.does(when, &actor, Act::Subscribes);
                let charged = when + self.about(Length::days(1));
                self.failing_payments(&actor, charged);
            }
        }
    }

    fn signs_up(&mut self, actor: &Actor, at: Timestamp) {
        self.does(at, actor, Act::SignsUp);
        let verified = at + self.about(Length::minutes(4));
        self.does(verified, actor, Act::Verifies);
    }

    /// Makes a project, brings others, and comes back for a week.
    fn works(&mut self, actor: &Actor, from: Timestamp) {
        let name = self.seed.pick(&PROJECTS);
        let made = from + self.about(Length::hours(2));
        if !self.has_begun(actor) {
            self.does(from, actor, Act::SignsUp);
        }
        self.does(made, actor, Act::MakesProject(name));
        let invited = made + self.about(Length::hours(5));
        let invited = self.by_day(actor, invited);
        self.does(invited, actor, Act::Invites);
        self.comes_back(actor, from, 8);
    }

    /// Nothing for days. Some begin after the mail.
    fn stalls(&mut self, actor: &Actor, at: Timestamp) {
        self.signs_up(actor, at);
        let looked = self.by_day(actor, at + Length::days(1));
        self.does(looked, actor, Act::ComesBack);
        if self.seed.next().is_multiple_of(2) {
            let name = self.seed.pick(&PROJECTS);
            let made = at + Length::days(3) + self.about(Length::hours(12));
            let made = self.by_day(actor, made);
            self.does(made, actor, Act::MakesProject(name));
            self.comes_back(actor, made, 6);
        } else if self.seed.next().is_multiple_of(3) {
            let when = at + Length::days(3) + self.about(Length::hours(14));
            self.does(when, actor, Act::Unsubscribes);
        }
    }

    fn stays(&mut self, actor: &Actor, from: Timestamp) {
        let price = self.seed.pick(&PRICES);
        self.does(from + Length::minutes(1), actor, Act::Pays(price));
        let days = 3 + self.seed.next() % 12;
        self.comes_back(actor, from, days as i64);
    }

    fn comes_back(&mut self, actor: &Actor, from: Timestamp, days: i64) {
        let mut day = 1;
        while day <= days {
            let at = from + Length::days(day) + self.about(Length::minutes(30));
            let at = self.by_day(actor, at);
            self.does(at, actor, Act::ComesBack);
            day += 1 + (self.seed.next() % 2) as i64;
        }
    }

    /// Three in a row; then most pay, some within the hour.
    fn failing_payments(&mut self, actor: &Actor, from: Timestamp) {
        let price = self.seed.pick(&PRICES);
        for times in 0..3 {
            self.does(from + Length::hours(3 * times), actor, Act::PaymentFails(price));
        }
        if !self.seed.next().is_multiple_of(4) {
            let paid = from + Length::hours(6) + self.about(Length::minutes(35));
            self.does(paid, actor, Act::Pays(price));
        }
    }

    fn has_begun(&self, actor: &Actor) -> bool {
        let is_theirs = |entry: &Entry| matches!(entry, Entry::Does(who, Act::SignsUp) if who.id == actor.id);
        self.diary.values().any(is_theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_800_000_000_000_000);

    fn lived(seed: u64, days: i64) -> Vec<(Timestamp, String, Act)> {
        let mut life = Life::new(Seed::new(seed), NOON);
        let happened = life.until(NOON + Length::days(days));
        happened.into_iter().map(|(at, actor, act)| (at, actor.id, act)).collect()
    }

    #[test]
    fn the_same_seed_lives_the_same_life_and_another_one_another() {
        assert_eq!(lived(7, 5), lived(7, 5));
        assert_ne!(lived(7, 5), lived(8, 5));
    }

    #[test]
    fn the_same_seed_has_the_same_people_at_any_hour() {
        let addresses = |hour| -> BTreeMap<String, Option<String>> {
            let now = NOON + Length::hours(hour);
            let happened = Life::new(Seed::new(7), now).until(now + Length::days(9));
            happened.into_iter().map(|(_, actor, _)| (actor.id, actor.address)).collect()
        };
        let at_noon = addresses(0);
        for hour in 1..24 {
            let later = addresses(hour);
            let known: Vec<_> = later.iter().filter(|(id, _)| at_noon.contains_key(*id)).collect();
            assert!(known.len() > 20, "{hour}: {}", known.len());
            assert!(known.iter().all(|(id, address)| at_noon[*id] == **address), "{hour}: {known:?}");
        }
    }

    #[test]
    fn a_month_has_all_that_people_do_and_nobody_does_anything_before_they_come() {
        let happened = lived(3, 30);
        let has = |wanted: fn(&Act) -> bool| happened.iter().any(|(_, _, act)| wanted(act));
        assert!(has(|act| matches!(act, Act::Unsubscribes)) && has(|act| matches!(act, Act::Pays(_))));
        for (at, id, act) in &happened {
            let first = happened.iter().find(|(_, other, _)| other == id).expect("they are there");
            assert_eq!(first.2, Act::SignsUp, "{id} {act:?} at {at}");
        }
        assert!(happened.len() > 300, "{}", happened.len());
    }

    #[test]
    fn the_first_mail_is_for_somebody_who_is_awake() {
        for hour in 0..24 {
            let now = NOON + Length::hours(hour);
            let actor = Life::new(Seed::new(1), now).cast(now, &|_| true);
            let zone = outreach_engine::zone::find(actor.who.zone).expect("a zone");
            assert!(DAYTIME.contains(&zone.to_datetime(now.to_jiff()).hour()), "{hour}: {actor:?}");
        }
    }
}
