//! The sample product as its user sees it, with the inbox that outreach brings; beside it, what outreach makes of them.

use super::super::acts::{Act, PROJECTS};
use super::super::scribe::Actor;
use super::super::world::{Account, World};
use super::clock::{self, Back};
use super::{knows, page as framed};
use crate::http::dashboard::{Policy, Shell};
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    person: String,
}

#[derive(Deserialize)]
pub(super) struct Filled {
    person: String,
    deed: Deed,
}

/// What a button does.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    SignUp,
    Verify,
    Project,
    Session,
    FailPayment,
    Pay,
    Subscribe,
    Unsubscribe,
}

/// (deed, its name in a form, what its button says)
const DEEDS: [(Deed, &str, &str); 8] = [
    (Deed::SignUp, "sign-up", "Start a trial"),
    (Deed::Verify, "verify", "Confirm the address"),
    (Deed::Session, "session", "Start a session"),
    (Deed::Project, "project", "Create a project"),
    (Deed::Subscribe, "subscribe", "Choose a plan"),
    (Deed::FailPayment, "fail-payment", "Fail a payment"),
    (Deed::Pay, "pay", "Pay"),
    (Deed::Unsubscribe, "unsubscribe", "Unsubscribe by the newest mail"),
];
/// What a payment of theirs is about.
const PRICE: u32 = 49;

impl Deed {
    fn act(self, account: &Account) -> Act {
        match self {
            Deed::SignUp => Act::SignsUp,
            Deed::Verify => Act::Verifies,
            Deed::Project => Act::MakesProject(PROJECTS[account.projects.len() % PROJECTS.len()]),
            Deed::Session => Act::ComesBack,
            Deed::FailPayment => Act::PaymentFails(PRICE),
            Deed::Pay => Act::Pays(PRICE),
            Deed::Subscribe => Act::Subscribes,
            Deed::Unsubscribe => Act::Unsubscribes,
        }
    }

    fn said(self) -> &'static str {
        match self {
            Deed::SignUp => "“Signed Up” and “Trial Started” were sent: two waits begin.",
            Deed::Verify => "“Email Verified” was sent.",
            Deed::Project => "“Project Created” was sent: what waited for it is over.",
            Deed::Session => "“Session Started” was sent: two weeks begin anew.",
            Deed::FailPayment => "“Payment Failed” was sent. The third within a day brings a mail.",
            Deed::Pay => "“Payment Succeeded” was sent.",
            Deed::Subscribe => "“Subscription Started” was sent: the trial's wait is over.",
            Deed::Unsubscribe => "The newest mail's unsubscribe link was used, if it had one.",
        }
    }
}

pub(super) async fn page(
    shell: Shell,
    State(world): State<Arc<World>>,
    Query(asked): Query<Asked>,
) -> Response {
    let actor = actor(&world, &asked).clone();
    let known = knows::shown(&world, actor.id.clone()).await;
    let body = html! {
        (clock::bar(&world, Back::Product))
        div.title { h1 { "Acme, as its user sees it" } }
        (people(&world, &actor))
        div.product {
            (window(&world, &actor))
            div.beside {
                section.card aria-labelledby="h-do" {
                    h2 #h-do { "Be " (actor.who.first_name) }
                    (buttons(&actor))
                    p.said role="status" {}
                }
                section.card aria-labelledby="h-knows" {
                    h2 #h-knows { "What outreach makes of it" }
                    div.knows data-keep={ "/product/knows?person=" (actor.id) } { (known) }
                }
            }
        }
    };
    let origin = &world.public_url;
    let policy = Policy::default().scripts(origin).connects(origin);
    let script = format!("{origin}/v1/inapp/outreach-inbox.js");
    shell.show(framed("Product", body).policy(policy).script(&script))
}

/// The product's own part alone, for the script that keeps it true.
pub(super) async fn app(State(world): State<Arc<World>>, Query(asked): Query<Asked>) -> Markup {
    let actor = actor(&world, &asked);
    content(actor, &world.account(&actor.id))
}

/// A token for the page's user, as the product's server gives it.
pub(super) async fn token(State(world): State<Arc<World>>, Query(asked): Query<Asked>) -> Response {
    match world.token(&actor(&world, &asked).id) {
        Ok(token) => token.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

pub(super) async fn act(
    shell: Shell,
    State(world): State<Arc<World>>,
    Form(filled): Form<Filled>,
) -> Response {
    let actor = actor(&world, &Asked { person: filled.person }).clone();
    let place = format!("/product?person={}", actor.id);
    let acted = tokio::task::spawn_blocking(move || {
        let act = filled.deed.act(&world.account(&actor.id));
        world.happens(&[(world.time.now(), actor, act)])
    });
    match acted.await {
        Ok(Ok(())) => Redirect::to(&place).into_response(),
        Ok(Err(error)) => shell.trouble(&format!("{error:#}")),
        Err(error) => shell.trouble(&error.to_string()),
    }
}

/// Who is asked for; the first where nobody is, or a stranger.
pub(super) fn actor<'w>(world: &'w World, asked: &Asked) -> &'w Actor {
    let asked = world.cast.iter().find(|actor| actor.id == asked.person);
    asked.unwrap_or(&world.cast[0])
}

fn people(world: &World, chosen: &Actor) -> Markup {
    html! {
        nav aria-label="Who is signed in" {
            ul.cast {
                @for actor in &world.cast {
                    li {
                        a href={ "/product?person=" (actor.id) } aria-current=[(actor.id == chosen.id).then_some("true")] {
                            strong { (actor.who.name()) } " " span { (actor.who.city) }
                        }
                    }
                }
            }
        }
    }
}

fn window(world: &World, actor: &Actor) -> Markup {
    html! {
        section.window aria-label={ "Acme, signed in as " (actor.who.name()) } {
            div.acme {
                div.acme-top {
                    p.acme-name { "acme" }
                    p.acme-user { (actor.who.name()) }
                    outreach-inbox api=(world.public_url) data-token={ "/product/token?person=" (actor.id) } {}
                }
                div.acme-page data-keep={ "/product/app?person=" (actor.id) } { (content(actor, &world.account(&actor.id))) }
            }
        }
    }
}

fn content(actor: &Actor, account: &Account) -> Markup {
    html! {
        @if !account.has_signed_up {
            h2 { "Every project of your team on one page" }
            p { "Try it for 14 days. No card needed." }
        } @else {
            h2 { "Good to see you, " (actor.who.first_name) }
            p {
                @if account.has_subscribed { "Team plan." } @else { "Trial: 14 days." }
                @if !account.has_subscribed && !account.has_verified { " Please confirm " (actor.address.as_deref().unwrap_or_default()) "." }
                @if account.failed_payments > 0 {
                    " " span.acme-due { (account.failed_payments) @if account.failed_payments == 1 { " payment" } @else { " payments" } " failed." }
                }
            }
            @if account.projects.is_empty() {
                p.acme-empty { "No projects yet. A name is enough to make your first." }
            } @else {
                ul.acme-projects { @for name in &account.projects { li { strong { (name) } span { "Nothing due today" } } } }
            }
        }
    }
}

fn buttons(actor: &Actor) -> Markup {
    html! {
        form.deeds method="post" action="/product/do" data-stay {
            input type="hidden" name="person" value=(actor.id);
            @for (deed, name, label) in DEEDS {
                button.quiet type="submit" name="deed" value=(name) data-said=(deed.said()) { (label) }
            }
        }
    }
}
