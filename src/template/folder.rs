//! The texts of a project's `templates/` folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Folders below `templates/<name>/` are not looked at: there is nothing in them that a template reads.
const DEPTH_MAX: usize = 2;

/// All files of `<project>/templates/`, by path relative to the project (`templates/welcome/subject.hbs`). No folder
/// is no template. Hidden files are left out; a file that is not UTF-8 is an error that names it.
pub fn read_folder(project: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let folder = project.join("templates");
    if folder.is_dir() {
        read_into(&folder, "templates", DEPTH_MAX, &mut files)?;
    }
    Ok(files)
}

fn read_into(
    folder: &Path,
    name: &str,
    depth: usize,
    files: &mut BTreeMap<String, String>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let Some(file_name) = entry.file_name().to_str().map(str::to_owned) else {
            return Err(io::Error::other(format!("expected file names in UTF-8 in {name}/")));
        };
        let relative = format!("{name}/{file_name}");
        if file_name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth > 1 {
                read_into(&path, &relative, depth - 1, files)?;
            }
            continue;
        }
        let text = fs::read_to_string(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{relative}: {error}")))?;
        files.insert(relative, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_by_relative_paths_and_hidden_files_are_left_out() {
        let project = tempfile::tempdir().unwrap();
        assert!(read_folder(project.path()).unwrap().is_empty());
        let folder = project.path().join("templates/welcome");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("subject.hbs"), "Hi").unwrap();
        fs::write(folder.join(".subject.hbs.swp"), [0xff]).unwrap();
        let files = read_folder(project.path()).unwrap();
        assert_eq!(
            files.into_iter().collect::<Vec<_>>(),
            [("templates/welcome/subject.hbs".into(), "Hi".into())]
        );
        fs::write(folder.join("text.hbs"), [0xff]).unwrap();
        let error = read_folder(project.path()).unwrap_err().to_string();
        assert!(error.contains("templates/welcome/text.hbs"), "{error}");
    }
}
