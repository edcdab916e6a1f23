//! The clock of everything that acts. The engine has none: it is told the time by ticks.

use outreach_engine::Timestamp;
use std::sync::Arc;

/// What time it is. Tests and the simulation give their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub fn system() -> Clock {
    Arc::new(|| jiff::Timestamp::now().into())
}
