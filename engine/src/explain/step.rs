//! What the steps of a rule do, in words; steps inside a step stand in brackets.

use super::condition::{self, About, clause};
use super::sentence::happens;
use super::{listed, quoted};
use crate::effect::Channel;
use crate::local_time::{ClockWord, OFFICE_CLOSES, OFFICE_OPENS};
use crate::rule::{IfStep, MessageStep, SplitPart, Step, StepKind, WaitUntilStep};

/// A list of steps: `send the email “welcome”, wait 2 days, then send the email “tips”`.
pub fn steps(steps: &[Step]) -> String {
    let words: Vec<String> = steps.iter().map(step).collect();
    match words.as_slice() {
        [init @ .., last] if !init.is_empty() => format!("{}, then {last}", init.join(", ")),
        all => all.concat(),
    }
}

/// One step, and what is inside it.
pub fn step(step: &Step) -> String {
    match &step.kind {
        StepKind::Message(message) => say(message),
        StepKind::Wait(length) => format!("wait {length}"),
        StepKind::WaitUntil(wait) => wait_until(wait),
        StepKind::WaitFor(word) => wait_for(*word),
        StepKind::If(branch) => if_step(branch),
        StepKind::Split(parts) => split(parts),
        StepKind::Set(traits) => set(traits),
        StepKind::Exit => "end here".to_owned(),
    }
}

/// `if their plan is “pro” (send the email “a”, then wait 1 day), otherwise (end here)`.
fn if_step(branch: &IfStep) -> String {
    let condition = clause(&branch.condition, About::Person).unwrap_or_else(|| "it is now".to_owned());
    match (branch.then.is_empty(), branch.otherwise.is_empty()) {
        (false, true) => format!("if {condition} {}", list(&branch.then)),
        (true, false) => format!("unless {condition} {}", list(&branch.otherwise)),
        (false, false) | (true, true) => {
            format!("if {condition} {}, otherwise {}", list(&branch.then), list(&branch.otherwise))
        }
    }
}

/// `wait until “Project Created” happens, 5 days at most: then (end here), else (send the email “a”)`.
fn wait_until(wait: &WaitUntilStep) -> String {
    let waits = format!("wait until {}, {} at most", happens(&wait.event), wait.timeout);
    match (wait.then.is_empty(), wait.otherwise.is_empty()) {
        (true, true) => waits,
        (false, true) => format!("{waits}, and if it does {}", list(&wait.then)),
        (true, false) => format!("{waits}, and if it does not {}", list(&wait.otherwise)),
        (false, false) => {
            format!("{waits}, and if it does {}, otherwise {}", list(&wait.then), list(&wait.otherwise))
        }
    }
}

fn wait_for(word: ClockWord) -> String {
    match word {
        ClockWord::At(time) => format!("wait for {time} where they are"),
        ClockWord::BusinessHours => {
            format!(
                "wait for business hours where they are ({OFFICE_OPENS} to {OFFICE_CLOSES}, Monday to Friday)"
            )
        }
    }
}

/// Steps inside a step stand in brackets.
fn list(steps: &[Step]) -> String {
    if steps.is_empty() { "nothing".to_owned() } else { format!("({})", self::steps(steps)) }
}

/// `by chance one of: 50 % (send the email “a”), 50 % nothing`.
fn split(parts: &[SplitPart]) -> String {
    let sum: u64 = parts.iter().map(|part| u64::from(part.weight)).sum();
    let part = |part: &SplitPart| {
        // To a tenth of a percent, and without a tenth that is none.
        let tenths = (u64::from(part.weight) * 1_000 + sum / 2) / sum;
        let rest = if tenths.is_multiple_of(10) { String::new() } else { format!(".{}", tenths % 10) };
        format!("{}{rest}% {}", tenths / 10, list(&part.steps))
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    format!("by chance {}", listed(&parts, "or"))
}

fn set(traits: &[(Box<str>, crate::value::Value)]) -> String {
    let one = |(name, value): &(Box<str>, _)| format!("their outreach.{name} to {}", condition::value(value));
    let all: Vec<String> = traits.iter().map(one).collect();
    format!("set {}", listed(&all, "and"))
}

fn say(message: &MessageStep) -> String {
    let template = quoted(&message.template);
    let what = match message.channel {
        Channel::Email => format!("send the email {template}"),
        Channel::InProduct => format!("show {template} in the product"),
    };
    if message.is_transactional {
        format!("{what} (transactional: no cap or quiet hour holds it)")
    } else {
        what
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::parse::{Known, parse};

    fn said(steps: &str) -> String {
        let text = format!("name = \"R\"\ntopic = \"t\"\n[trigger]\nevent = \"A\"\n{steps}");
        let (rule, _) = parse("r", "rules/r.toml", &text, &Known::default()).expect("a good rule");
        super::steps(&rule.steps)
    }

    #[test]
    fn each_step_has_its_words_and_lists_stand_in_brackets() {
        let table = [
            (
                "if = { \"traits.plan\" = \"pro\" }\nthen = [ { email = \"a\" }, { exit = true } ]\nelse = [ { wait = \"1 day\" } ]",
                "if their plan is “pro” (send the email “a”, then end here), otherwise (wait 1 day)",
            ),
            (
                "if = { \"traits.plan\" = \"pro\" }\nelse = [ { exit = true } ]",
                "unless their plan is “pro” (end here)",
            ),
            (
                "if = { \"properties.seats\" = { gte = 5 } }\nthen = [ { exit = true } ]",
                "if the event's seats is at least 5 (end here)",
            ),
            (
                "split = [ { weight = 1, steps = [ { in_product = \"a\" } ] }, { weight = 2, steps = [] } ]",
                "by chance 33.3% (show “a” in the product) or 66.7% nothing",
            ),
            (
                "set = { stage = \"trial\", seats = 3 }",
                "set their outreach.seats to 3 and their outreach.stage to “trial”",
            ),
            ("exit = true", "end here"),
            ("wait_for = \"09:00\"", "wait for 09:00 where they are"),
            (
                "wait_for = \"business-hours\"",
                "wait for business hours where they are (09:00 to 17:00, Monday to Friday)",
            ),
            (
                "wait_until = { event = \"B\", where = { \"properties.n\" = 1 }, timeout = \"5 days\" }",
                "wait until “B” (its n is 1) happens, 5 days at most",
            ),
            (
                "wait_until = { event = \"B\", timeout = \"5 days\" }\nthen = [ { exit = true } ]\nelse = [ { in_product = \"a\" } ]",
                "wait until “B” happens, 5 days at most, and if it does (end here), otherwise (show “a” in the product)",
            ),
        ];
        for (step, words) in table {
            assert_eq!(said(&format!("[[step]]\n{step}\n")), words, "{step}");
        }
    }
}
