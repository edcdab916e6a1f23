//! Caps: how many messages a person may get. [`hit`] is pure: the engine calls it to plan, the gate to be sure.

use super::{Judged, Stop, refuse_because};
use crate::effect::{Channel, OnCap, Refusal};
use crate::planted::{self, Bug};
use crate::release::{Cap, Caps, Window};
use crate::state::Person;
use crate::time::{Length, Timestamp};
use crate::zone;
use jiff::tz::TimeZone;
use std::fmt;

/// A cap that is full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub cap: Cap,
    /// The channel it is for; nothing for the cap over all channels.
    pub channel: Option<Channel>,
    /// When it and every other cap that is full has room again, if nothing more is sent.
    pub frees_at: Timestamp,
}

/// The first cap that a message by `channel` at `now` would exceed, over messages that were sent or are in flight:
/// channel and time of each, transactional ones left out.
pub fn hit(
    caps: &Caps,
    channel: Channel,
    counted: &[(Channel, Timestamp)],
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Hit> {
    let own = caps.by_channel.get(&channel).map_or(&[][..], Vec::as_slice);
    let of_channel = own.iter().map(|cap| (cap, Some(channel)));
    let of_all = caps.all.iter().filter(|_| is_in_all(caps, channel)).map(|cap| (cap, None));
    let mut hits = of_channel.chain(of_all).filter_map(|(cap, scope)| {
        let mut inside: Vec<Timestamp> = counted
            .iter()
            .filter(|(other, at)| {
                scope.map_or(is_in_all(caps, *other), |scope| scope == *other)
                    && is_inside(cap.window, *at, now, zone)
            })
            .map(|(_, at)| *at)
            .collect();
        let more = usize::from(planted::is_on(Bug::CapOneMore));
        if inside.len() < cap.count as usize + more {
            return None;
        }
        inside.sort_unstable();
        // Room for one more comes when so many have left the window that count - 1 are inside.
        let last_to_leave = inside[inside.len() - cap.count as usize];
        Some(Hit { cap: *cap, channel: scope, frees_at: leaves_at(cap.window, last_to_leave, now, zone) })
    });
    let first = hits.next()?;
    let frees_at = hits.map(|other| other.frees_at).fold(first.frees_at, Timestamp::max);
    Some(Hit { frees_at, ..first })
}

/// The longest time that a message counts for any cap.
pub fn memory(caps: &Caps) -> Length {
    let all = caps.by_channel.values().flatten().chain(&caps.all);
    // A local day with a clock change has up to 25 hours; 48 leaves room for people who travel.
    all.map(|cap| if let Window::Rolling(length) = cap.window { length } else { Length::hours(48) })
        .max()
        .unwrap_or_default()
}

/// Forgets of a person the messages that no cap counts any more.
pub(crate) fn forget(person: &mut Person, caps: &Caps, now: Timestamp) {
    let since = now - memory(caps);
    person.messages.retain(|counted| counted.is_in_flight || counted.judged_at > since);
}

/// `all` means all channels but in_product, unless in_product has caps of its own.
fn is_in_all(caps: &Caps, channel: Channel) -> bool {
    channel != Channel::InProduct || caps.by_channel.contains_key(&Channel::InProduct)
}

/// Half-open: `(now - length, now]`. What lies ahead of `now` (another machine's clock) counts.
fn is_inside(window: Window, at: Timestamp, now: Timestamp, zone: &TimeZone) -> bool {
    match window {
        Window::Rolling(length) => at > now - length,
        Window::CalendarDay => zone::local_date(zone, at) >= zone::local_date(zone, now),
    }
}

fn leaves_at(window: Window, at: Timestamp, now: Timestamp, zone: &TimeZone) -> Timestamp {
    match window {
        Window::Rolling(length) => at + length,
        Window::CalendarDay => zone::next_midnight(zone, at.max(now)),
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.channel.map_or("all", Channel::as_str);
        match self.cap.window {
            Window::Rolling(length) => write!(f, "{scope}: {} per {length}", self.cap.count),
            Window::CalendarDay => write!(f, "{scope}: {} per calendar day", self.cap.count),
        }
    }
}

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    let message = judged.message;
    if message.is_transactional {
        return None;
    }
    let messages = judged.person.messages.iter().filter(|counted| !counted.is_transactional);
    let counted: Vec<_> = messages.map(|counted| (counted.channel, counted.judged_at)).collect();
    let hit = hit(&judged.release.settings.caps, message.channel, &counted, judged.now, judged.zone)?;
    let expires_at = judged.due_at + message.expires;
    if message.on_cap == OnCap::Wait && hit.frees_at <= expires_at && judged.now < expires_at {
        return Some(Stop::Hold { until: hit.frees_at, is_never_late: true });
    }
    refuse_because(Refusal::Cap, "cap", format!("{hit}, free again at {}", hit.frees_at), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: Channel = Channel::Email;

    fn caps(count: u32, window: Window) -> Caps {
        Caps { by_channel: [(EMAIL, vec![Cap { count, window }])].into(), all: vec![] }
    }

    #[test]
    fn a_rolling_day_is_half_open() {
        let caps = caps(1, Window::Rolling(Length::days(1)));
        let at = Timestamp::EPOCH;
        let hit_at = |now| hit(&caps, EMAIL, &[(EMAIL, at)], now, &TimeZone::UTC);
        assert!(hit_at(at + Length(Length::days(1).0 - 1)).is_some());
        assert_eq!(hit_at(at + Length::days(1)), None);
        assert_eq!(hit_at(at).unwrap().frees_at, at + Length::days(1));
    }

    #[test]
    fn room_comes_when_enough_have_left_the_window() {
        let caps = caps(2, Window::Rolling(Length::days(7)));
        let day = |n| Timestamp::EPOCH + Length::days(n);
        let counted = [(EMAIL, day(0)), (EMAIL, day(2)), (EMAIL, day(3))];
        assert_eq!(hit(&caps, EMAIL, &counted, day(4), &TimeZone::UTC).unwrap().frees_at, day(9));
    }

    #[test]
    fn in_product_stands_outside_all_unless_it_has_caps_of_its_own() {
        let all = vec![Cap { count: 1, window: Window::Rolling(Length::days(1)) }];
        let mut caps = Caps { all, ..Caps::default() };
        let counted = [(Channel::InProduct, Timestamp::EPOCH)];
        assert_eq!(hit(&caps, EMAIL, &counted, Timestamp::EPOCH, &TimeZone::UTC), None);
        caps.by_channel.insert(Channel::InProduct, vec![]);
        assert!(hit(&caps, EMAIL, &counted, Timestamp::EPOCH, &TimeZone::UTC).is_some());
    }

    #[test]
    fn a_calendar_day_ends_at_local_midnight() {
        let caps = caps(1, Window::CalendarDay);
        let paris = zone::find("Europe/Paris").unwrap();
        let at = Timestamp::parse("2026-03-02T20:00:00Z").unwrap();
        let hit = hit(&caps, EMAIL, &[(EMAIL, at)], at, &paris).unwrap();
        assert_eq!(hit.frees_at, Timestamp::parse("2026-03-02T23:00:00Z").unwrap());
    }
}
