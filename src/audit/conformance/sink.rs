//! The contract of a sink.

use crate::audit::conformance::breach::{Breach, hold};
use crate::audit::conformance::own::{entry, full_entry};
use crate::audit::event::Event;
use crate::audit::event_sink::EventSink;
use crate::audit::kind::EventKind;

/// Checks a sink that `open` opens. `arrived` returns the numbers of the events at the destination,
/// in the order in which a reader there finds them, each as often as it is there.
///
/// The argument of `open` is the number of a destination: a new, empty one at the first call with
/// the number, and the same destination as before at a later call, as after a restart.
///
/// ```
/// use nhs_pds::audit::{JsonLines, conformance};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// let file = |destination: u32| folder.path().join(format!("{destination}.jsonl"));
/// let arrived = async |destination| {
///     let text = std::fs::read_to_string(file(destination)).unwrap_or_default();
///     let number = |line: &str| line.split([':', ',']).nth(1)?.parse().ok();
///     text.lines().filter_map(number).collect()
/// };
/// conformance::check_sink(async |destination| JsonLines::new(file(destination)), arrived).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Breach`], which names the clause of the contract that the sink breaks.
pub async fn check_sink<S: EventSink>(
    open: impl AsyncFn(u32) -> S,
    arrived: impl AsyncFn(u32) -> Vec<u64>,
) -> Result<(), Breach> {
    let sink = open(1).await;
    hold(sink.last().await? == 0, "the last event of an empty destination is 0")?;
    sink.send(&[]).await?;
    hold(
        sink.last().await? == 0 && arrived(1).await.is_empty(),
        "sending nothing changes nothing",
    )?;
    sink.send(&events([1, 2])?).await?;
    let clause = "events are durable when the call returns";
    hold(sink.last().await? == 2 && arrived(1).await == [1, 2], clause)?;
    drop(sink);

    let sink = open(1).await;
    hold(sink.last().await? == 2, "the last event is known after a restart")?;
    sink.send(&events([1, 2, 3])?).await?;
    sink.send(&events([2, 3])?).await?;
    sink.send(&events([3])?).await?;
    let clause = "an event that arrives again is kept once, and not as the last";
    hold(sink.last().await? == 3 && arrived(1).await == [1, 2, 3], clause)?;
    sink.send(&events([5, 9])?).await?;
    let clause = "numbers may be missing";
    hold(sink.last().await? == 9 && arrived(1).await == [1, 2, 3, 5, 9], clause)?;

    let many: Vec<u64> = (10..=400).collect();
    sink.send(&events(many)?).await?;
    hold(sink.last().await? == 400, "many events are sent at once")?;
    let other = open(2).await;
    let large = u64::MAX / 2;
    other.send(&events([large])?).await?;
    hold(other.last().await? == large && arrived(2).await == [large], "a number may be large")?;
    hold(sink.last().await? == 400, "destinations are independent")
}

/// Events with these numbers. Every second one uses every field.
fn events(numbers: impl IntoIterator<Item = u64>) -> Result<Vec<Event>, Breach> {
    let (short, full) = (entry(EventKind::SignedIn, 0)?, full_entry()?);
    let entry = |seq: u64| if seq.is_multiple_of(2) { &full } else { &short };
    Ok(numbers.into_iter().map(|seq| Event::new(seq, entry(seq))).collect())
}
