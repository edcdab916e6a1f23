//! Which columns of one file go into which fields, and a row's event as the JSON that all doors read.
//!
//! Columns in Segment's names are taken by their names, also a path such as `properties.total`; what `--map` names comes
//! before that. An event is written as one JSON object, so that the one parser says what an event is.

use super::cell::{self, Cell, Role};
use super::mapping::{BAGS, Entry, FIELDS, From, Mapping, ReadAs};
use outreach_engine::event::Malformed;
use outreach_engine::rule::document::closest;

/// What a file with columns gives of its current row.
pub trait Cells {
    /// The value of a column; behind `inside`, of what stands in it.
    fn cell(&self, column: usize, inside: &[String]) -> Result<Cell<'_>, Malformed>;
}

/// The fields of an event, bound to the columns of a file.
#[derive(Debug)]
pub struct Plan {
    slots: Vec<Slot>,
    /// A file of one kind of event need not say that its events are tracks.
    is_track: bool,
}

#[derive(Debug)]
struct Slot {
    name: String,
    /// `"name":`
    key: String,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Column(Column, Role),
    /// Checked JSON.
    Constant(String),
    /// Members, and the object that they are added to.
    Bag(Vec<Slot>, Option<Column>),
}

#[derive(Clone, Debug)]
struct Column {
    index: usize,
    inside: Vec<String>,
    label: String,
    read_as: Option<ReadAs>,
}

/// What a file allows.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Columns may hold objects, so `a.b` may be the `b` in the column `a`.
    pub is_nested: bool,
    /// All columns are known, so one that is missing is an error.
    pub is_closed: bool,
}

impl Plan {
    /// Binds `columns`; in words, why that cannot be.
    pub fn bind(mapping: &Mapping, columns: &[String], shape: Shape) -> Result<Plan, String> {
        let mut plan = Plan { slots: Vec::new(), is_track: false };
        let mut used = Vec::new();
        for Entry { field, from } in &mapping.0 {
            let node = match from {
                From::Constant(text) => {
                    let mut json = String::new();
                    cell::quote(text, &mut json);
                    Node::Constant(json)
                }
                From::Column { name, read_as } => {
                    let Some(column) = find(columns, name, shape.is_nested) else {
                        if shape.is_closed {
                            return Err(no_column(&field.join("."), name, columns));
                        }
                        continue;
                    };
                    used.push(column.index);
                    Node::Column(Column { read_as: *read_as, ..column }, role(field))
                }
                From::Rest => continue,
            };
            plan.put(field, node);
        }
        plan.take_by_name(columns, &mut used)?;
        for Entry { field, from } in &mapping.0 {
            if *from == From::Rest {
                plan.take_rest(field, columns, &used);
            }
        }
        if shape.is_closed {
            plan.check_complete(columns)?;
        }
        plan.is_track = !plan.has("type") && plan.has("event");
        Ok(plan)
    }

    /// Columns in Segment's names, where nothing was said of their fields.
    fn take_by_name(&mut self, columns: &[String], used: &mut Vec<usize>) -> Result<(), String> {
        let mut taken: Vec<(Vec<String>, &str)> = Vec::new();
        for (index, name) in columns.iter().enumerate() {
            let Some(field) = segment_field(name) else { continue };
            if let Some((_, other)) = taken.iter().find(|(taken, _)| *taken == field) {
                let field = field.join(".");
                return Err(format!(
                    "the columns `{other}` and `{name}` are both {field}: say which it is, --map {field}=COLUMN"
                ));
            }
            if self.is_said(&field) {
                continue;
            }
            used.push(index);
            let column = Column { index, inside: Vec::new(), label: name.clone(), read_as: None };
            self.put(&field, Node::Column(column, role(&field)));
            taken.push((field, name));
        }
        Ok(())
    }

