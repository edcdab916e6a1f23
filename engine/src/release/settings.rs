//! The part of outreach.toml that decides, checked.

use crate::effect::Channel;
use crate::rule::Share;
use crate::time::Length;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The part of outreach.toml that goes into the release, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// An IANA name that the bundled zone data knows; for people whose own zone is not known.
    pub timezone: Arc<str>,
    /// A BCP 47 tag: what templates speak to people whose own language they do not. `None`: English.
    pub locale: Option<Arc<str>>,
    pub quiet_hours: Option<QuietHours>,
    /// Of everybody, from all marketing.
    pub holdout: Option<Share>,
    pub caps: Caps,
    /// By id.
    pub topics: BTreeMap<Arc<str>, Topic>,
    /// Rules that may say `transactional`.
    pub transactional_rules: Vec<Arc<str>>,
    /// Draws the arms; part of the release so that every machine draws alike.
    pub hash_seed: u64,
}

/// Half-open, in minutes of the local day, `from != until`; over midnight where `from > until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    pub from: u16,
    pub until: u16,
}

/// How many messages a person may get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    pub by_channel: BTreeMap<Channel, Vec<Cap>>,
    /// Over all channels but in_product, unless in_product has caps of its own.
    pub all: Vec<Cap>,
}

/// At most `count` messages (1 or more) in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    pub count: u32,
    pub window: Window,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// `(t - length, t]`.
    Rolling(Length),
    /// The person's local date.
    CalendarDay,
}

/// What a recipient can opt out of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
}
