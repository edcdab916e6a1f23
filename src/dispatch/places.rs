//! How many messages may be leaving at a time, each channel for itself: a mail server that hangs keeps no message in the
//! product.

use super::Limits;
use outreach_engine::effect::Channel;

/// A number of messages, by channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    pub email: usize,
    pub in_product: usize,
}

/// Enough for one transaction; they are kept in the next, and a crash between makes none unknown.
const IN_PRODUCT_MAX: usize = 64;

impl Places {
    /// All that there are.
    pub fn all(limits: &Limits) -> Places {
        Places { email: limits.leaving_max, in_product: IN_PRODUCT_MAX }
    }

    pub fn of(&self, channel: Channel) -> usize {
        match channel {
            Channel::Email => self.email,
            Channel::InProduct => self.in_product,
        }
    }

    pub fn of_mut(&mut self, channel: Channel) -> &mut usize {
        match channel {
            Channel::Email => &mut self.email,
            Channel::InProduct => &mut self.in_product,
        }
    }

    /// What is left of these when `taken` are taken.
    pub fn without(self, taken: Places) -> Places {
        Places {
            email: self.email.saturating_sub(taken.email),
            in_product: self.in_product.saturating_sub(taken.in_product),
        }
    }

    pub fn count(&self) -> usize {
        self.email + self.in_product
    }
}
