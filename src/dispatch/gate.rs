//! The gate: the last check, by the real clock and by address, in the transaction that lets a message leave.
//!
//! Transactions of a ledger are serial, so two messages to one address never pass at once: the second sees the first as
//! leaving.

use super::Dispatcher;
use super::conclude::Concluded;
use super::places::Places;
use super::rails::{self, Facts, Verdict};
use crate::ledger::{Ledger, LedgerError, Message, MessageState, Pause, Transaction};
use outreach_engine::effect::Channel;
use outreach_engine::event::OutcomeKind;
use outreach_engine::{Length, Release, Timestamp};
use std::sync::Arc;

/// What came through.
#[derive(Debug, Default)]
pub struct Passed {
    /// These are leaving: each must be handed over, or put back.
    pub leaving: Vec<Message>,
    /// How many were looked at.
    pub looked_at: usize,
    /// When there may be more to do.
    pub next_at: Option<Timestamp>,
}

/// What all messages of one transaction are asked by.
#[derive(Clone, Copy)]
struct Moment<'a> {
    release: &'a Release,
    pauses: &'a [Pause],
    now: Timestamp,
}

/// So many of a channel are looked at in one transaction: others wait for it.
const LOOKED_AT_MAX: u32 = 200;
/// Without a release nothing leaves; it is looked for again then.
const NO_RELEASE_FOR: Length = Length::seconds(1);

impl<D: Ledger> Dispatcher<D> {
    /// Lets so many due messages leave as there is `room` for, and holds, skips or ends the others that it looks at.
    pub fn pass(&self, room: Places) -> Result<Passed, LedgerError> {
        let now = (self.clock)();
        let Some(release) = (self.release)() else {
            return Ok(Passed { next_at: Some(now + NO_RELEASE_FOR), ..Passed::default() });
        };
        if outreach_engine::planted::is_on(outreach_engine::planted::Bug::GateOutsideTransaction) {
            return self.pass_in_two(&release, now, room);
        }
        self.ledger.transaction(|transaction| {
            let verdicts = self.judge(transaction, &release, now, room)?;
            self.carry_out(transaction, verdicts, now)
        })
    }

    /// [`Dispatcher::conclude`], then [`Dispatcher::pass`], in one transaction where that makes no difference: with one
    /// fsync a round, not two. After an error nothing of either is written.
    pub fn conclude_and_pass(&self, ended: &[Concluded], room: Places) -> Result<Passed, LedgerError> {
        let release = (self.release)();
        // The gate must know of a server that is down before the next message passes.
        let is_alone = ended.iter().any(Concluded::blames_server)
            || outreach_engine::planted::is_on(outreach_engine::planted::Bug::GateOutsideTransaction);
        let (Some(release), false, false) = (release, is_alone, ended.is_empty()) else {
            if !ended.is_empty() {
                self.conclude(ended)?;
            }
            return self.pass(room);
        };
        let now = (self.clock)();
        let passed = self.ledger.transaction(|transaction| {
            self.write_ends(transaction, ended, now)?;
            let verdicts = self.judge(transaction, &release, now, room)?;
            self.carry_out(transaction, verdicts, now)
        })?;
        self.note(ended, now);
        Ok(passed)
    }

    /// The planted bug: what is judged in one transaction leaves in another.
    fn pass_in_two(
        &self,
        release: &Arc<Release>,
        now: Timestamp,
        room: Places,
    ) -> Result<Passed, LedgerError> {
        let verdicts = self.ledger.transaction(|transaction| {
            let mut due = Vec::new();
            for channel in Channel::ALL {
                let of_channel = transaction.due_messages(channel, now, LOOKED_AT_MAX)?;
                due.extend(of_channel.into_iter().take(room.of(channel)));
            }
            let pauses = transaction.pauses()?;
            let mut verdicts = Vec::new();
            for message in due {
                let moment = Moment { release, pauses: &pauses, now };
                let verdict = self.verdict(transaction, moment, &message)?;
                verdicts.push((message, verdict));
            }
            Ok(verdicts)
        })?;
        self.ledger.transaction(|transaction| self.carry_out(transaction, verdicts, now))
    }

