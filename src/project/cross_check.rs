//! What can be wrong between files: a rule and its templates, two rules, a rule and the settings.

use super::files::{self, Files};
use super::written::{self, WrittenMessage};
use super::{Process, RuleOfFile, sample_type};
use crate::template::{Home, Templates};
use outreach_engine::effect::{Channel, OnCap};
use outreach_engine::release::Settings;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Document, Item, Place, Problems, closest};
use outreach_engine::rule::{MessageStep, OncePer};
use std::collections::BTreeSet;

const FOLDER: &str = "templates/";

/// All of them; without settings only what can be known without, and of a rule with errors what its text says.
pub(super) fn check(
    problems: &mut Problems,
    checked: Option<&(Settings, Process)>,
    rules: &[RuleOfFile<'_>],
    files: &Files,
) {
    let mut mailing = None;
    for (path, text) in &files.rules {
        let messages = written::messages(path, text);
        templates_exist(problems, path, &messages, files);
        sample_type::check(problems, path, text, &messages, files);
        let sends_mail = messages.iter().any(|message| message.channel == Channel::Email);
        mailing = mailing.or(sends_mail.then_some(path));
    }
    if let (Some((settings, process)), Some(text)) = (checked, &files.settings) {
        rules.iter().for_each(|rule| once_ever_with_cap(problems, rule, settings));
        transactional_rules_exist(problems, settings, text, files);
        if let Some(path) = mailing {
            mail_is_configured(problems, process, path, text);
        }
    }
    renames_are_plain(problems, rules, files);
    let home = checked.map(|(settings, _)| super::home(settings));
    template_problems(problems, files, home.unwrap_or_default());
}

/// Where the problems that reading and rendering the templates found become problems of the project: the one call into
/// `crate::template`.
fn template_problems(problems: &mut Problems, files: &Files, home: Home) {
    let (templates, mut found) = Templates::load_for(&files.templates, home);
    found.extend(templates.check());
    for problem in found {
        let text = files.templates.get(&problem.file).map(String::as_str).unwrap_or_default();
        let at = byte_at(text, problem.line, problem.column);
        // As far as the word goes: there is no end in a template's problem.
        let word = text[at..].find(|c: char| c.is_whitespace()).unwrap_or(text.len() - at);
        let place = Place { file: &problem.file, span: at..at + word };
        problems.error(Code::Template(problem.code), &place, problem.message).with_help(problem.help);
    }
}

/// The byte of a line and column, both from 1; the end of the text where there is no such place.
fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let lines_before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let in_line = text[lines_before..].char_indices().nth(column.saturating_sub(1));
    in_line.map_or(text.len(), |(offset, _)| lines_before + offset)
}

/// The second of two rules with one id.
pub(super) fn duplicate(problems: &mut Problems, id: &str, first: &str, second: &str) {
    let message = format!("two rules have the id \"{id}\": {first} and {second}");
    let place = Place { file: second, span: 0..0 };
    problems
        .error(Code::DuplicateRule, &place, message)
        .with_help("the file's name is the rule's id: rename one");
}

/// A test without its rule would never run.
pub(super) fn rule_of_test(problems: &mut Problems, path: &str, files: &Files) {
    let rule = path.replace(files::TEST_ENDING, ".toml");
    if !files.rules.contains_key(&rule) {
        let place = Place { file: path, span: 0..0 };
        let message = format!("expected the rule of this test in {rule}, found none");
        problems
            .warn(Code::UnknownRule, &place, message)
            .with_help("the file's name is the rule's id and .test.toml: rename it");
    }
}

/// The parts of a template that a channel needs: one file of each row.
fn parts_of(channel: Channel) -> &'static [&'static [&'static str]] {
    match channel {
        Channel::Email => &[&["subject.hbs"], &["body.mjml", "body.html"]],
        Channel::InProduct => &[&["in_product.toml"]],
    }
}

fn templates_exist(problems: &mut Problems, path: &str, messages: &[WrittenMessage], files: &Files) {
    let names = files.templates.keys().filter_map(|path| Some(path.strip_prefix(FOLDER)?.split_once('/')?.0));
    let folders: BTreeSet<&str> = names.filter(|name| *name != "partials").collect();
    for message in messages {
        let template = &*message.template;
        let place = Place { file: path, span: message.span.clone() };
        let needed = needs(message.channel);
        if !folders.contains(template) {
            let help = match closest(template, folders.iter().copied()) {
                Some(name) => format!("did you mean \"{name}\"?"),
                None => format!("make the folder {FOLDER}{template} with {needed}"),
            };
            let text = format!("unknown template \"{template}\"");
            problems.error(Code::UnknownTemplate, &place, text).with_help(help);
            continue;
        }
        // With one part there, what else is missing is said beside it, by the template's own reading.
        let mut parts = parts_of(message.channel).iter().flat_map(|row| row.iter());
        if !parts.any(|part| files.templates.contains_key(&format!("{FOLDER}{template}/{part}"))) {
            let text = format!("expected {needed} in {FOLDER}{template}, found neither");
            let help = format!("add {needed}, or name a template that has it");
            problems.error(Code::MissingTemplatePart, &place, text).with_help(help);
        }
    }
}

