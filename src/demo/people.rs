//! Made-up people: names of many places, in the zones and languages that go with them.
//!
//! Addresses are at domains that nobody can own (RFC 2606).

use super::project::NIGHT_ZONE;

/// Somebody who might play a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Someone {
    pub first_name: &'static str,
    pub last_name: &'static str,
    /// The local part of the address.
    pub mailbox: &'static str,
    pub city: &'static str,
    pub zone: &'static str,
    pub locale: &'static str,
}

const fn someone(
    first_name: &'static str,
    last_name: &'static str,
    mailbox: &'static str,
    city: &'static str,
    zone: &'static str,
    locale: &'static str,
) -> Someone {
    Someone { first_name, last_name, mailbox, city, zone, locale }
}

pub(super) const DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];

/// Who is awake, at least three and a half hours west of the one who is not.
pub(super) const AWAKE: [Someone; 20] = [
    someone("Amara", "Okafor", "amara.okafor", "Lagos", "Africa/Lagos", "en-NG"),
    someone("Łukasz", "Wójcik", "lukasz.wojcik", "Kraków", "Europe/Warsaw", "pl-PL"),
    someone("Priya", "Raghunathan", "priya.r", "Chennai", "Asia/Kolkata", "en-IN"),
    someone("José", "da Silva", "jose.dasilva", "São Paulo", "America/Sao_Paulo", "pt-BR"),
    someone("Zoë", "van Dijk", "zoe.vandijk", "Utrecht", "Europe/Amsterdam", "nl-NL"),
    someone("Wanjiru", "Kamau", "wanjiru.kamau", "Nairobi", "Africa/Nairobi", "sw-KE"),
    someone("Noah", "Goldberg", "noah.goldberg", "Chicago", "America/Chicago", "en-US"),
    someone("Søren", "Lindqvist", "soren.lindqvist", "Aarhus", "Europe/Copenhagen", "da-DK"),
    someone("Leïla", "Benali", "leila.benali", "Lyon", "Europe/Paris", "fr-FR"),
    someone("Mateo", "Quispe", "mateo.quispe", "Lima", "America/Lima", "es-PE"),
    someone("Ayşe", "Yıldız", "ayse.yildiz", "Izmir", "Europe/Istanbul", "tr-TR"),
    someone("Siobhán", "O'Neill", "siobhan.oneill", "Galway", "Europe/Dublin", "en-IE"),
    someone("Omar", "Haddad", "omar.haddad", "Cairo", "Africa/Cairo", "ar-EG"),
    someone("Katarína", "Nováková", "katarina.novakova", "Bratislava", "Europe/Bratislava", "sk-SK"),
    someone("Thabo", "Mokoena", "thabo.mokoena", "Durban", "Africa/Johannesburg", "en-ZA"),
    someone("Ximena", "Herrera", "ximena.herrera", "Oaxaca", "America/Mexico_City", "es-MX"),
    someone("Giulia", "D'Amico", "giulia.damico", "Bologna", "Europe/Rome", "it-IT"),
    someone("Tariq", "Siddiqui", "tariq.siddiqui", "Lahore", "Asia/Karachi", "ur-PK"),
    someone("Emma", "Tremblay", "emma.tremblay", "Montréal", "America/Toronto", "fr-CA"),
    someone("Andrei", "Popescu", "andrei.popescu", "Cluj", "Europe/Bucharest", "ro-RO"),
];

/// Who sleeps.
pub(super) const ASLEEP: [Someone; 3] = [
    someone("結衣", "田中", "yui.tanaka", "Tokyo", NIGHT_ZONE, "ja-JP"),
    someone("Haruto", "Sato", "haruto.sato", "Osaka", NIGHT_ZONE, "ja-JP"),
    someone("Mei", "Kobayashi", "mei.kobayashi", "Sapporo", NIGHT_ZONE, "en-JP"),
];

impl Someone {
    pub fn name(&self) -> String {
        // Family names go first where the name is written so.
        let is_family_first = self.first_name.chars().all(|c| ('\u{4e00}'..'\u{a000}').contains(&c));
        if is_family_first {
            return format!("{}{}", self.last_name, self.first_name);
        }
        format!("{} {}", self.first_name, self.last_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach_engine::{Length, Timestamp, zone};

    #[test]
    fn nobody_awake_lives_within_the_night() {
        let offset = |name: &str, at: Timestamp| {
            let zone = zone::find(name).unwrap_or_else(|| panic!("no zone {name}"));
            i64::from(zone.to_offset(at.to_jiff()).seconds())
        };
        for day in 0..366 {
            let at = Timestamp::parse("2026-01-01T00:00:00Z").unwrap() + Length::days(day);
            for someone in AWAKE {
                let behind = offset(NIGHT_ZONE, at) - offset(someone.zone, at);
                assert!((12_600..=72_000).contains(&behind), "{} at {at}: {behind}", someone.name());
            }
        }
    }

    #[test]
    fn addresses_are_apart() {
        let mut mailboxes: Vec<_> = AWAKE.iter().chain(&ASLEEP).map(|someone| someone.mailbox).collect();
        mailboxes.sort_unstable();
        mailboxes.dedup();
        assert_eq!(mailboxes.len(), AWAKE.len() + ASLEEP.len());
    }
}
