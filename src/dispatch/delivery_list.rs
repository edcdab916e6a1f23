//! `deliver_only_to`: keeps a staging system from reaching customers.

/// Whom messages may go to: nobody when empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryList {
    /// Lower case: `*`, `*@acme.example`, or an address.
    patterns: Vec<String>,
}

impl DeliveryList {
    /// Patterns as in outreach.toml: `"*"` is everybody, `"*@acme.example"` a domain, else one address.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> DeliveryList {
        DeliveryList { patterns: patterns.into_iter().map(|pattern| pattern.trim().to_lowercase()).collect() }
    }

    pub fn contains(&self, address: &str) -> bool {
        let address = address.trim().to_lowercase();
        self.patterns.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some("") => true,
            Some(domain) => domain.starts_with('@') && address.ends_with(domain),
            None => *pattern == address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_a_domain_an_address_or_everybody() {
        let list = |patterns: &[&str]| DeliveryList::new(patterns.iter().map(ToString::to_string));
        assert!(!list(&[]).contains("ada@acme.example"));
        assert!(list(&["*@Acme.example"]).contains("Ada@acme.EXAMPLE"));
        assert!(!list(&["*@acme.example"]).contains("ada@notacme.example"));
        assert!(!list(&["*acme.example"]).contains("ada@acme.example"));
        assert!(list(&["ada@acme.example"]).contains("ada@acme.example"));
        assert!(list(&["*"]).contains("anybody@anywhere.example"));
    }
}
