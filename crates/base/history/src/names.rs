//! Texts that occur again and again, kept once and known by number.

use std::collections::HashMap;

#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<str>, u32>,
}

impl Names {
    /// The text's number; from 1 upwards, in the order in which texts were first met.
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len() + 1).expect("operations are limited");
        self.numbers.insert(text.into(), number);
        number
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Texts by number; nothing has number 0.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let mut texts = vec![""; self.len() + 1];
        for (text, number) in &self.numbers {
            texts[*number as usize] = text;
        }
        texts
    }
}