    fn take_rest(&mut self, field: &[String], columns: &[String], used: &[usize]) {
        for (index, name) in columns.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
            let column = Column { index, inside: Vec::new(), label: name.clone(), read_as: None };
            let field: Vec<String> = field.iter().cloned().chain([name.clone()]).collect();
            if !self.is_said(&field) {
                self.put(&field, Node::Column(column, Role::Value));
            }
        }
    }

    /// A person, a time, and a kind of event; else it is a file of something else.
    fn check_complete(&self, columns: &[String]) -> Result<(), String> {
        let needed: [(&[&str], &str); 3] = [
            (&["userId", "anonymousId"], "whom an event is about: userId or anonymousId"),
            (&["timestamp", "originalTimestamp"], "when it happened: timestamp"),
            (&["type", "event"], "what happened: type or event"),
        ];
        for (fields, what) in needed {
            if fields.iter().any(|field| self.has(field)) {
                continue;
            }
            let meant = fields.iter().find_map(|field| {
                let near = columns.iter().find(|name| name.eq_ignore_ascii_case(field)).map(String::as_str);
                let near = near.or_else(|| closest(field, columns.iter().map(String::as_str)))?;
                Some(format!("; did you mean --map {field}={near}?"))
            });
            return Err(format!(
                "expected a column that says {what}; found {}{}",
                listed(columns),
                meant.unwrap_or_else(|| format!("; say which it is: --map {}=COLUMN", fields[0]))
            ));
        }
        Ok(())
    }

    fn has(&self, field: &str) -> bool {
        self.slots.iter().any(|slot| slot.name == field)
    }

    /// Whether something is bound to the field, to one around it, or to one inside it.
    fn is_said(&self, field: &[String]) -> bool {
        let mut slots = &self.slots;
        for (depth, name) in field.iter().enumerate() {
            let Some(slot) = slots.iter().find(|slot| slot.name == *name) else { return false };
            match &slot.node {
                Node::Column(..) | Node::Constant(_) => return true,
                // Members are added to a bag that is a column.
                Node::Bag(_, whole) if depth + 1 == field.len() => return whole.is_some() || depth > 0,
                Node::Bag(members, _) => slots = members,
            }
        }
        false
    }

    fn put(&mut self, field: &[String], node: Node) {
        let mut slots = &mut self.slots;
        let (last, outer) = field.split_last().expect("a field has a name");
        for name in outer {
            slots = match &mut slot(slots, name).node {
                Node::Bag(members, _) => members,
                Node::Column(..) | Node::Constant(_) => return,
            };
        }
        let is_bag = outer.is_empty() && BAGS.contains(&last.as_str());
        match node {
            Node::Column(column, _) if is_bag => {
                if let Node::Bag(_, whole) = &mut slot(slots, last).node {
                    *whole = Some(column);
                }
            }
            node => slot(slots, last).node = node,
        }
    }

    /// All columns that are read.
    pub fn columns(&self) -> Vec<usize> {
        fn of(slots: &[Slot], all: &mut Vec<usize>) {
            for slot in slots {
                match &slot.node {
                    Node::Column(column, _) => all.push(column.index),
                    Node::Constant(_) => {}
                    Node::Bag(members, whole) => {
                        all.extend(whole.iter().map(|column| column.index));
                        of(members, all);
                    }
                }
            }
        }
        let mut all = Vec::new();
        of(&self.slots, &mut all);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Writes the event of the current row over `out`.
    pub fn write(&self, cells: &dyn Cells, out: &mut String) -> Result<(), Malformed> {
        out.clear();
        out.push_str(if self.is_track { "{\"type\":\"track\"," } else { "{" });
        write_slots(&self.slots, cells, out)?;
        close(out);
        Ok(())
    }

    /// Names the column in a fault of an event that came of it.
    pub fn name_column(&self, mut malformed: Malformed) -> Malformed {
        for slot in &self.slots {
            let column = match &slot.node {
                Node::Column(column, _) | Node::Bag(_, Some(column)) => column,
                Node::Bag(_, None) | Node::Constant(_) => continue,
            };
            let is_of = malformed.message.strip_prefix("expected ").is_some_and(|rest| {
                rest.strip_prefix(slot.name.as_str()).is_some_and(|rest| rest.starts_with(' '))
            });
            if is_of && column.label != slot.name {
                malformed.message = format!("column `{}`: {}", column.label, malformed.message);
            }
        }
        malformed
    }
}

