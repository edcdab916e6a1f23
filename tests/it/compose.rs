//! `docker-compose.yml` is what its specification allows. Nothing here can run it: that needs Docker.

use super::world::python;
use std::path::Path;

/// What the validator says of a compose file, and whether it is one.
fn judged(file: &Path) -> (bool, String) {
    let output = python::command("check-jsonschema")
        .args(["--builtin-schema", "vendor.compose-spec"])
        .arg(file)
        .output()
        .expect("the validator starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_compose_file_is_what_its_specification_allows() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-compose.yml");
    let (is_sound, said) = judged(&file);
    assert!(is_sound, "{said}");
    let text = std::fs::read_to_string(&file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("docker-compose.yml");
    std::fs::write(&broken, text.replacen("depends_on:", "depend_on:", 1)).unwrap();
    let (is_sound, said) = judged(&broken);
    assert!(!is_sound && said.contains("depend_on"), "a key that there is none of is told: {said}");
}
