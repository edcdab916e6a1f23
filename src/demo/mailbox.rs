//! A mail server for trying things out: it delivers to nobody, and shows each mail that it takes.

use super::catcher::Catcher;
use super::caught::Headers;
use super::folder::Folder;
use super::nobody_reads_on;
use anyhow::Context;
use mail_parser::MessageParser;
use std::io::Write;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// Listens on `port` of loopback and writes each mail to `out`, until SIGINT, SIGTERM or SIGHUP. The mails stay in `folder`, which is
/// made; without one they are gone at the end.
pub async fn mailbox(port: u16, folder: Option<&Path>, mut out: impl Write) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hangup = signal(SignalKind::hangup())?;
    let temporary = folder.is_none().then(Folder::new).transpose().context("no temporary folder")?;
    let place = folder.or(temporary.as_ref().map(Folder::path)).expect("one of the two is there");
    std::fs::create_dir_all(place)
        .with_context(|| format!("the folder {} cannot be made", place.display()))?;
    let catcher = Catcher::listen(port, place).await?;
    writeln!(out, "mail to 127.0.0.1:{} is shown here and goes no further; Ctrl-C ends it", catcher.port)?;
    for number in 0.. {
        let caught = tokio::select! {
            biased;
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => break,
            caught = catcher.mail(number) => caught,
        };
        let mail =
            std::fs::read(&caught.path).with_context(|| format!("{} is gone", caught.path.display()))?;
        let kept = folder.map(|_| caught.path.as_path());
        let shown = out
            .write_all(shown(number + 1, &caught.headers, &mail, kept).as_bytes())
            .and_then(|()| out.flush());
        if let Err(error) = shown {
            return nobody_reads_on(error.into());
        }
    }
    Ok(())
}

/// A mail as a person reads it: who, to whom, its text, and the link that ends it.
fn shown(number: usize, headers: &Headers, mail: &[u8], kept: Option<&Path>) -> String {
    let parsed = MessageParser::default().parse(mail);
    let address = |list: Option<&mail_parser::Address<'_>>| {
        list.and_then(|list| list.first()?.address()).unwrap_or("nobody").to_owned()
    };
    let to = address(parsed.as_ref().and_then(|mail| mail.to()));
    let from = address(parsed.as_ref().and_then(|mail| mail.from()));
    let text = parsed.as_ref().and_then(|mail| mail.body_text(0)).unwrap_or_default();
    let mut lines = vec![
        String::new(),
        format!("---- mail {number} ----"),
        format!("from     {from}"),
        format!("to       {to}"),
        format!("subject  {}", headers.subject),
    ];
    lines.extend(headers.unsubscribe_url.as_ref().map(|url| format!("stop     {url}")));
    lines.extend(kept.map(|path| format!("kept in  {}", path.display())));
    lines.push(String::new());
    // What a mail says is another's: no letter of it moves the cursor.
    let is_shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    lines.push(text.chars().filter(is_shown).collect::<String>().trim_end().to_owned());
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_shown_with_the_link_that_ends_it_and_moves_no_cursor() {
        let mail = b"From: Acme <hello@acme.example>\r\nTo: ada@example.org\r\nSubject: Hi\r\n\
                     List-Unsubscribe: <http://127.0.0.1:8080/u/token>\r\n\r\nAll\x1b[2J is\tready.\r\n";
        let shown = shown(2, &Headers::read(mail), mail, Some(Path::new("mails/02-ada.eml")));
        assert_eq!(
            shown,
            "\n---- mail 2 ----\nfrom     hello@acme.example\nto       ada@example.org\nsubject  Hi\n\
             stop     http://127.0.0.1:8080/u/token\nkept in  mails/02-ada.eml\n\nAll[2J is\tready.\n"
        );
    }

    #[test]
    fn what_is_no_mail_is_shown_too() {
        let shown = shown(1, &Headers::default(), b"\xff", None);
        assert!(shown.contains("to       nobody\n"), "{shown}");
    }
}
