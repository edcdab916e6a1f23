//! How addresses are compared.

/// The form under which an address is suppressed and counted: lower case throughout, without spaces around it.
///
/// RFC 5321 lets the part before the `@` tell upper from lower case, and no mail system does: whoever unsubscribed as
/// `Ada@Example.com` does not want mail as `ada@example.com`. What is sent to is the address as it was given.
pub fn fold_address(address: &str) -> String {
    address.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_and_lower_case_are_one_address() {
        assert_eq!(fold_address(" Ada.L@Example.COM "), "ada.l@example.com");
        assert_eq!(fold_address(""), "");
    }
}