fn slot<'s>(slots: &'s mut Vec<Slot>, name: &str) -> &'s mut Slot {
    let at = slots.iter().position(|slot| slot.name == name).unwrap_or_else(|| {
        let mut key = String::new();
        cell::quote(name, &mut key);
        key.push(':');
        slots.push(Slot { name: name.to_owned(), key, node: Node::Bag(Vec::new(), None) });
        slots.len() - 1
    });
    &mut slots[at]
}

/// Appends members, each with a comma behind it.
fn write_slots(slots: &[Slot], cells: &dyn Cells, out: &mut String) -> Result<(), Malformed> {
    for slot in slots {
        let start = out.len();
        out.push_str(&slot.key);
        let is_there = match &slot.node {
            Node::Constant(json) => {
                out.push_str(json);
                true
            }
            Node::Column(column, role) => column.write(*role, cells, out)?,
            Node::Bag(members, Some(whole)) if members.is_empty() => whole.write(Role::Bag, cells, out)?,
            Node::Bag(members, whole) => {
                out.push('{');
                write_slots(members, cells, out)?;
                if let Some(whole) = whole {
                    write_rest_of(whole, members, cells, out)?;
                }
                let is_there = !out.ends_with('{');
                close(out);
                is_there
            }
        };
        if is_there {
            out.push(',');
        } else {
            out.truncate(start);
        }
    }
    Ok(())
}

/// What an object has beside the members that stand there already.
fn write_rest_of(
    whole: &Column,
    members: &[Slot],
    cells: &dyn Cells,
    out: &mut String,
) -> Result<(), Malformed> {
    let mut object = String::new();
    if !whole.write(Role::Bag, cells, &mut object)? || !object.starts_with('{') {
        return Ok(());
    }
    for (key, value) in sonic_rs::to_object_iter(&object).map_while(Result::ok) {
        if !members.iter().any(|member| member.name == *key) {
            cell::quote(&key, out);
            out.push(':');
            out.push_str(&value.as_raw_cow());
            out.push(',');
        }
    }
    Ok(())
}

fn close(out: &mut String) {
    if out.ends_with(',') {
        out.pop();
    }
    out.push('}');
}

impl Column {
    fn write(&self, role: Role, cells: &dyn Cells, out: &mut String) -> Result<bool, Malformed> {
        let cell = cells.cell(self.index, &self.inside);
        cell.and_then(|cell| cell.write(role, self.read_as, out)).map_err(|malformed| Malformed {
            message: format!("column `{}`: {}", self.label, malformed.message),
            ..malformed
        })
    }
}

fn role(field: &[String]) -> Role {
    let is_time = |name: &str| matches!(name, "timestamp" | "originalTimestamp" | "sentAt" | "receivedAt");
    match field {
        [name] if is_time(name) => Role::Time,
        [name] if BAGS.contains(&name.as_str()) => Role::Bag,
        _ => Role::Value,
    }
}

/// The field that a column's own name says.
pub fn segment_field(column: &str) -> Option<Vec<String>> {
    if let Some((camel, _)) = FIELDS.iter().find(|(camel, snake)| column == *camel || column == *snake) {
        return Some(vec![(*camel).to_owned()]);
    }
    let names: Vec<&str> = column.split('.').collect();
    let is_inside = BAGS.contains(&names[0]) && names.iter().all(|name| !name.is_empty());
    is_inside.then(|| names.into_iter().map(str::to_owned).collect())
}

/// A column by its name; else what stands inside one.
fn find(columns: &[String], name: &str, is_nested: bool) -> Option<Column> {
    let at = |name: &str| columns.iter().position(|column| column == name);
    let column = |index, inside| Column { index, inside, label: name.to_owned(), read_as: None };
    if let Some(index) = at(name) {
        return Some(column(index, Vec::new()));
    }
    name.match_indices('.').filter(|_| is_nested).find_map(|(dot, _)| {
        let inside = name[dot + 1..].split('.').map(str::to_owned).collect();
        at(&name[..dot]).map(|index| column(index, inside))
    })
}

