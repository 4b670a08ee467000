//! What a move does first, from the states of both stores. Pure.

use crate::audit::Anchor;
use crate::process::store::transfer::error::{Error, ErrorKind};
use crate::process::store::transfer::mark::{Counts, Mark, MarkState};
use chrono::{DateTime, Utc};

/// The state of a store.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The end of the trail; `None` when it cannot be used, as in the target of a move.
    pub(super) head: Option<Anchor>,
    /// The last event, if there is one.
    pub(super) last: Option<Anchor>,
    pub(super) counts: Counts,
    /// What the store says of a move to it, and the version of that setting.
    pub(super) mark: Option<Mark>,
    /// Until when a worker has a case.
    pub(super) leased_until: Option<DateTime<Utc>>,
    /// Whether workers leave the store alone. A file cannot say so.
    pub(super) is_active: bool,
}

/// How a move begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Start {
    /// Everything is to be moved.
    Fresh,
    /// An earlier move has written a part. All of it is as in the source if `exact`.
    Resume { exact: bool },
    /// An earlier move is complete.
    Done { is_recorded: bool },
}

/// How many events a move adds to the source's trail.
pub(super) const RECORDED: u64 = 2;

/// Decides how to begin. `is_in_source` says whether the source's trail has this event, with this hash.
pub(super) fn start(
    source: &State,
    target: &State,
    is_in_source: impl Fn(&Anchor) -> bool,
) -> Result<Start, Error> {
    let refused = |kind| Err(Error::new(kind));
    if source.mark.as_ref().is_some_and(|mark| mark.state == MarkState::Moving) {
        return refused(ErrorKind::Incomplete);
    }
    let Some(head) = source.head else { return refused(ErrorKind::TrailBroken) };
    if let Some(mark) = &target.mark {
        if !is_in_source(&mark.head) {
            return refused(ErrorKind::OtherSource);
        }
        if mark.state == MarkState::Moved {
            return match head.seq.saturating_sub(mark.head.seq) {
                0 => Ok(Start::Done { is_recorded: false }),
                RECORDED => Ok(Start::Done { is_recorded: true }),
                _ => refused(ErrorKind::UsedSince),
            };
        }
    }
    for state in [source, target] {
        if state.is_active {
            return refused(ErrorKind::NotPaused);
        }
        if state.leased_until.is_some() {
            return refused(ErrorKind::Busy);
        }
    }
    let Some(mark) = &target.mark else {
        let is_empty =
            target.head.is_some_and(|head| head.seq == 0) && target.counts == Counts::default();
        return if is_empty { Ok(Start::Fresh) } else { refused(ErrorKind::NotEmpty) };
    };
    let is_part = target.counts.events == target.last.map_or(0, |last| last.seq)
        && target.last.is_none_or(|last| is_in_source(&last));
    if !is_part {
        return refused(ErrorKind::OtherSource);
    }
    Ok(Start::Resume { exact: mark.exact && mark.head == head })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(seq: u64) -> Anchor {
        Anchor::new(seq, [seq as u8; 32])
    }

    fn state(seq: u64) -> State {
        State {
            head: Some(anchor(seq)),
            last: (seq > 0).then(|| anchor(seq)),
            counts: Counts { events: seq, cases: seq, ..Counts::default() },
            mark: None,
            leased_until: None,
            is_active: false,
        }
    }

    fn marked(seq: u64, state_of: MarkState, head: Anchor) -> State {
        let mark = Mark { state: state_of, ..Mark::moving(head, true) };
        State { mark: Some(mark), head: None, ..state(seq) }
    }

    fn decide(source: &State, target: &State) -> Result<Start, ErrorKind> {
        let last = source.head.map_or(0, |head| head.seq);
        let has = |event: &Anchor| event.seq <= last && *event == anchor(event.seq);
        start(source, target, has).map_err(|error| error.kind())
    }

    #[test]
    fn a_move_begins_goes_on_or_is_refused() {
        use ErrorKind::*;
        use MarkState::*;
        let other = Anchor::new(3, [9; 32]);
        let exact = |exact| Ok(Start::Resume { exact });
        let until = Some(DateTime::UNIX_EPOCH);
        let active = State { is_active: true, ..state(5) };
        let busy = State { leased_until: until, ..state(5) };
        let broken = State { head: None, ..state(5) };
        let gap = State { last: Some(anchor(4)), ..marked(3, Moving, anchor(5)) };
        let foreign = State { last: Some(other), ..marked(3, Moving, anchor(5)) };
        for (number, (source, target, expected)) in [
            (state(5), state(0), Ok(Start::Fresh)),
            (state(0), state(0), Ok(Start::Fresh)),
            (state(5), state(1), Err(NotEmpty)),
            (state(5), broken.clone(), Err(NotEmpty)),
            (state(5), marked(0, Moving, anchor(5)), exact(true)),
            (state(5), marked(3, Moving, anchor(5)), exact(true)),
            (state(6), marked(3, Moving, anchor(5)), exact(false)),
            (state(4), marked(3, Moving, anchor(5)), Err(OtherSource)),
            (state(5), marked(0, Moving, other), Err(OtherSource)),
            (state(5), gap, Err(OtherSource)),
            (state(5), foreign, Err(OtherSource)),
            (state(5), marked(9, Moved, anchor(5)), Ok(Start::Done { is_recorded: false })),
            (state(7), marked(9, Moved, anchor(5)), Ok(Start::Done { is_recorded: true })),
            (state(6), marked(9, Moved, anchor(5)), Err(UsedSince)),
            (state(8), marked(9, Moved, anchor(5)), Err(UsedSince)),
            (state(5), marked(9, Moved, other), Err(OtherSource)),
            (marked(5, Moving, anchor(5)), state(0), Err(Incomplete)),
            (broken, state(0), Err(TrailBroken)),
            (active.clone(), state(0), Err(NotPaused)),
            (state(5), State { is_active: true, ..state(0) }, Err(NotPaused)),
            (busy, state(0), Err(Busy)),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(decide(&source, &target), expected, "{number}");
        }
    }
}
