//! Values of events and people, as conditions compare them.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A scalar or an array. Objects are reached by longer paths and are no values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// NFC.
    Text(Box<str>),
    List(Vec<Value>),
}

impl Value {
    /// Equality of rules.md: numbers as numbers (`10 = 10.0`), texts after NFC, no coercion between kinds.
    pub fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                self.compare_number(other) == Some(Ordering::Equal)
            }
            (Value::List(these), Value::List(those)) => {
                these.len() == those.len() && these.iter().zip(those).all(|(this, that)| this.equals(that))
            }
            (this, that) => this == that,
        }
    }

    /// The order of two numbers, exact for all integers; nothing where one is no number, or is NaN.
    pub fn compare_number(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Int(this), Value::Int(that)) => Some(this.cmp(that)),
            (Value::Int(this), Value::Float(that)) => compare_exactly(*this, *that),
            (Value::Float(this), Value::Int(that)) => compare_exactly(*that, *this).map(Ordering::reverse),
            (Value::Float(this), Value::Float(that)) => this.partial_cmp(that),
            _ => None,
        }
    }
}

/// 2^63 as a float: the first that is above every `i64`.
const ABOVE_ALL_INTS: f64 = 9_223_372_036_854_775_808.0;

fn compare_exactly(int: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        None
    } else if float >= ABOVE_ALL_INTS {
        Some(Ordering::Less)
    } else if float < -ABOVE_ALL_INTS {
        Some(Ordering::Greater)
    } else {
        // Whole part first: it fits, and is exact; then what stands behind the point decides.
        let whole = float.trunc() as i64;
        int.cmp(&whole).then(0.0f64.partial_cmp(&(float - float.trunc()))?).into()
    }
}

/// Text in NFC, the form in which texts are compared (rules.md, "Conditions").
pub fn normalized(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers_and_texts_are_none() {
        assert!(Value::Int(10).equals(&Value::Float(10.0)));
        assert!(!Value::Int(10).equals(&Value::Text("10".into())));
        assert_eq!(Value::Int(10).compare_number(&Value::Float(10.5)), Some(Ordering::Less));
        assert_eq!(Value::Int(-10).compare_number(&Value::Float(-10.5)), Some(Ordering::Greater));
        assert_eq!(Value::Int(i64::MAX).compare_number(&Value::Float(ABOVE_ALL_INTS)), Some(Ordering::Less));
        assert!(!Value::Int(9_007_199_254_740_993).equals(&Value::Float(9_007_199_254_740_992.0)));
    }
}