fn needs(channel: Channel) -> String {
    let rows: Vec<String> = parts_of(channel).iter().map(|row| row.join(" or ")).collect();
    rows.join(" and ")
}

/// A span inside the value of one key at the top of a text that was read before without errors.
fn span_in(
    path: &str,
    text: &str,
    key: &'static str,
    find: impl FnOnce(&Item<'_>, &mut Problems) -> Option<std::ops::Range<usize>>,
) -> Option<std::ops::Range<usize>> {
    let mut ignored = Problems::default();
    let document = Document::parse(&mut ignored, path, text)?;
    let item = document.top().take(key)?;
    find(&item, &mut ignored)
}

/// A rule that may enter once, ever, and whose mail a cap may skip: that person never hears of it.
fn once_ever_with_cap(problems: &mut Problems, rule: &RuleOfFile<'_>, settings: &Settings) {
    if rule.rule.limits.once_per != OncePer::Ever {
        return;
    }
    let is_starved = |message: &MessageStep| {
        message.on_cap == OnCap::Skip && !message.is_transactional && is_capped(settings, message.channel)
    };
    // A sound rule has the messages that its text has.
    let mut messages = rule.rule.messages().zip(written::messages(rule.path, rule.text));
    let Some((message, written)) = messages.find(|(message, _)| is_starved(message)) else { return };
    let text = format!(
        "this rule enters once, ever, and a cap may skip \"{}\": that person would never get it",
        message.template
    );
    let help = "say on_cap = \"wait\" at this step, or once_per = \"30 days\" in [limits]";
    let place = Place { file: rule.path, span: written.span };
    problems.warn(Code::OnceEverWithCap, &place, text).with_help(help);
}

/// Whether a cap counts messages of this channel.
pub(super) fn is_capped(settings: &Settings, channel: Channel) -> bool {
    let caps = &settings.caps;
    let has_own = caps.by_channel.get(&channel).is_some_and(|own| !own.is_empty());
    let is_in_all = match channel {
        Channel::Email => !caps.all.is_empty(),
        Channel::InProduct => false,
    };
    has_own || is_in_all
}

/// A rule was renamed: its old id lives no more, and one rule alone takes over from it.
fn renames_are_plain(problems: &mut Problems, rules: &[RuleOfFile<'_>], files: &Files) {
    let ids: BTreeSet<&str> = files.rules.keys().map(|path| files::stem(path)).collect();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for read in rules {
        let Some(old) = read.rule.formerly.as_deref() else { continue };
        let wrong = if ids.contains(old) {
            Some((format!("`formerly` names \"{old}\", and that rule is still there"), "remove one of them"))
        } else if taken.insert(old) {
            None
        } else {
            Some((format!("two rules were formerly \"{old}\""), "one of them takes over: leave it out here"))
        };
        let Some((message, help)) = wrong else { continue };
        let span = span_in(read.path, read.text, "formerly", |item, _| Some(item.place.span.clone()));
        let place = Place { file: read.path, span: span.unwrap_or(0..0) };
        problems.error(Code::ContradictoryForm, &place, message).with_help(help);
    }
}

/// A permission for a rule that is not there is a rule that was renamed.
fn transactional_rules_exist(problems: &mut Problems, settings: &Settings, text: &str, files: &Files) {
    let ids: BTreeSet<&str> = files.rules.keys().map(|path| files::stem(path)).collect();
    for rule in settings.transactional_rules.iter().filter(|rule| !ids.contains(&***rule)) {
        let span = span_in(files::SETTINGS, text, "transactional_rules", |item, problems| {
            let elements = item.elements(problems)?;
            elements
                .into_iter()
                .find(|element| element.value.as_str() == Some(rule))
                .map(|found| found.place.span)
        });
        let place = Place { file: files::SETTINGS, span: span.unwrap_or(0..0) };
        let problem = problems.warn(Code::UnknownRule, &place, format!("unknown rule \"{rule}\""));
        if let Some(name) = closest(rule, ids.iter().copied()) {
            problem.with_help(format!("did you mean \"{name}\"?"));
        }
    }
}

/// A warning, for a replay needs none of it.
fn mail_is_configured(problems: &mut Problems, process: &Process, sender: &str, settings: &str) {
    let mut missing = process.missing_for_mail();
    // One that is there and cannot be read was told by its reader.
    missing.retain(|section| {
        let is_written =
            |name| span_in(files::SETTINGS, settings, name, |item, _| Some(item.place.span.clone()));
        !["sender", "email"].into_iter().any(|name| section.contains(name) && is_written(name).is_some())
    });
    if missing.is_empty() {
        return;
    }
    let place = Place { file: files::SETTINGS, span: 0..0 };
    let message = format!("expected {}, found none: {sender} sends mail", missing.join(" and "));
    problems.warn(Code::MailNotConfigured, &place, message).with_help("no mail can leave without");
}
