//! Made-up people: names of many places, in the zones and languages that go with them.
//!
//! Addresses are at domains that nobody can own (RFC 2606).

use super::project::NIGHT_ZONE;
use unicode_normalization::UnicodeNormalization;

/// Somebody who might play a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Someone {
    pub first_name: &'static str,
    pub last_name: &'static str,
    /// The local part of the address, where it does not follow from the name.
    mailbox: &'static str,
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

/// A place whose names go with each other in any way.
struct Place {
    first_names: [&'static str; 4],
    last_names: [&'static str; 4],
    city: &'static str,
    zone: &'static str,
    locale: &'static str,
}

#[rustfmt::skip]
const PLACES: [Place; 12] = [
    place(["Ngozi", "Chidi", "Adaeze", "Emeka"], ["Eze", "Nwosu", "Balogun", "Okonkwo"], "Enugu", "Africa/Lagos", "en-NG"),
    place(["Zofia", "Paweł", "Małgorzata", "Jędrzej"], ["Nowak", "Wróbel", "Mazur", "Kaczmarek"], "Gdańsk", "Europe/Warsaw", "pl-PL"),
    place(["Ananya", "Vikram", "Meera", "Rohan"], ["Iyer", "Banerjee", "Deshmukh", "Kulkarni"], "Pune", "Asia/Kolkata", "en-IN"),
    place(["João", "Luíza", "Caetano", "Íris"], ["Gonçalves", "Araújo", "Magalhães", "Teixeira"], "Recife", "America/Recife", "pt-BR"),
    place(["Freya", "Bjørn", "Åse", "Torvald"], ["Håkonsen", "Sæther", "Øverland", "Berg"], "Tromsø", "Europe/Oslo", "nb-NO"),
    place(["Linh", "Minh", "Thảo", "Quân"], ["Nguyễn", "Trần", "Phạm", "Đặng"], "Huế", "Asia/Ho_Chi_Minh", "vi-VN"),
    place(["Aroha", "Wiremu", "Mere", "Tāne"], ["Ngata", "Parata", "Te Rangi", "Walker"], "Rotorua", "Pacific/Auckland", "en-NZ"),
    place(["Maya", "Ezekiel", "Destiny", "Caleb"], ["Washington", "Nakamura", "O'Brien", "Reyes"], "Portland", "America/Los_Angeles", "en-US"),
    place(["Lucía", "Iñaki", "Begoña", "Álvaro"], ["Etxeberria", "Muñoz", "Ibáñez", "Peña"], "Bilbao", "Europe/Madrid", "es-ES"),
    place(["Selam", "Dawit", "Hiwot", "Bekele"], ["Tesfaye", "Haile", "Abebe", "Girma"], "Addis Ababa", "Africa/Addis_Ababa", "am-ET"),
    place(["Jürgen", "Anneliese", "Björn", "Käthe"], ["Groß", "Müller", "Weiß", "Schäfer"], "Leipzig", "Europe/Berlin", "de-DE"),
    place(["Soo-ah", "Min-jun", "Ji-woo", "Ha-eun"], ["Park", "Choi", "Kang", "Yoon"], "Busan", "Asia/Seoul", "ko-KR"),
];

const fn place(
    first_names: [&'static str; 4],
    last_names: [&'static str; 4],
    city: &'static str,
    zone: &'static str,
    locale: &'static str,
) -> Place {
    Place { first_names, last_names, city, zone, locale }
}

/// Everybody there is: two hundred people, no two of one name.
pub(super) fn crowd() -> Vec<Someone> {
    let mut crowd: Vec<Someone> = AWAKE.iter().chain(&ASLEEP).copied().collect();
    for place in &PLACES {
        for first_name in place.first_names {
            crowd.extend(
                place.last_names.map(|last_name| {
                    someone(first_name, last_name, "", place.city, place.zone, place.locale)
                }),
            );
        }
    }
    crowd
}

impl Someone {
    /// The local part of their address.
    pub fn mailbox(&self) -> String {
        if self.mailbox.is_empty() {
            return format!("{}.{}", folded(self.first_name), folded(self.last_name));
        }
        self.mailbox.to_owned()
    }

    pub fn name(&self) -> String {
        // Family names go first where the name is written so.
        let is_family_first = self.first_name.chars().all(|c| ('\u{4e00}'..'\u{a000}').contains(&c));
        if is_family_first {
            return format!("{}{}", self.last_name, self.first_name);
        }
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// As one spells a name in an address: letters without their marks, nothing else.
fn folded(name: &str) -> String {
    let spelt = |letter: char| match letter {
        'ß' => "ss".into(),
        'æ' => "ae".into(),
        'ł' => "l".into(),
        'đ' => "d".into(),
        'ø' => "o".into(),
        other => other.nfd().next().unwrap_or(other).to_string(),
    };
    let letters = name.to_lowercase();
    let spelt: String = letters.nfc().map(spelt).collect();
    spelt.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach_engine::{Length, Timestamp, zone};
    use std::collections::BTreeSet;

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
    fn everybody_has_an_address_of_their_own_and_lives_in_a_known_zone() {
        let crowd = crowd();
        let addresses: BTreeSet<String> = crowd.iter().map(Someone::mailbox).collect();
        assert_eq!(addresses.len(), crowd.len());
        for who in &crowd {
            let address = who.mailbox();
            assert!(address.is_ascii() && address.len() > 5, "{who:?}: {address}");
            assert!(outreach_engine::zone::find(who.zone).is_some(), "{who:?}");
        }
        assert!(addresses.contains("jurgen.gross") && addresses.contains("thao.nguyen"), "{addresses:?}");
    }
}
