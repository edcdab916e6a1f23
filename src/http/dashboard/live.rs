//! What happens now: events as they come, decisions as they fall.

use super::shell::{Page, Shell};
use axum::response::Response;
use maud::html;

pub(super) async fn page(shell: Shell) -> Response {
    shell.show(Page::new("Live", html! { h1 { "Live" } }))
}