    /// Verdicts, each carried out before the next is asked: a message that leaves counts for those behind it.
    fn judge(
        &self,
        transaction: &mut dyn Transaction,
        release: &Release,
        now: Timestamp,
        room: Places,
    ) -> Result<Vec<(Message, Verdict)>, LedgerError> {
        let pauses = transaction.pauses()?;
        let mut verdicts = Vec::new();
        for channel in Channel::ALL {
            let moment = Moment { release, pauses: &pauses, now };
            verdicts.extend(self.judge_channel(transaction, moment, channel, room.of(channel))?);
        }
        Ok(verdicts)
    }

    fn judge_channel(
        &self,
        transaction: &mut dyn Transaction,
        moment: Moment<'_>,
        channel: Channel,
        count_max: usize,
    ) -> Result<Vec<(Message, Verdict)>, LedgerError> {
        let mut verdicts: Vec<(Message, Verdict)> = Vec::new();
        let mut leaving = 0;
        // Most often all that may leave do. More is fetched only where some of these do not, and then much at once.
        for fetched_max in [count_max.min(LOOKED_AT_MAX as usize) as u32, LOOKED_AT_MAX] {
            if leaving == count_max {
                break;
            }
            let fetched = transaction.due_messages(channel, moment.now, fetched_max)?;
            let are_all = fetched.len() < fetched_max as usize;
            for message in fetched {
                let is_seen = verdicts.iter().any(|(seen, _)| seen.key == message.key);
                if leaving == count_max || is_seen {
                    continue;
                }
                let verdict = self.verdict(transaction, moment, &message)?;
                if matches!(verdict, Verdict::Go) {
                    transaction.set_leaving(message.key, moment.now)?;
                    leaving += 1;
                }
                verdicts.push((message, verdict));
            }
            if are_all {
                break;
            }
        }
        Ok(verdicts)
    }

    fn verdict(
        &self,
        transaction: &mut dyn Transaction,
        Moment { release, pauses, now }: Moment<'_>,
        message: &Message,
    ) -> Result<Verdict, LedgerError> {
        let is_mail = message.channel == Channel::Email;
        let memory = outreach_engine::policy::cap::memory(&release.settings.caps);
        let mut pace = self.pace.lock().expect("no panic while held");
        let facts = Facts {
            release,
            pauses,
            suppressions: if is_mail { transaction.suppressions(&message.address)? } else { Vec::new() },
            counted: if is_mail {
                transaction.counted(&message.address, now - memory, now)?
            } else {
                Vec::new()
            },
            stood_at_end_at: (self.stood_at_end)(message.partition),
            delivers_to: &*self.limits.delivers_to,
            breaker_until: self.breaker.lock().expect("no panic while held").open_until(message.channel, now),
            pace: &mut pace,
            now,
        };
        Ok(rails::judge(facts, message))
    }

    fn carry_out(
        &self,
        transaction: &mut dyn Transaction,
        verdicts: Vec<(Message, Verdict)>,
        now: Timestamp,
    ) -> Result<Passed, LedgerError> {
        let mut passed = Passed { looked_at: verdicts.len(), ..Passed::default() };
        for (mut message, verdict) in verdicts {
            match verdict {
                Verdict::Go => {
                    if outreach_engine::planted::is_on(outreach_engine::planted::Bug::GateOutsideTransaction)
                    {
                        transaction.set_leaving(message.key, now)?;
                    }
                    message.state = MessageState::Leaving;
                    message.state_at = now;
                    message.attempts += 1;
                    passed.leaving.push(message);
                }
                Verdict::Hold { until, code } => {
                    metrics::counter!("outreach_gate_held_total", "reason" => code).increment(1);
                    transaction.set_waiting(message.key, MessageState::Held, until, now, code)?;
                }
                Verdict::End { outcome, code } => {
                    metrics::counter!("outreach_messages_ended_total", "outcome" => outcome.as_str(), "reason" => code)
                        .increment(1);
                    end_before_leaving(transaction, &message, outcome, code, now)?;
                }
            }
        }
        passed.next_at = transaction.next_message_at()?;
        Ok(passed)
    }
}

fn end_before_leaving(
    transaction: &mut dyn Transaction,
    message: &Message,
    outcome: OutcomeKind,
    code: &str,
    now: Timestamp,
) -> Result<(), LedgerError> {
    transaction.set_ended(message.key, outcome, now, Some(code), None).map(drop)
}
