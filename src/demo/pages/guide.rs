//! The first page: what one sees here, in a minute, and what to try.

use super::super::world::World;
use super::clock::{self, Back};
use super::page as framed;
use crate::http::dashboard::Shell;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use std::sync::Arc;

pub(super) async fn page(shell: Shell, State(world): State<Arc<World>>) -> Response {
    shell.show(framed("Start here", body(&world)))
}

fn body(world: &World) -> Markup {
    html! {
        (clock::bar(world, Back::Demo))
        div.guide {
            h1 { "Five rules decide whom Acme writes to, when, and why not" }
            p.lead {
                "Acme is a made-up product. Its people sign up, stall, pay, forget to pay and stay away, and time is "
                "quickened so that you see it. Everything else is real: the service is the one that "
                code { "outreach run" } " starts, each decision is in its ledger with its reason, each mail came over SMTP."
            }
            ol.steps {
                (step("/", "Live", "What comes in, what is decided",
                    "Events of people on one side; on the other each decision, yes or no, with its reason in words."))
                (step("/rules", "Rules", "What was asked for",
                    "Five rules, each in a sentence, with its funnel: who came in, who was refused and why, what was sent."))
                (step("/mail", "Mailbox", "What arrives",
                    "The mails as their recipients see them, as text, and to the last header."))
                (step("/product", "Product", "What the user sees",
                    "Acme itself, with its inbox of messages. Be one of its users, and do something."))
            }
            (tries(world))
        }
    }
}

fn step(href: &str, place: &str, title: &str, text: &str) -> Markup {
    html! {
        li.card {
            h2 { (title) }
            p { (text) }
            p { a href=(href) { "Open " (place) } }
        }
    }
}

fn tries(world: &World) -> Markup {
    let link = |at: usize| {
        let actor = &world.cast[at];
        html! { a href={ "/product?person=" (actor.id) } { (actor.who.name()) } }
    };
    html! {
        section.tries {
            h2 { "Try this" }
            ol {
                li {
                    strong { "A mail that does not come. " }
                    (link(0)) " began a trial two hours ago. Three days without a project would bring a mail. Make a "
                    "project for " (world.cast[0].who.first_name) ", let three days pass: the wait is over, and no mail comes."
                }
                li {
                    strong { "A mail that must come. " }
                    "Two payments of " (link(1)) " failed today. Let a third one fail: the mail leaves at once, at night too. An hour "
                    "later a banner stands in the product, unless the payment succeeds before."
                }
                li {
                    strong { "A word that is kept. " }
                    "Sign up as " (link(3)) ", confirm the address, then unsubscribe by the mail. What comes next is decided, refused, and says why."
                }
            }
        }
    }
}
