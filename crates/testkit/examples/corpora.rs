//! Writes the generated corpora into `corpora/`, and says how large they are.

use std::io;

use tidegate_testkit::corpora;

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn main() -> io::Result<()> {
    for name in corpora::NAMES {
        let lines = corpora::generate(name);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let file = corpora::own_folder().join(name);
        println!("{:>7} bytes in {:>4} lines: {name}", text.len(), lines.len());
        std::fs::write(file, text)?;
    }
    Ok(())
}
