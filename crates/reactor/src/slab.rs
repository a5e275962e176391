//! Numbered slots of fixed number, reused without ever confusing one tenant with the next.

use crate::token::Token;

/// Holds up to `capacity` values, each named by the [`Token`] it got on entry.
///
/// Room for all of them is taken once; slots are used last-freed first, so a quiet server stays in a few cache lines.
#[derive(Debug)]
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    capacity: u32,
    free: Option<u32>,
    len: u32,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    tenant: Tenant<T>,
}

#[derive(Debug)]
enum Tenant<T> {
    /// Free; the next free slot behind it.
    Nobody {
        next: Option<u32>,
    },
    Somebody(T),
}

impl<T> Slab<T> {
    /// An empty slab of `capacity` slots.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self { slots: Vec::with_capacity(capacity as usize), capacity, free: None, len: 0 }
    }

    /// Takes `value` in.
    ///
    /// # Errors
    ///
    /// The value again, where every slot is taken.
    pub fn insert(&mut self, value: T) -> Result<Token, T> {
        let Some(slot) = self.free else { return self.push(value) };
        let Some(Slot { generation, tenant }) = self.slots.get_mut(slot as usize) else { return Err(value) };
        let Tenant::Nobody { next } = *tenant else { return Err(value) };
        *tenant = Tenant::Somebody(value);
        self.free = next;
        self.len += 1;
        Ok(Token::new(slot, *generation))
    }

    /// The tenant `token` names, unless it has moved out.
    #[must_use]
    pub fn get(&self, token: Token) -> Option<&T> {
        match self.slots.get(token.slot() as usize) {
            Some(Slot { generation, tenant: Tenant::Somebody(value) }) if *generation == token.generation() => {
                Some(value)
            }
            _ => None,
        }
    }

    /// The tenant `token` names, unless it has moved out.
    #[must_use]
    pub fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        match self.slots.get_mut(token.slot() as usize) {
            Some(Slot { generation, tenant: Tenant::Somebody(value) }) if *generation == token.generation() => {
                Some(value)
            }
            _ => None,
        }
    }

    /// Moves the tenant out. No token given out for it is valid from here on.
    pub fn remove(&mut self, token: Token) -> Option<T> {
        let slot = self.slots.get_mut(token.slot() as usize)?;
        if slot.generation != token.generation() || matches!(slot.tenant, Tenant::Nobody { .. }) {
            return None;
        }
        slot.generation = slot.generation.wrapping_add(1);
        let Tenant::Somebody(value) = std::mem::replace(&mut slot.tenant, Tenant::Nobody { next: self.free }) else {
            return None;
        };
        self.free = Some(token.slot());
        self.len -= 1;
        Some(value)
    }

    /// The token of the present tenant of `slot`.
    #[must_use]
    pub fn token(&self, slot: u32) -> Option<Token> {
        match self.slots.get(slot as usize) {
            Some(Slot { generation, tenant: Tenant::Somebody(_) }) => Some(Token::new(slot, *generation)),
            _ => None,
        }
    }

    /// How many slots have ever been used: every tenant's slot is below.
    #[must_use]
    pub fn reach(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// How many tenants there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether every slot is taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len == self.capacity
    }

    fn push(&mut self, value: T) -> Result<Token, T> {
        let slot = self.reach();
        if slot >= self.capacity {
            return Err(value);
        }
        self.slots.push(Slot { generation: 0, tenant: Tenant::Somebody(value) });
        self.len += 1;
        Ok(Token::new(slot, 0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_opens_its_own_tenancy_and_no_other(moves in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..300)) {
            let mut slab = Slab::new(5);
            let (mut living, mut given): (HashMap<Token, usize>, Vec<Token>) = Default::default();
            for (number, (insert, pick)) in moves.into_iter().enumerate() {
                if insert {
                    match slab.insert(number) {
                        Ok(token) => {
                            prop_assert!(!given.contains(&token), "a token was given out twice");
                            living.insert(token, number);
                            given.push(token);
                        }
                        Err(value) => {
                            prop_assert_eq!(value, number);
                            prop_assert!(slab.is_full() && living.len() == 5);
                        }
                    }
                } else if !given.is_empty() {
                    let token = *pick.get(&given);
                    prop_assert_eq!(slab.remove(token), living.remove(&token));
                }
                for token in &given {
                    prop_assert_eq!(slab.get(*token), living.get(token));
                    prop_assert_eq!(slab.get_mut(*token).copied(), living.get(token).copied());
                }
                prop_assert_eq!(slab.len() as usize, living.len());
                let named = (0..slab.reach()).filter_map(|slot| slab.token(slot)).all(|token| living.contains_key(&token));
                prop_assert!(named);
            }
        }
    }
}
