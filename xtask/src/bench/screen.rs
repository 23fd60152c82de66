//! What a person sees while a load runs: one line that is drawn anew on a terminal, a plain line every ten
//! seconds elsewhere. Knows progress; nothing of scenarios.

use std::io::{IsTerminal, Write as _};

use tidegate_load::report::Progress;

use super::numbers::plain;

/// Seconds between two plain lines.
const PLAIN_INTERVAL: f64 = 10.0;

/// Characters of the bar.
const WIDTH: usize = 24;

/// The line of one load.
pub(crate) struct Screen {
    title: String,
    repetitions: u32,
    is_terminal: bool,
    next_plain: f64,
}

impl Screen {
    /// For a load that is done `repetitions` times.
    pub(crate) fn new(title: impl Into<String>, repetitions: u32) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self { title: title.into(), repetitions, is_terminal, next_plain: PLAIN_INTERVAL }
    }

    pub(crate) fn show(&mut self, progress: &Progress) {
        let elapsed = progress.elapsed_s;
        if self.is_terminal {
            print!("\r\x1b[K{}", self.line(progress));
            // A terminal that is gone is no reason to stop measuring.
            let _ = std::io::stdout().flush();
        } else if elapsed >= self.next_plain {
            self.next_plain = elapsed + PLAIN_INTERVAL;
            println!("{}", self.line(progress));
        }
    }

    /// Clears the line, so that others can follow.
    pub(crate) fn done(&self) {
        if self.is_terminal {
            print!("\r\x1b[K");
            let _ = std::io::stdout().flush();
        }
    }

    fn line(&self, progress: &Progress) -> String {
        let elapsed = progress.elapsed_s;
        let repetition = match self.repetitions {
            0 | 1 => String::new(),
            all => format!(" {}/{all}", progress.run.max(1)),
        };
        let lost = match progress.lost {
            0 => String::new(),
            lost => format!(", {lost} missing"),
        };
        format!(
            "  {}{repetition} {} {:.0} of {:.0} s, {}: {} connections, {} sent/s, {} received/s{lost}",
            self.title,
            bar(elapsed, progress.total_s),
            elapsed,
            progress.total_s.max(elapsed),
            progress.phase,
            progress.connections,
            plain(progress.sent_per_s),
            plain(progress.received_per_s),
        )
    }
}

fn bar(elapsed: f64, total: f64) -> String {
    let share = if total > 0.0 { (elapsed / total).clamp(0.0, 1.0) } else { 0.0 };
    let full = (share * WIDTH as f64).round() as usize;
    format!("[{}{}]", "=".repeat(full), " ".repeat(WIDTH.saturating_sub(full)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_the_time_the_phase_and_the_rates() {
        let screen = Screen::new("high", 3);
        let progress = Progress {
            elapsed_s: 15.0,
            total_s: 60.0,
            phase: "run".into(),
            run: 2,
            connections: 1_000,
            sent_per_s: 1_200.4,
            received_per_s: 1_199.0,
            lost: 0,
        };
        let line = screen.line(&progress);
        let bar = format!("[======{}]", " ".repeat(18));
        let said = format!(
            "  high 2/3 {bar} 15 of 60 s, run: 1000 connections, 1\u{a0}200 sent/s, \
             1\u{a0}199 received/s"
        );
        assert_eq!(line, said);
        let line = screen.line(&Progress { lost: 4, ..progress });
        assert!(line.ends_with(", 4 missing"), "{line}");
    }

    #[test]
    fn a_bar_is_never_longer_than_it_is() {
        assert_eq!(bar(90.0, 60.0).len(), WIDTH + 2);
        assert_eq!(bar(1.0, 0.0), format!("[{}]", " ".repeat(WIDTH)));
    }
}
