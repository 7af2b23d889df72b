//! Lists of addresses and networks: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.

use std::net::IpAddr;

/// Networks, each an address and how many of its bits count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(Vec<(u128, u8)>);

const V4_BITS: u8 = 96;

impl Addresses {
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn network(text: &str) -> Result<(u128, u8), String> {
        let wrong = || format!("`{text}` is no address or network, such as `10.0.0.0/8`");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (most, before) = if address.is_ipv4() { (32, V4_BITS) } else { (128, 0) };
        let bits = match bits {
            Some(bits) => bits.parse::<u8>().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
            None => most,
        };
        let (wide, bits) = (wide(address), before + bits);
        if wide & !mask(bits) != 0 {
            return Err(format!("`{text}` has bits set behind its /{}", bits - before));
        }
        Ok((wide, bits))
    }

    pub fn new(networks: Vec<(u128, u8)>) -> Self {
        Self(networks)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = wide(address);
        self.0.iter().any(|(network, bits)| address & mask(*bits) == *network)
    }
}

/// Of IPv6, as which those of IPv4 can be written too: a client may come either way.
fn wide(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_whichever_way_it_is_written() {
        let within = |network: &str, address: &str| {
            let list = Addresses::new(vec![Addresses::network(network).expect(network)]);
            list.contains(address.parse().expect(address))
        };
        assert!(within("10.0.0.0/8", "10.1.2.3") && !within("10.0.0.0/8", "11.0.0.0"));
        assert!(within("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(within("0.0.0.0/0", "9.9.9.9") && !within("0.0.0.0/0", "2001:db8::1"));
        assert!(within("::/0", "2001:db8::1"));
        assert!(within("2001:db8::/32", "2001:db8:1::1") && !within("2001:db8::/32", "2001:db9::"));
        assert!(within("192.0.2.7", "192.0.2.7") && !within("192.0.2.7", "192.0.2.8"));
    }

    #[test]
    fn what_is_no_network_says_so() {
        for bad in ["", "a", "10.0.0.0/33", "10.0.0.1/8", "::1/129", "10.0.0.0/", "10.0.0.0/x"] {
            assert!(Addresses::network(bad).is_err(), "{bad}");
        }
    }
}
