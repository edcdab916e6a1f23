//! What can be wrong between files: a rule and its templates, two rules, a rule and the settings.

use super::files::{self, Files};
use super::{Process, RuleOfFile};
use crate::template::Templates;
use outreach_engine::effect::{Channel, OnCap};
use outreach_engine::release::Settings;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Document, Item, Place, Problems, closest};
use outreach_engine::rule::{MessageStep, OncePer};
use std::collections::BTreeSet;

const FOLDER: &str = "templates/";

/// All of them; without settings only what can be known without.
pub(super) fn check(
    problems: &mut Problems,
    checked: Option<&(Settings, Process)>,
    rules: &[RuleOfFile<'_>],
    files: &Files,
) {
    for rule in rules {
        templates_exist(problems, rule, files);
        if let Some((settings, _)) = checked {
            once_ever_with_cap(problems, rule, settings);
        }
    }
    if let (Some((settings, process)), Some(text)) = (checked, &files.settings) {
        transactional_rules_exist(problems, settings, text, files);
        mail_is_configured(problems, process, rules);
    }
    template_problems(problems, files);
}

/// Where the problems that reading and rendering the templates found become problems of the project: the one call into
/// `crate::template`.
fn template_problems(problems: &mut Problems, files: &Files) {
    let (templates, mut found) = Templates::load(&files.templates);
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
        problems.warn(Code::UnknownRule, &place, message);
    }
}

/// The parts of a template that a channel needs: one file of each row.
fn parts_of(channel: Channel) -> &'static [&'static [&'static str]] {
    match channel {
        Channel::Email => &[&["subject.hbs"], &["body.mjml", "body.html"]],
        Channel::InProduct => &[&["in_product.toml"]],
    }
}

fn templates_exist(problems: &mut Problems, rule: &RuleOfFile<'_>, files: &Files) {
    let names = files.templates.keys().filter_map(|path| Some(path.strip_prefix(FOLDER)?.split_once('/')?.0));
    let folders: BTreeSet<&str> = names.filter(|name| *name != "partials").collect();
    for (index, message) in messages(rule) {
        let template = &*message.template;
        let needed = needs(message.channel);
        if !folders.contains(template) {
            let help = match closest(template, folders.iter().copied()) {
                Some(name) => format!("did you mean \"{name}\"?"),
                None => format!("make the folder {FOLDER}{template} with {needed}"),
            };
            let text = format!("unknown template \"{template}\"");
            problems.error(Code::UnknownTemplate, &place_of_template(rule, index), text).with_help(help);
            continue;
        }
        // With one part there, what else is missing is said beside it, by the template's own reading.
        let mut parts = parts_of(message.channel).iter().flat_map(|row| row.iter());
        if !parts.any(|part| files.templates.contains_key(&format!("{FOLDER}{template}/{part}"))) {
            let text = format!("expected {needed} in {FOLDER}{template}, found neither");
            problems.error(Code::MissingTemplatePart, &place_of_template(rule, index), text);
        }
    }
}

fn needs(channel: Channel) -> String {
    let rows: Vec<String> = parts_of(channel).iter().map(|row| row.join(" or ")).collect();
    rows.join(" and ")
}

/// The message steps with their places in `[[step]]`.
fn messages<'r>(rule: &'r RuleOfFile<'_>) -> impl Iterator<Item = (usize, &'r MessageStep)> {
    use outreach_engine::rule::StepKind;
    rule.rule.steps.iter().enumerate().filter_map(|(index, step)| match &step.kind {
        StepKind::Message(message) => Some((index, message)),
        StepKind::Wait(_) => None,
    })
}

/// Where a step names its template: checked rules do not carry places, so the text is asked again.
fn place_of_template<'r>(rule: &RuleOfFile<'r>, index: usize) -> Place<'r> {
    let span = span_in(rule.path, rule.text, "step", |item, problems| {
        let element = item.elements(problems)?.into_iter().nth(index)?;
        let mut table = element.table(problems)?;
        let kind = table.take("email").or_else(|| table.take("in_product"))?;
        Some(kind.place.span)
    });
    Place { file: rule.path, span: span.unwrap_or(0..0) }
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
    let Some((index, message)) = messages(rule).find(|(_, message)| is_starved(message)) else { return };
    let text = format!(
        "this rule enters once, ever, and a cap may skip \"{}\": that person would never get it",
        message.template
    );
    let help = "say on_cap = \"wait\" at this step, or once_per = \"30 days\" in [limits]";
    problems.warn(Code::OnceEverWithCap, &place_of_template(rule, index), text).with_help(help);
}

/// Whether a cap counts messages of this channel.
fn is_capped(settings: &Settings, channel: Channel) -> bool {
    let caps = &settings.caps;
    let has_own = caps.by_channel.get(&channel).is_some_and(|own| !own.is_empty());
    let is_in_all = match channel {
        Channel::Email => !caps.all.is_empty(),
        Channel::InProduct => false,
    };
    has_own || is_in_all
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
fn mail_is_configured(problems: &mut Problems, process: &Process, rules: &[RuleOfFile<'_>]) {
    let missing = process.missing_for_mail();
    let Some(sender) = rules.iter().find(|rule| rule.rule.sends_by(Channel::Email)) else { return };
    if missing.is_empty() {
        return;
    }
    let place = Place { file: files::SETTINGS, span: 0..0 };
    let message = format!("{} sends mail, and {} is missing here", sender.path, missing.join(" and "));
    problems.warn(Code::MailNotConfigured, &place, message).with_help("no mail can leave without");
}
