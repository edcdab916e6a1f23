//! The demo's project: the rules and templates of this repository with settings of its own, written into a folder and
//! read back as every project is.

use super::seed::Seed;
use crate::app::Held;
use crate::project::{Environment, Project, Reading};
use anyhow::{Context, bail};
use outreach_engine::Timestamp;
use std::path::Path;

macro_rules! shared {
    ($path:literal) => {
        ($path, include_str!(concat!("../../", $path)))
    };
}

const SETTINGS: &str = include_str!("project/outreach.toml");
const FILES: &[(&str, &str)] = &[
    shared!("rules/inactive-user.toml"),
    shared!("rules/stalled-onboarding.toml"),
    shared!("rules/third-failed-payment.toml"),
    shared!("rules/trial-ending.toml"),
    shared!("rules/welcome.toml"),
    shared!("templates/inactive-user/body.mjml"),
    shared!("templates/inactive-user/sample.json"),
    shared!("templates/inactive-user/subject.hbs"),
    shared!("templates/inactive-user/text.hbs"),
    shared!("templates/onboarding-checklist/in_product.toml"),
    shared!("templates/onboarding-checklist/sample.json"),
    shared!("templates/partials/button.hbs"),
    shared!("templates/partials/footer-account-text.hbs"),
    shared!("templates/partials/footer-account.hbs"),
    shared!("templates/partials/footer-text.hbs"),
    shared!("templates/partials/footer.hbs"),
    shared!("templates/partials/header.hbs"),
    shared!("templates/partials/look.hbs"),
    shared!("templates/partials/preview-end.hbs"),
    shared!("templates/partials/signature.hbs"),
    shared!("templates/payment-reminder/in_product.toml"),
    shared!("templates/payment-reminder/sample.json"),
    shared!("templates/stalled-onboarding/body.mjml"),
    shared!("templates/stalled-onboarding/sample.json"),
    shared!("templates/stalled-onboarding/subject.hbs"),
    shared!("templates/stalled-onboarding/text.hbs"),
    shared!("templates/third-failed-payment/body.mjml"),
    shared!("templates/third-failed-payment/sample.json"),
    shared!("templates/third-failed-payment/subject.hbs"),
    shared!("templates/third-failed-payment/text.hbs"),
    shared!("templates/trial-ending/body.mjml"),
    shared!("templates/trial-ending/sample.json"),
    shared!("templates/trial-ending/subject.hbs"),
    shared!("templates/trial-ending/text.hbs"),
    shared!("templates/trial-last-day/in_product.toml"),
    shared!("templates/trial-last-day/sample.json"),
    shared!("templates/welcome/body.mjml"),
    shared!("templates/welcome/sample.json"),
    shared!("templates/welcome/subject.hbs"),
    shared!("templates/welcome/text.hbs"),
    shared!("templates/welcome-tour/in_product.toml"),
    shared!("templates/welcome-tour/sample.json"),
];

/// Where somebody is to be asleep, and everybody else awake.
pub(super) const NIGHT_ZONE: &str = "Asia/Tokyo";
/// The night begins so many hours before this hour there, and ends so many after it. Everybody else lives at least
/// three and a half hours further west, and at most twenty.
const NIGHT_BEGAN_HOURS: i8 = 2;
const NIGHT_LASTS_HOURS: i8 = 3;

/// When nobody gets mail, on each person's own clock.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quiet {
    AtNight,
    /// At hours of the clock that are night in [`NIGHT_ZONE`] at this moment.
    InJapan(Timestamp),
}

const NIGHT: &str = "21:00-08:00";
/// The secret that signs tokens of the product's users, below the project's folder.
pub(super) const IDENTITY_FILE: &str = "secrets/identity.key";

/// Writes the project into `dir` and reads it. Its mail goes to the server on `smtp_port`.
/// Its service is at the addresses that are held for it.
pub(super) fn write(
    dir: &Path,
    smtp_port: u16,
    held: &Held,
    quiet: Quiet,
    seed: &Seed,
) -> anyhow::Result<Project> {
    let [http, admin] = [held.public.local_addr()?, held.admin.local_addr()?];
    let settings = SETTINGS
        .replace("@QUIET_HOURS@", &quiet_hours(quiet)?)
        .replace("@HTTP@", &http.to_string())
        .replace("@ADMIN@", &admin.to_string())
        .replace("@SMTP_PORT@", &smtp_port.to_string());
    let secrets = ["secrets/backend.key", "secrets/unsubscribe.key", IDENTITY_FILE];
    let secrets = secrets.map(|path| (path, seed.secret()));
    let files = FILES.iter().copied().chain([("outreach.toml", settings.as_str())]);
    for (path, text) in files.chain(secrets.iter().map(|(path, text)| (*path, text.as_str()))) {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().expect("a file stands in a folder"))?;
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    read(dir)
}

fn read(dir: &Path) -> anyhow::Result<Project> {
    // No variable of the user's own service may change the demo.
    let Reading { project, problems, .. } = Project::read(dir, &Environment::default());
    match (project, problems.iter().find(|problem| problem.is_error())) {
        (Some(project), None) => Ok(project),
        (_, Some(problem)) => bail!("the demo's own project has a problem: {}", problem.message),
        (None, None) => bail!("the demo's own project cannot be read"),
    }
}

fn quiet_hours(quiet: Quiet) -> anyhow::Result<String> {
    let now = match quiet {
        Quiet::AtNight => return Ok(NIGHT.to_owned()),
        Quiet::InJapan(now) => now,
    };
    let zone = outreach_engine::zone::find(NIGHT_ZONE).context("the bundled zones have no Tokyo")?;
    let hour = zone.to_datetime(now.to_jiff()).hour();
    let clock = |hour: i8| format!("{:02}:00", hour.rem_euclid(24));
    Ok(format!("{}-{}", clock(hour - NIGHT_BEGAN_HOURS), clock(hour + NIGHT_LASTS_HOURS)))
}

#[cfg(test)]
mod tests {
    use super::super::folder::Folder;
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn the_project_has_no_problems_and_each_file_of_its_templates_is_there() {
        let folder = Folder::new().unwrap();
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let held = Held { public: free(), admin: free() };
        write(folder.path(), 1025, &held, Quiet::InJapan(Timestamp::EPOCH), &Seed::new(1)).unwrap();
        let (project, problems) = Project::load(folder.path());
        assert_eq!(problems, []);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for path in project.unwrap().release.templates.keys() {
            let theirs = std::fs::read_dir(root.join(path).parent().unwrap()).into_iter().flatten();
            for file in theirs.map(|file| file.unwrap().file_name().into_string().unwrap()) {
                let path = format!("{}/{file}", path.rsplit_once('/').unwrap().0);
                assert!(FILES.iter().any(|(known, _)| *known == path), "{path} is not embedded");
            }
        }
    }

    #[test]
    fn it_is_always_night_in_tokyo() {
        let at = |text| quiet_hours(Quiet::InJapan(Timestamp::parse(text).unwrap())).unwrap();
        assert_eq!(at("2026-03-02T15:30:00Z"), "22:00-03:00");
        assert_eq!(at("2026-03-02T03:00:00Z"), "10:00-15:00");
    }
}
