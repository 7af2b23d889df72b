//! Server-sent events, taken apart line by line.

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: String,
}

/// Collects bytes until events are whole. Lines end in LF, CRLF or CR.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    after_return: bool,
    event: Event,
    has_data: bool,
    /// The last id seen; an event without one has this.
    last_id: String,
}

impl Events {
    /// Takes the next bytes; the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut whole = Vec::new();
        for byte in bytes {
            let second_half = *byte == b'\n' && self.after_return;
            self.after_return = *byte == b'\r';
            match byte {
                b'\n' if second_half => {}
                b'\n' | b'\r' => whole.extend(self.end_line()),
                other => self.line.push(*other),
            }
        }
        whole
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let whole = std::mem::take(&mut self.has_data);
            return whole.then(|| Event { id: self.last_id.clone(), ..event });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.to_owned(),
            "id" if !value.contains('\0') => self.last_id = value.to_owned(),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            // A comment keeps the line open; other fields are none of ours.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, id: &str, data: &str) -> Event {
        Event { name: name.into(), id: id.into(), data: data.into() }
    }

    #[test]
    fn events_are_whole_however_the_bytes_arrive() {
        let text = b": hello\n\nevent: put\nid: 1\ndata: {\"key\":\"a\"}\n\nevent:delete\r\ndata:x\r\ndata: y\r\n\r\ndata: cut";
        let expected = [event("put", "1", "{\"key\":\"a\"}"), event("delete", "1", "x\ny")];
        assert_eq!(Events::default().push(text), expected);
        let mut events = Events::default();
        let one_by_one: Vec<_> = text.iter().flat_map(|byte| events.push(&[*byte])).collect();
        assert_eq!(one_by_one, expected);
    }

    #[test]
    fn an_event_without_data_is_none() {
        assert_eq!(Events::default().push(b"event: put\nid: 3\n\n"), []);
    }
}
