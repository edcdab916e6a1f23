//! The demo's clock, and the buttons that let time pass.

use super::super::world::World;
use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use outreach_engine::Length;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Filled {
    pass: Pass,
    back: Back,
}

/// What a button does to time.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pass {
    Hour,
    Day,
    ThreeDays,
    Stop,
    GoOn,
}

/// Where the button stood.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Back {
    Demo,
    Mail,
    Product,
}

impl Back {
    fn name(self) -> &'static str {
        match self {
            Back::Demo => "demo",
            Back::Mail => "mail",
            Back::Product => "product",
        }
    }
}

/// What the clock shows, for the script that keeps it true.
pub(super) async fn now(State(world): State<Arc<World>>) -> Markup {
    shown(&world)
}

pub(super) async fn pass(State(world): State<Arc<World>>, Form(filled): Form<Filled>) -> Redirect {
    match filled.pass {
        Pass::Hour => world.time.skip(Length::hours(1)),
        Pass::Day => world.time.skip(Length::days(1)),
        Pass::ThreeDays => world.time.skip(Length::days(3)),
        Pass::Stop => world.time.set_still(true),
        Pass::GoOn => world.time.set_still(false),
    }
    Redirect::to(&format!("/{}", filled.back.name()))
}

/// The bar at the head of the demo's pages.
pub(super) fn bar(world: &World, back: Back) -> Markup {
    let button = |pass: &str, label: &str| {
        html! { button.quiet type="submit" name="pass" value=(pass) { (label) } }
    };
    html! {
        section.clock aria-label="The demo's clock" {
            div.hands data-keep="/demo/clock" { (shown(world)) }
            form method="post" action="/demo/time" data-stay {
                input type="hidden" name="back" value=(back.name());
                span.quiet { "Let pass" }
                (button("hour", "an hour"))
                (button("day", "a day"))
                (button("three-days", "three days"))
                (button("stop", "Stop time"))
                (button("go-on", "Go on"))
            }
        }
    }
}

fn shown(world: &World) -> Markup {
    let at = world.time.now().to_jiff();
    let speed = world.time.speed();
    html! {
        p {
            time.hour datetime=(at) { (at.strftime("%a %-d %b, %H:%M UTC")) }
            " "
            span.quiet {
                @if world.time.is_still() { "Time goes as it does outside." }
                @else if speed > Length::seconds(1) { "A second is " (speed) "." }
                @else { "Time as it is." }
            }
        }
    }
}
