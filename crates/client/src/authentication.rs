//! The commands of the Authentication group: who owns a coin, and how it changes hands.
//!
//! Each function asks one node once; [`Layout`](crate::Layout) tells how many coins one request can carry.
//!
//! Source: protocol §5.3

use raida_wire::{AuthenticityNumber, CoinId, Command};

use crate::answer::Answer;
use crate::ask::ask_for;
use crate::envelope::KeyCoin;
use crate::error::AskError;
use crate::layout::Layout;
use crate::options::Options;
use crate::payload::Payload;
use crate::question::Question;
use crate::target::Target;
use crate::verdict::{all_or_nothing, passes};

/// A coin that shall get a new authenticity number at one node. `Debug` shows neither number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Which coin.
    pub coin: CoinId,
    /// What the node knows it by.
    pub number: AuthenticityNumber,
    /// What the node shall know it by.
    pub proposed: AuthenticityNumber,
}

/// Asks which coins have the authenticity number that is given. One word per coin, in their order.
///
/// # Errors
///
/// See [`AskError`]; any status but 241, 242 and 243 is one.
pub fn detect(target: &Target, coins: &[KeyCoin], options: &Options) -> Result<Answer<Vec<bool>>, AskError> {
    let question = Question::raw(Command::DETECT, owned(Layout::DETECT, &[], coins)).repeatable();
    let question = question.expecting(raida_wire::bitfield::len(coins.len()));
    ask_for(target, &question, options, |status, payload| passes(status, payload, coins.len()))
}

/// Asks whether all coins have the authenticity numbers that are given, showing no more of these than their sum.
///
/// # Errors
///
/// See [`AskError`]; any status but 241 and 242 is one, 40 for a coin that is listed twice among them.
pub fn detect_sum(target: &Target, coins: &[KeyCoin], options: &Options) -> Result<Answer<bool>, AskError> {
    let payload = summed(Layout::DETECT_SUM, coins).finish();
    ask_for(target, &Question::raw(Command::DETECT_SUM, payload).repeatable(), options, all_or_nothing)
}

/// Makes the coins' new owner whoever knows the proposed numbers. One word per coin, in their order.
///
/// It is sent once. When the answer is lost ([`AskError::may_have_arrived`]), [`find`](crate::find) tells what happened.
///
/// # Errors
///
/// See [`AskError`]; any status but 241, 242 and 243 is one.
pub fn pown(target: &Target, coins: &[Renewal], options: &Options) -> Result<Answer<Vec<bool>>, AskError> {
    let question = Question::raw(Command::POWN, renewals(coins)).expecting(raida_wire::bitfield::len(coins.len()));
    ask_for(target, &question, options, |status, payload| passes(status, payload, coins.len()))
}

/// Changes the authenticity numbers of all coins by the same delta: each is XORed with it. All or none.
///
/// It is sent once. When the answer is lost, [`detect`] with the old and the new numbers tells what happened.
///
/// # Errors
///
/// See [`AskError`]; any status but 241 and 242 is one, 40 for a coin that is listed twice among them.
pub fn pown_sum(
    target: &Target,
    coins: &[KeyCoin],
    delta: &AuthenticityNumber,
    options: &Options,
) -> Result<Answer<bool>, AskError> {
    let payload = summed(Layout::POWN_SUM, coins).number(delta).finish();
    ask_for(target, &Question::raw(Command::POWN_SUM, payload), options, all_or_nothing)
}

/// Coins with one number each, behind what stands in front of them.
pub(crate) fn owned(layout: Layout, front: &[u8], coins: &[KeyCoin]) -> Vec<u8> {
    let payload = Payload::with_room(layout.len(coins.len())).octets(front);
    coins.iter().fold(payload, |payload, KeyCoin { coin, number }| payload.coin(*coin).number(number)).finish()
}

/// Coins with two numbers each.
pub(crate) fn renewals(coins: &[Renewal]) -> Vec<u8> {
    let add = |payload: Payload, coin: &Renewal| payload.coin(coin.coin).number(&coin.number).number(&coin.proposed);
    coins.iter().fold(Payload::with_room(Layout::POWN.len(coins.len())), add).finish()
}

/// Coins, then the sum of their numbers.
pub(crate) fn summed(layout: Layout, coins: &[KeyCoin]) -> Payload {
    let payload = Payload::with_room(layout.len(coins.len())).coins(coins.iter().map(|coin| coin.coin));
    let nothing = AuthenticityNumber::new([0; 16]);
    payload.number(&coins.iter().fold(nothing, |sum, coin| sum.xor(coin.number.octets())))
}
