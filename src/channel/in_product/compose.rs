//! The form in which an in-product message is kept: JSON with sorted keys, the same bytes each time.

use crate::template::InProduct;
use serde_json::json;

/// The message as the ledger keeps it: `title`, `body`, `kind`, and `action` (`label`, `url`) where there is one.
pub fn compose(message: &InProduct) -> String {
    let mut kept = json!({
        "title": message.title,
        "body": message.body,
        "kind": message.kind.as_str(),
    });
    if let Some(action) = &message.action {
        kept["action"] = json!({ "label": action.label, "url": action.url });
    }
    kept.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Action, InProductKind};

    #[test]
    fn a_message_is_kept_with_all_that_a_product_shows() {
        let message = InProduct {
            title: "Two steps left".into(),
            body: "Name a \"project\"".into(),
            action: Some(Action { label: "Go on".into(), url: "/projects/new".into() }),
            kind: InProductKind::Card,
        };
        let kept = compose(&message);
        let read: serde_json::Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(read["title"], "Two steps left");
        assert_eq!(read["body"], "Name a \"project\"");
        assert_eq!(read["action"]["url"], "/projects/new");
        assert_eq!(read["kind"], "card");
        assert_eq!(kept, compose(&message));
        let bare = compose(&InProduct { action: None, ..message });
        assert!(!bare.contains("action"));
    }
}
