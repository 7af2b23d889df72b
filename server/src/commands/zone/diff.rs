//! Two texts, line by line: what went, what came, and a little around it.

/// Lines around a change that are shown with it.
const AROUND: usize = 2;
/// Above so many comparisons all between the first and the last difference is shown as changed.
const CELLS_MAX: usize = 4_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// Lines with `-`, `+` or a space before them; `…` where lines that are the same are left out.
pub(super) fn lines(before: &str, after: &str) -> Vec<String> {
    let all = compared(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>());
    let changed = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let mut shown = Vec::new();
    let mut left_out = false;
    for (at, line) in all.iter().enumerate() {
        let near = &all[at.saturating_sub(AROUND)..(at + AROUND + 1).min(all.len())];
        if !near.iter().any(changed) {
            left_out = true;
            continue;
        }
        if std::mem::take(&mut left_out) {
            shown.push("  …".to_owned());
        }
        shown.push(match line {
            Line::Same(text) => format!("  {text}"),
            Line::Gone(text) => format!("- {text}"),
            Line::New(text) => format!("+ {text}"),
        });
    }
    shown
}

fn compared<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (head, a, b) = (&before[..same], &before[same..], &after[same..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, tail) = a.split_at(a.len() - tail);
    let b = &b[..b.len() - tail.len()];
    let mut all: Vec<_> = head.iter().map(|text| Line::Same(text)).collect();
    between(a, b, &mut all);
    all.extend(tail.iter().map(|text| Line::Same(text)));
    all
}

/// By the longest common subsequence.
fn between<'a>(a: &[&'a str], b: &[&'a str], all: &mut Vec<Line<'a>>) {
    let width = b.len() + 1;
    if a.len().saturating_mul(b.len()) > CELLS_MAX {
        all.extend(a.iter().map(|text| Line::Gone(text)));
        all.extend(b.iter().map(|text| Line::New(text)));
        return;
    }
    let mut longest = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = match a[i] == b[j] {
                true => longest[(i + 1) * width + j + 1] + 1,
                false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            all.push(Line::Same(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len()
            || (i < a.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            all.push(Line::Gone(a[i]));
            i += 1;
        } else {
            all.push(Line::New(b[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_with_a_little_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\nten\n";
        let shown = lines(before, after);
        assert_eq!(
            shown,
            ["  …", "  3", "  4", "- 5", "+ five", "  6", "  7", "  8", "  9", "+ ten"]
        );
        assert!(lines(before, before).is_empty());
        assert_eq!(lines("", "a\n"), ["+ a"]);
        assert_eq!(lines("a\nb\nc\n", "c\na\nb\n"), ["+ c", "  a", "  b", "- c"]);
    }
}
