//! `event = "Plan Upgraded"`: it happens.

use super::{Met, Noticed, has_entered_for_ever, is_new_occurrence};
use crate::state::Case;

pub(crate) fn notice(case: &mut Case, met: &Met<'_>) -> Noticed {
    if !is_new_occurrence(case, met) {
        Noticed::Nothing
    } else if has_entered_for_ever(case, met) {
        Noticed::OnceEver(met.order.0)
    } else {
        Noticed::Holds(Box::new((met.occurrence)()))
    }
}
