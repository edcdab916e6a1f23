//! `outreach replay` over files with columns: CSV and Parquet as others write them, and `--map`.

use super::world::service::Project;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

const SETTINGS: &str = "[topics.news]\nname = \"News\"\n";
/// A big order of a member: numbers and booleans count as such, and a member of a list.
const BIG: &str = r#"
name = "Big"
description = "A big order."
topic = "news"
[trigger]
event = "Order Completed"
where = { "properties.total" = { gte = 100 }, "properties.member" = true, "properties.ship.city" = "Oslo" }
[limits]
once_per = "always"
[[step]]
in_product = "card"
"#;

fn project() -> Project {
    let project = Project::new(SETTINGS);
    project.write("rules/big.toml", BIG);
    project.write("templates/card/in_product.toml", "kind = \"card\"\ntitle = \"Hi\"\nbody = \"There\"\n");
    project.write("templates/card/sample.json", "{}");
    project
}

fn replay(project: &Project, file: &str, more: &[&str]) -> Output {
    project.run(&[&["replay", file, "--out", "out.ndjson", "--rejects", "rejects.ndjson"][..], more].concat())
}

fn rows(project: &Project, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(project.path().join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// User and time of each decision.
fn decided(project: &Project) -> Vec<String> {
    let of = |row: &Value| format!("{} {}", row["user"].as_str().unwrap(), row["due_at"].as_str().unwrap());
    rows(project, "out.ndjson").iter().map(of).collect()
}

/// Place, code and reason of each reject.
fn rejects(project: &Project) -> Vec<String> {
    let of = |row: &Value| {
        let place = if row["line"].is_null() { &row["row"] } else { &row["line"] };
        format!("{place} {} {}", row["code"].as_str().unwrap(), row["reason"].as_str().unwrap())
    };
    rows(project, "rejects.ndjson").iter().map(of).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Takes what is there to be exactly this, or to hold it.
fn assert_each_holds(found: &[String], expected: &[&str]) {
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found:?} does not hold {expected:?}");
    }
}

#[test]
fn a_table_of_orders_becomes_events_by_a_map_and_what_is_none_is_told_by_its_line() {
    let project = project();
    let orders = "\u{feff}Customer;When;Amount;Member;City\r\n\
        1;2026-03-02 10:00:00;150;yes;Oslo\r\n\
        2;2026-03-02 10:00:00;99.99;yes;Oslo\r\n\
        3;2026-03-02 10:00:00;a lot;yes;Oslo\r\n\
        4;yesterday;150;yes;Oslo\r\n\
        ;2026-03-02 10:00:00;150;yes;Oslo\r\n\
        6;2026-03-02 10:00:00;150;yes\r\n\
        7;2026-03-02 10:00:00;1000;yes;\"Os\r\nlo\"\r\n\
        8;2026-03-02T12:00:00+01:00;1000;1;Oslo\r\n";
    project.write("orders.csv", orders);
    let map = [
        "--map",
        "userId=Customer,timestamp=When:utc,event=\"Order Completed\"",
        "--map",
        "properties.total=Amount:number,properties.member=Member:boolean,properties.ship.city=City",
    ];
    let output = replay(&project, "orders.csv", &map);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(decided(&project), ["1 2026-03-02T10:00:00.000000Z", "8 2026-03-02T11:00:00.000000Z"]);
    let expected = [
        "4 wrong-type column `Amount`: expected a number such as 12.5, found \"a lot\"",
        "5 bad-time column `When`: expected a time such as 2026-03-02 10:00:00, found \"yesterday\"",
        "6 no-id expected userId or anonymousId",
        "7 malformed-csv expected 5 cells as in the header, found 4",
    ];
    assert_each_holds(&rejects(&project), &expected);
    assert!(stderr(&output).contains("first orders.csv:4: column `Amount`"), "{}", stderr(&output));
}

#[test]
fn a_map_that_does_not_fit_the_file_is_told_with_what_was_meant() {
    let project = project();
    project.write("orders.csv", "customer_id,at,event\n1,1772445600000,Order Completed\n");
    project
        .write("orders.ndjson", "{\"customer_id\":1,\"at\":1772445600000,\"event\":\"Order Completed\"}\n");
    let table = [
        (
            "orders.csv",
            "",
            3,
            "orders.csv: expected a column that says whom an event is about: userId or anonymousId",
        ),
        (
            "orders.csv",
            "userId=customer",
            3,
            "there is no column `customer`; found `customer_id`, `at`, `event`",
        ),
        ("orders.csv", "userId=customer-id,timestamp=at", 3, "did you mean `customer_id`?"),
        ("orders.ndjson", "userId=customer-id,timestamp=at:ms", 3, "did you mean `customer_id`?"),
        ("orders.csv", "event=Order Completed,userId=customer_id", 3, "--map 'event=\"Order Completed\"'"),
        ("orders.csv", "user=customer_id", 2, "`user` is no field of an event"),
        ("orders.csv", "userId", 2, "expected FIELD=COLUMN such as `userId=customer_id`"),
    ];
    for (file, map, code, expected) in table {
        let more = if map.is_empty() { vec![] } else { vec!["--map", map] };
        let output = replay(&project, file, &more);
        assert_eq!(output.status.code(), Some(code), "{map}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{map}: {}", stderr(&output));
    }
    // A whole number tells no unit.
    let map = ["--map", "userId=customer_id,timestamp=at"];
    for file in ["orders.csv", "orders.ndjson"] {
        replay(&project, file, &map);
        assert_each_holds(&rejects(&project), &["1772445600000"]);
        assert!(rejects(&project)[0].contains("`at`") && rejects(&project)[0].contains(":ms"), "{file}");
    }
}

#[test]
fn keys_of_ndjson_have_a_map_too_and_bags_may_be_json_text() {
    let project = project();
    let lines = [
        r#"{"who":{"id":7},"at":1772445600,"what":"Order Completed","total":150,"member":true,"ship":{"city":"Oslo"}}"#,
        r#"{"who":{"id":8},"at":1772445600,"what":"Order Completed","total":"150","member":true,"ship":{"city":"Oslo"}}"#,
        r#"{"who":{},"at":1772445600,"what":"Order Completed"}"#,
        r#"{"who":{"id":9},"who":{"id":9},"at":1772445600}"#,
    ];
    project.write("events.ndjson", &lines.join("\n"));
    let map = ["--map", "userId=who.id,timestamp=at:s,event=what,properties=*"];
    let output = replay(&project, "events.ndjson", &map);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(decided(&project), ["7 2026-03-02T10:00:00.000000Z"]);
    assert_each_holds(
        &rejects(&project),
        &["3 no-id", "4 duplicate-key expected each key once, found `who` twice"],
    );

    let text = r#"{"type":"track","event":"Order Completed","user_id":"a","timestamp":"2026-03-02T10:00:00Z","properties":"{\"total\":100,\"member\":true,\"ship\":{\"city\":\"Oslo\"}}"}
{"type":"track","event":"Order Completed","user_id":"a","timestamp":"2026-03-02T10:00:00Z","properties":"[1]"}
{"type":"track","event":"Order Completed","user_id":"a","timestamp":"2026-03-02T10:00:00Z","properties":"{},\"userId\":\"b\""}"#;
    project.write("events.ndjson", text);
    replay(&project, "events.ndjson", &[]);
    assert_eq!(decided(&project), ["a 2026-03-02T10:00:00.000000Z"]);
    let expected = ["2 wrong-type expected properties to be an object, found an array", "3 malformed-json"];
    assert_each_holds(&rejects(&project), &expected);
}

fn column(name: &str, of: Physical, logical: Option<LogicalType>) -> TypePtr {
    let mut builder = Type::primitive_type_builder(name, of).with_repetition(Repetition::REQUIRED);
    if let Some(LogicalType::Decimal(about)) = &logical {
        builder = builder.with_precision(about.precision).with_scale(about.scale);
    }
    Arc::new(builder.with_logical_type(logical).build().unwrap())
}

fn group(name: &str, of: Vec<TypePtr>) -> TypePtr {
    Arc::new(
        Type::group_type_builder(name).with_repetition(Repetition::REQUIRED).with_fields(of).build().unwrap(),
    )
}

fn write<T: parquet::data_type::DataType>(group: &mut SerializedRowGroupWriter<'_, File>, values: &[T::T]) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, None, None).unwrap();
    column.close().unwrap();
}

/// Three rows a group, two groups: structs, whole numbers, floats with NaN, times of four kinds.
fn write_table(path: &Path) {
    let time = |is_utc, unit| Some(LogicalType::timestamp(is_utc, unit));
    let ship = group(
        "ship",
        vec![
            column("city", Physical::BYTE_ARRAY, Some(LogicalType::String)),
            column("on", Physical::INT32, Some(LogicalType::Date)),
        ],
    );
    let properties = group(
        "properties",
        vec![
            column("total", Physical::INT32, Some(LogicalType::decimal(2, 9))),
            column("member", Physical::BOOLEAN, None),
            ship,
        ],
    );
    let columns = vec![
        column("customer", Physical::DOUBLE, None),
        column("timestamp", Physical::INT64, time(true, TimeUnit::NANOS)),
        column("local", Physical::INT64, time(false, TimeUnit::MILLIS)),
        column("seconds", Physical::INT64, None),
        column("event", Physical::BYTE_ARRAY, None),
        properties,
    ];
    let schema = Type::group_type_builder("orders").with_fields(columns).build().unwrap();
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
    let texts = |text: &str| [text, text, text].map(ByteArray::from);
    for (first, at) in [(1.0, 1_772_445_600_i64), (4.0, 1_772_449_200)] {
        let mut group = writer.next_row_group().unwrap();
        write::<DoubleType>(&mut group, &[first, f64::NAN, first + 1.0]);
        write::<Int64Type>(&mut group, &[at * 1_000_000_000 + 999; 3]);
        write::<Int64Type>(&mut group, &[at * 1_000 + 5; 3]);
        write::<Int64Type>(&mut group, &[at; 3]);
        write::<ByteArrayType>(&mut group, &texts("Order Completed"));
        write::<Int32Type>(&mut group, &[10_000, 10_000, 9_999]);
        write::<parquet::data_type::BoolType>(&mut group, &[true; 3]);
        write::<ByteArrayType>(&mut group, &texts("Oslo"));
        write::<Int32Type>(&mut group, &[20_514; 3]);
        group.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn parquet_with_structs_floats_for_ids_and_times_of_any_unit_is_read() {
    let project = project();
    write_table(&project.path().join("orders.parquet"));
    let output = replay(&project, "orders.parquet", &["--map", "userId=customer"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(decided(&project), ["1 2026-03-02T10:00:00.000000Z", "4 2026-03-02T11:00:00.000000Z"]);
    assert_each_holds(&rejects(&project), &["2 no-id", "5 no-id"]);
    let listed = rows(&project, "rejects.ndjson");
    assert_eq!((listed[0]["row"].as_u64(), listed[0].get("line")), (Some(2), None));

    replay(&project, "orders.parquet", &["--map", "userId=customer,timestamp=seconds:s"]);
    assert_eq!(decided(&project).len(), 2);
    replay(&project, "orders.parquet", &["--map", "userId=properties.ship.city,timestamp=local:utc"]);
    let oslo = ["Oslo 2026-03-02T10:00:00.005000Z", "Oslo 2026-03-02T11:00:00.005000Z"];
    assert_eq!(decided(&project), [oslo[0], oslo[0], oslo[1], oslo[1]]);
    // Nobody knows when a time without an offset was.
    replay(&project, "orders.parquet", &["--map", "userId=customer,timestamp=local"]);
    assert!(rejects(&project)[0].contains("1 bad-time column `local`"), "{:?}", rejects(&project));
    assert!(rejects(&project)[0].contains(":utc"));
    replay(&project, "orders.parquet", &["--map", "userId=customer,timestamp=seconds"]);
    assert!(rejects(&project)[0].contains(":ms"), "{:?}", rejects(&project));
}

#[test]
fn parquet_that_is_cut_or_damaged_is_told_and_leaves_no_output() {
    let project = project();
    let path = project.path().join("orders.parquet");
    write_table(&path);
    let whole = fs::read(&path).unwrap();
    let tell = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let output = replay(&project, "orders.parquet", &["--map", "userId=customer"]);
        let told = stderr(&output);
        assert!(!told.contains("panicked"), "{told}");
        match output.status.code() {
            // What was damaged may be a value, or what nobody reads.
            Some(0) => {}
            Some(3) => assert!(told.contains("cannot read orders.parquet"), "{told}"),
            other => panic!("{other:?}: {told}"),
        }
        output.status.code() == Some(3)
    };
    assert!(tell(&whole[..whole.len() / 2]));
    assert!(tell(b"PAR1"));
    let refused = (4..whole.len()).step_by(37).filter(|at| {
        let mut damaged = whole.clone();
        damaged[*at] ^= 0x55;
        tell(&damaged)
    });
    assert!(refused.count() > 5);
}

#[test]
fn the_name_or_an_option_says_what_decisions_are_written_as() {
    let project = project();
    project.write("orders.csv", "userId,timestamp,event\n");
    for out in ["out", "out.txt"] {
        let output = project.run(&["replay", "orders.csv", "--out", out]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("ends in .ndjson, .parquet or .csv"), "{}", stderr(&output));
    }
    let output = project.run(&["replay", "orders.csv", "--out", "out", "--out-format", "csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let header = "rule,user,kind,key,step,channel,template,verdict,reason,triggered_at,due_at,judged_at\n";
    assert_eq!(fs::read_to_string(project.path().join("out")).unwrap(), header);
}
