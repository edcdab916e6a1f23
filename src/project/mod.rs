//! A team's folder as one thing: outreach.toml, rules, templates; cross-checked, and made into releases.
