//! A decision as it is written down: its id, its facts, and what its template is given.

use super::render;
use crate::effect::{Channel, Decision, DecisionId, Fact, Verdict};
use crate::event::SubjectId;
use crate::json;
use crate::release::Compiled;
use crate::rule::{MessageStep, Scope};
use crate::state::{Arm, Journey, Person};
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What is decided about.
pub(super) struct Draft<'a> {
    /// What the rule is called now.
    pub rule: &'a Arc<str>,
    pub compiled: &'a Compiled,
    /// The name of the step.
    pub step: &'a Arc<str>,
    pub message: &'a MessageStep,
    pub subject: &'a SubjectId,
    pub person: &'a Person,
    pub journey: &'a Journey,
    pub due_at: Timestamp,
    pub zone: &'a str,
}

/// Writes a decision down.
pub(super) fn decide(
    draft: &Draft<'_>,
    verdict: Verdict,
    fact: Option<Fact>,
    scope: &Scope<'_>,
    now: Timestamp,
) -> Decision {
    let (journey, message) = (draft.journey, draft.message);
    let step = draft.step.clone();
    let key: Arc<str> = journey.key.clone().unwrap_or_default();
    let sends = verdict == Verdict::Send;
    let reads = draft.compiled.reads.get(&message.template).map_or(&[][..], Vec::as_slice);
    let address = draft.person.address().filter(|_| sends && message.channel == Channel::Email);
    Decision {
        id: decision_id(
            draft.rule,
            draft.subject,
            &key,
            journey.occurrence.message_id.text(&mut [0; 36]),
            &step,
        ),
        rule: draft.rule.clone(),
        release: draft.compiled.release.clone(),
        subject: draft.subject.clone(),
        key,
        step,
        channel: message.channel,
        template: message.template.clone(),
        topic: message.topic.clone(),
        verdict,
        is_transactional: message.is_transactional,
        on_cap: message.on_cap,
        triggered_at: journey.occurrence.at,
        due_at: draft.due_at,
        judged_at: now,
        expires_at: draft.due_at + message.expires,
        address: address.map(Into::into),
        zone: draft.zone.into(),
        render: if sends {
            render::context(reads, journey, draft.subject, &draft.person.profile)
        } else {
            "{}".into()
        },
        facts: facts(draft, fact, scope),
    }
}

/// What made the decision so: the trigger's record, what the audience saw, the arm, and what the refusing rail says.
fn facts(draft: &Draft<'_>, fact: Option<Fact>, scope: &Scope<'_>) -> Vec<Fact> {
    let occurrence = &draft.journey.occurrence;
    let mut facts = vec![Fact {
        what: "trigger".into(),
        value: format!("{} at {}", draft.journey.event_name, occurrence.at).into(),
        event: Some(Arc::from(occurrence.message_id.text(&mut [0; 36]))),
    }];
    if let Some(audience) = &draft.compiled.rule.audience {
        audience.each_test(&mut |test| {
            let mut value = String::new();
            match scope.look_up(&test.path).and_then(json::Seen::into_value) {
                Some(seen) => json::write(&seen, &mut value),
                None => value.push_str("missing"),
            }
            facts.push(Fact { what: test.path.to_string().into(), value: value.into(), event: None });
        });
    }
    let arm = match draft.journey.arm {
        Arm::Treated => None,
        Arm::GlobalHoldout => Some("held out from everything"),
        Arm::RuleHoldout => Some("held out from this rule"),
    };
    facts.extend(arm.map(|arm| Fact { what: "arm".into(), value: arm.into(), event: None }));
    facts.extend(fact);
    facts
}

/// SHA-256 cut to 128 bits, over length-prefixed parts (architecture.md, "Decision id").
fn decision_id(rule: &str, subject: &SubjectId, key: &str, occurrence: &str, step: &str) -> DecisionId {
    let mut hash = Sha256::new();
    for part in [rule, &subject.to_string(), key, occurrence, step] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    DecisionId(*digest.first_chunk::<16>().expect("a digest is longer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Subject;

    #[test]
    fn parts_cannot_run_into_each_other() {
        let ada = Subject::user("ada").to_owned();
        let a = decision_id("rule", &ada, "ab", "c", "s");
        let b = decision_id("rule", &ada, "a", "bc", "s");
        assert_ne!(a, b);
        assert_eq!(a, decision_id("rule", &ada, "ab", "c", "s"));
    }
}