/// Why `--map` cannot be followed.
pub fn no_column(field: &str, name: &str, columns: &[String]) -> String {
    let near = columns.iter().find(|column| column.eq_ignore_ascii_case(name)).map(String::as_str);
    let hint = match near.or_else(|| closest(name, columns.iter().map(String::as_str))) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; a constant keeps its quotes in quotes for the shell: --map '{field}=\"{name}\"'"),
    };
    format!("--map {field}={name}: there is no column `{name}`; found {}{hint}", listed(columns))
}

fn listed(columns: &[String]) -> String {
    /// A wide table would fill the screen.
    const NAMES_MAX: usize = 20;
    let names: Vec<String> = columns.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = columns.len().saturating_sub(NAMES_MAX);
    match (names.is_empty(), more) {
        (true, _) => "no columns".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(Vec<&'static str>);

    impl Cells for Row {
        fn cell(&self, column: usize, _: &[String]) -> Result<Cell<'_>, Malformed> {
            Ok(match self.0[column] {
                "" => Cell::Absent,
                text => Cell::Text(text.into()),
            })
        }
    }

    const TABLE: Shape = Shape { is_nested: false, is_closed: true };

    fn bind(mapping: &str, columns: &[&str]) -> Result<Plan, String> {
        let mapping = if mapping.is_empty() { Mapping::default() } else { mapping.parse().unwrap() };
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        Plan::bind(&mapping, &columns, TABLE)
    }

    fn event(mapping: &str, columns: &[&str], row: &[&'static str]) -> String {
        let mut out = String::new();
        bind(mapping, columns).unwrap().write(&Row(row.to_vec()), &mut out).unwrap();
        out
    }

    #[test]
    fn columns_in_segments_names_need_no_mapping() {
        let columns = ["type", "user_id", "timestamp", "properties", "traits.a.b", "other"];
        assert_eq!(
            event("", &columns, &["track", "7", "2026-03-02T10:00:00Z", r#"{"x":1}"#, "v", "o"]),
            r#"{"type":"track","userId":"7","timestamp":"2026-03-02T10:00:00Z","properties":{"x":1},"traits":{"a":{"b":"v"}}}"#
        );
        assert_eq!(event("", &columns, &["track", "", "", "", "", ""]), r#"{"type":"track"}"#);
    }

    #[test]
    fn members_are_added_to_an_object_and_come_before_its_own() {
        let columns = ["userId", "timestamp", "properties", "total", "note"];
        let mapping = r#"event="Order Completed",properties.total=total:number,properties=*"#;
        assert_eq!(
            event(mapping, &columns, &["a", "2026-03-02T10:00:00Z", r#"{"total":"x","y":[1]}"#, "12.5", "n"]),
            r#"{"type":"track","event":"Order Completed","properties":{"total":12.5,"note":"n","y":[1]},"userId":"a","timestamp":"2026-03-02T10:00:00Z"}"#
        );
    }

    #[test]
    fn what_a_file_lacks_is_told_with_what_it_has() {
        let table: [(&str, &[&str], &str); 6] = [
            (
                "",
                &["customer_id", "at", "event"],
                "userId or anonymousId; found `customer_id`, `at`, `event`; say which it is: --map userId=COLUMN",
            ),
            ("", &["UserID", "timestamp", "event"], "did you mean --map userId=UserID?"),
            (
                "userId=customer",
                &["customers", "timestamp", "event"],
                "no column `customer`; found `customers`, `timestamp`, `event`; did you mean `customers`?",
            ),
            ("event=Order Completed", &["userId", "timestamp"], "--map 'event=\"Order Completed\"'"),
            (
                "",
                &["userId", "user_id", "timestamp", "event"],
                "the columns `userId` and `user_id` are both userId",
            ),
            ("userId=a", &["a", "when", "event"], "when it happened: timestamp"),
        ];
        for (mapping, columns, expected) in table {
            let told = bind(mapping, columns).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }
}
