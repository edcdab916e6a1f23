//! Handlebars and MJML: what a message says.
