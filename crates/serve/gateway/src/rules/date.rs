//! Dates in header fields (RFC 9110, section 5.6.7): the one form to write, three to read.

/// Seconds since the UNIX epoch of a date in any of its three forms; `None` when it is none.
/// Letters may be of either case, as senders do; nothing else is forgiven.
pub fn parse(text: &[u8], now: u64) -> Option<u64> {
    let text = text.trim_ascii();
    imf(text).or_else(|| rfc850(text, now)).or_else(|| asctime(text))
}

/// Our own form: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn write(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let weekday = WEEKDAYS[((days + 4) % 7) as usize];
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let month = MONTHS[month as usize - 1];
    format!("{}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT", &weekday[..3])
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf(text: &[u8]) -> Option<u64> {
    if text.len() != 29 || !weekday(&text[..3], 3) || &text[3..5] != b", " {
        return None;
    }
    let spaces = [7, 11, 16, 25].iter().all(|at| text[*at] == b' ');
    let (year, month, day) = (number(&text[12..16])?, month(&text[8..11])?, number(&text[5..7])?);
    let zone = text[26..].eq_ignore_ascii_case(b"GMT");
    (spaces && zone).then(|| seconds(year, month, day, &text[17..25]))?
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`: the year is the last with these digits that is not more than
/// fifty years ahead.
fn rfc850(text: &[u8], now: u64) -> Option<u64> {
    let at = text.iter().position(|byte| *byte == b',')?;
    let (name, rest) = (&text[..at], &text[at..]);
    if !weekday(name, usize::MAX) || rest.len() != 24 || &rest[..2] != b", " {
        return None;
    }
    let marks = rest[4] == b'-' && rest[8] == b'-' && rest[11] == b' ' && rest[20] == b' ';
    if !marks || !rest[21..].eq_ignore_ascii_case(b"GMT") {
        return None;
    }
    let (this_year, ..) = civil(now / 86_400);
    let mut year = this_year / 100 * 100 + number(&rest[9..11])?;
    if year > this_year + 50 {
        year -= 100;
    }
    seconds(year, month(&rest[5..8])?, number(&rest[2..4])?, &rest[12..20])
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &[u8]) -> Option<u64> {
    if text.len() != 24 || !weekday(&text[..3], 3) {
        return None;
    }
    let spaces = [3, 7, 10, 19].iter().all(|at| text[*at] == b' ');
    let day = match &text[8..10] {
        [b' ', digit] => number(&[*digit])?,
        digits => number(digits)?,
    };
    let (year, month) = (number(&text[20..])?, month(&text[4..7])?);
    spaces.then(|| seconds(year, month, day, &text[11..19]))?
}

fn weekday(text: &[u8], len: usize) -> bool {
    let same = |day: &&str| text.eq_ignore_ascii_case(&day.as_bytes()[..len.min(day.len())]);
    WEEKDAYS.iter().any(same)
}

fn month(text: &[u8]) -> Option<u64> {
    let at = MONTHS.iter().position(|month| text.eq_ignore_ascii_case(month.as_bytes()))?;
    Some(at as u64 + 1)
}

fn number(digits: &[u8]) -> Option<u64> {
    let all = digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().fold(0, |so_far, digit| so_far * 10 + u64::from(digit - b'0')))
}

/// A day and `08:49:37`; a leap second is the one before it.
fn seconds(year: u64, month: u64, day: u64, time: &[u8]) -> Option<u64> {
    let [h, i, b':', m, n, b':', s, t] = *time else { return None };
    let (hour, minute, second) = (number(&[h, i])?, number(&[m, n])?, number(&[s, t])?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let sound = (1..=days).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !sound {
        return None;
    }
    // Before the epoch is as old as can be.
    let days = days_since_epoch(year, month, day).max(0) as u64;
    let before = if year < 1970 { 0 } else { hour * 3600 + minute * 60 + second.min(59) };
    Some(days * 86_400 + before)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in eras of 400 years that begin in
/// March.
fn days_since_epoch(year: u64, month: u64, day: u64) -> i64 {
    let year = year as i64 - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month as i64 + 9) % 12) + 2) / 5 + day as i64 - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    (era * 400 + years + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24.
    const NOW: u64 = 1_795_500_000;

    fn read(text: &str) -> Option<u64> {
        parse(text.as_bytes(), NOW)
    }

    #[test]
    fn the_three_forms_say_the_same() {
        // RFC 9110, section 5.6.7.
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 nov 1994 08:49:37 gMT",
        ] {
            assert_eq!(read(text), Some(784_111_777), "{text}");
        }
        let later = read("Thursday, 18-Aug-50 02:01:18 GMT");
        assert_eq!(later, read("Thu, 18 Aug 2050 02:01:18 GMT"));
        assert!(read("Sun, 21 Nov 2286 04:46:39 GMT") > Some(NOW), "past 32 bits of seconds");
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "0",
            "",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 2050 02:01:18 AEST",
            "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT",
            "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT",
            "Thu, 31 Jun 2050 02:01:18 GMT",
            "Thu, 29 Feb 2049 02:01:18 GMT",
            "Thu, 18 Aug 2050 24:01:18 GMT",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for seconds in [0, 1, 951_782_400, 1_709_164_800, NOW, 4_102_444_799, 10_000_000_000] {
            let text = write(seconds);
            assert_eq!(read(&text), Some(seconds), "{text}");
        }
        assert_eq!(write(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
