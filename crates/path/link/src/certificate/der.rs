//! The few fields of an X.509 certificate that are needed, out of its DER.

use littoral_types::Wall;

/// What is left to read, as tags, lengths and contents.
pub(super) struct Der<'a>(&'a [u8]);

#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) subject: String,
    pub(super) uris: Vec<String>,
    pub(super) not_before: Wall,
    pub(super) not_after: Wall,
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]`: the version of the certificate.
const VERSION: u8 = 0xa0;
/// `[3]`: the extensions.
const EXTENSIONS: u8 = 0xa3;
/// `[6]` of a general name.
const URI: u8 = 0x86;

/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// `None`: it is no certificate.
pub(super) fn read(bytes: &[u8]) -> Option<Fields> {
    let mut whole = Der(bytes);
    let mut certificate = Der(whole.take(SEQUENCE)?);
    if !whole.0.is_empty() {
        return None;
    }
    let mut fields = Fields::default();
    let mut body = Der(certificate.take(SEQUENCE)?);
    body.skip(VERSION);
    body.take(INTEGER)?;
    // The signature's algorithm, and the issuer.
    body.take(SEQUENCE)?;
    body.take(SEQUENCE)?;
    let mut validity = Der(body.take(SEQUENCE)?);
    fields.not_before = time(validity.next()?)?;
    fields.not_after = time(validity.next()?)?;
    fields.subject = common_name(Der(body.take(SEQUENCE)?))?;
    // The public key.
    body.take(SEQUENCE)?;
    while let Some((tag, content)) = body.next() {
        if tag == EXTENSIONS {
            extensions(Der(Der(content).take(SEQUENCE)?), &mut fields)?;
        }
    }
    if body.0.is_empty() { Some(fields) } else { None }
}

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, short], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match short {
            0..=0x7f => (usize::from(short), rest),
            0x81..=0x84 => {
                let (long, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
                let len = long.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
                (len, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }

    /// Over what may stand there.
    fn skip(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }
}

fn common_name(mut names: Der<'_>) -> Option<String> {
    let mut found = String::new();
    while let Some((SET, set)) = names.next() {
        let mut pair = Der(Der(set).take(SEQUENCE)?);
        if pair.take(OBJECT)? == COMMON_NAME {
            found = String::from_utf8(pair.next()?.1.to_vec()).ok()?;
        }
    }
    Some(found)
}

fn extensions(mut list: Der<'_>, fields: &mut Fields) -> Option<()> {
    while let Some((SEQUENCE, extension)) = list.next() {
        let mut extension = Der(extension);
        let name = extension.take(OBJECT)?;
        extension.skip(BOOLEAN);
        let content = extension.take(OCTETS)?;
        if name == SUBJECT_ALT_NAME {
            let mut names = Der(Der(content).take(SEQUENCE)?);
            while let Some((tag, name)) = names.next() {
                if tag == URI {
                    fields.uris.push(String::from_utf8(name.to_vec()).ok()?);
                }
            }
            if !names.0.is_empty() {
                return None;
            }
        }
    }
    if list.0.is_empty() { Some(()) } else { None }
}

/// `YYMMDDHHMMSSZ` of 1950 to 2049, or the same with four digits of the year.
fn time((tag, text): (u8, &[u8])) -> Option<Wall> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |at: usize| Some(digits.get(at..at + 2)?.iter().fold(0, number));
    let (year, at) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            (two(0).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2)
        }
        (GENERALIZED_TIME, 14) => (two(0)? * 100 + two(2)?, 4),
        _ => return None,
    };
    let (month, day) = (two(at)?, two(at + 2)?);
    let (hour, minute, second) = (two(at + 4)?, two(at + 6)?, two(at + 8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Wall(u64::try_from(seconds).unwrap_or(0) * 1_000))
}

fn number(so_far: i64, digit: &u8) -> i64 {
    so_far * 10 + i64::from(digit - b'0')
}

/// Days from 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_time_are_read() {
        let read = |tag, text: &str| time((tag, text.as_bytes())).map(Wall::seconds);
        assert_eq!(read(UTC_TIME, "261124084100Z"), Some(1_795_509_660));
        assert_eq!(read(GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        assert_eq!(read(GENERALIZED_TIME, "20240229235959Z"), Some(1_709_251_199));
        assert_eq!(read(UTC_TIME, "690101000000Z"), Some(0), "before the epoch");
        for odd in ["261124084100", "2611240841Z", "261324084100Z", "26112408410aZ", ""] {
            assert_eq!(read(UTC_TIME, odd), None, "{odd}");
        }
    }
}
