use super::*;
use crate::time::Length;
use crate::zone;
use jiff::ToSpan;

fn time(text: &str) -> LocalTime {
    LocalTime::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn after(zone_name: &str, word: &str, from: &str) -> String {
    let zone = zone::find(zone_name).unwrap();
    ClockWord::parse(word).unwrap().due_at(&zone, at(from)).unwrap().to_string().replace(":00.000000Z", "Z")
}

#[test]
fn a_time_reads_as_it_prints_and_nothing_else_does() {
    for good in ["00:00", "09:00", "23:59"] {
        assert_eq!(time(good).to_string(), good);
        assert_eq!(ClockWord::parse(good).unwrap().to_string(), good);
    }
    for wrong in ["9:00", "09:0", "24:00", "12:60", "+9:00", "noon", "", "09:00:00", "0９:00"] {
        let error = LocalTime::parse(wrong).unwrap_err();
        assert!(error.contains(&format!("found \"{wrong}\"")), "{error}");
        assert!(ClockWord::parse(wrong).unwrap_err().contains("business-hours"));
    }
}

#[test]
fn the_next_time_is_the_persons_and_never_now() {
    let paris = |from| after("Europe/Paris", "09:00", from);
    assert_eq!(paris("2026-01-15T07:59:59Z"), "2026-01-15T08:00Z");
    assert_eq!(paris("2026-01-15T08:00:00Z"), "2026-01-16T08:00Z");
    assert_eq!(paris("2026-01-15T08:00:00.001Z"), "2026-01-16T08:00Z");
    assert_eq!(paris("2026-03-28T12:00:00Z"), "2026-03-29T07:00Z", "summer time begins that night");
    assert_eq!(after("Asia/Kathmandu", "09:00", "2026-01-15T03:00:00Z"), "2026-01-15T03:15Z");
}

#[test]
fn a_time_that_is_left_out_comes_at_the_change_and_one_shown_twice_comes_once() {
    let berlin = |from| after("Europe/Berlin", "02:30", from);
    assert_eq!(berlin("2026-03-29T00:59:59Z"), "2026-03-29T01:00Z");
    assert_eq!(berlin("2026-03-29T01:00:00Z"), "2026-03-30T00:30Z");
    assert_eq!(berlin("2026-10-25T00:00:00Z"), "2026-10-25T00:30Z");
    assert_eq!(berlin("2026-10-25T00:30:00Z"), "2026-10-26T01:30Z", "not at 01:30Z, when it is 02:30 again");
    assert_eq!(berlin("2026-10-25T01:15:00Z"), "2026-10-26T01:30Z");
    // Samoa had no 30th of December 2011: the clock went from the end of the 29th to the 31st.
    assert_eq!(after("Pacific/Apia", "09:00", "2011-12-30T08:00:00Z"), "2011-12-30T10:00Z");
    assert_eq!(after("Pacific/Apia", "09:00", "2011-12-30T10:00:00Z"), "2011-12-30T19:00Z");
}

#[test]
fn business_hours_are_half_open_and_of_working_days() {
    let paris = |from| after("Europe/Paris", "business-hours", from);
    assert_eq!(paris("2026-01-15T08:00:00Z"), "2026-01-15T08:00Z");
    assert_eq!(paris("2026-01-15T15:59:00Z"), "2026-01-15T15:59Z");
    assert_eq!(paris("2026-01-15T16:00:00Z"), "2026-01-16T08:00Z");
    assert_eq!(paris("2026-01-15T07:59:59Z"), "2026-01-15T08:00Z");
    assert_eq!(paris("2026-01-16T16:00:00Z"), "2026-01-19T08:00Z", "a Friday's end, and the Monday");
    assert_eq!(paris("2026-01-18T12:00:00Z"), "2026-01-19T08:00Z");
}

/// The zones of the bundled data, and every change of their clocks from 2025 to 2030.
fn changes() -> impl Iterator<Item = (String, TimeZone, Timestamp)> {
    let (first, end) = (at("2025-01-01T00:00:00Z"), at("2031-01-01T00:00:00Z"));
    jiff::tz::TimeZoneDatabase::bundled()
        .available()
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .into_iter()
        .flat_map(move |name| {
            let zone = zone::find(&name).expect("a name that was listed");
            let following = zone.following(first.to_jiff()).map(|change| Timestamp::from(change.timestamp()));
            let times: Vec<_> = following.take_while(|change| *change < end).collect();
            times.into_iter().map(move |change| (name.clone(), zone.clone(), change))
        })
}

#[test]
fn round_every_change_from_2025_to_2030_each_time_comes_once_a_date_and_no_wait_is_negative() {
    let mut count = 0;
    for (name, zone, change) in changes() {
        count += 1;
        let (start, end) = (change - Length::hours(40), change + Length::hours(40));
        for minute in (0..24 * 60).step_by(15) {
            let time = LocalTime { minute };
            let (mut now, mut dates) = (start, Vec::new());
            while now < end {
                let came = next(&zone, time, now).expect("these years have dates");
                assert!(came > now, "{name} {time} after {now}: {came}");
                // A day, and two hours: Troll sets its clocks by so much.
                assert!(came.since(now) <= Length::hours(26), "{name} {time} after {now}: {came}");
                let local = zone.to_datetime(came.to_jiff());
                let is_shown = LocalTime::of(local.time()) == time;
                assert!(is_shown || came == change, "{name} {time}: {local}");
                // A last hour that is left out comes as the next date begins, and is the last date's.
                let is_of_yesterday = !is_shown && LocalTime::of(local.time()) < time;
                dates.push(if is_of_yesterday { local.date().yesterday().unwrap() } else { local.date() });
                now = came;
            }
            let mut once = dates.clone();
            once.dedup();
            assert_eq!(once, dates, "{name} {time}: doubled");
            assert!(
                dates.windows(2).all(|two| two[0].tomorrow().unwrap() == two[1]),
                "{name} {time}: {dates:?}"
            );
        }
    }
    assert!(count > 1_000, "{count} changes");
}

#[test]
fn a_later_local_time_never_comes_earlier() {
    for (name, zone, change) in changes() {
        let first = zone.to_datetime((change - Length::hours(4)).to_jiff());
        let instants = (0..8 * 12)
            .map(|step: i64| instant(&zone, first.checked_add((step * 5).minutes()).unwrap()).unwrap());
        assert!(instants.is_sorted(), "{name} {change}");
    }
}
