//! The decision table, as people read it.

use crate::case::AlertKind;
use crate::process::{Policy, Row};
use chrono::TimeDelta;

/// The sections, each with the row that it begins with.
const SECTIONS: [(Row, &str); 4] = [
    (Row::Configuration, "No answer"),
    (Row::FoundRejected, "Asked by particulars: somebody was found"),
    (Row::NoMatchForDoubtful, "Asked by particulars: nobody was found, or no number to go by"),
    (Row::HeldRejected, "Asked by number: what became of the number that the case holds"),
];

const INTRODUCTION: &str = "\
# What follows from which answer

The whole judgement of the worker, for whoever answers for its clinical safety. This file is generated from the code (`worker::Row`,
`worker::Row::effects`), a test fails when the two differ, and every row has a test that is named after it (`tests/it/decisions/`). The
requirements are those of the Spine Mini Service client (MSCA-DQ-01, DQ-03, DQ-04) and of the borough's system (HAV-5, HAV-10).

## How to read it

**What is asked.** A case without a number, or with one that is marked superseded, invalid or not verified, is asked about *by particulars*: surname,
gender and date of birth, with forename and postcode where they are known. A number that nobody has traced, that came from a provider's copy, or
that is due to be verified again, is asked about *by number*: the number with the date of birth and the surname.

**What is not asked.** A name that stands for none (`UNKNOWN`, `N/A`, `Baby`, `Twin 1`: `reference/placeholders.txt` has the list) and a birth in the
future or more than 125 years ago are faults in the local data; the case is reported with the reason until a person corrects it. Where the name is the
person's after all, a user traces them at a screen, and enters the number in the local system with the tracing service as its source. A worker whose name
stands for none is no legitimate relationship (HAV-2). A local date of death that cannot be right is reported too, and does not stop the tracing. Days
are days in London.

**When the person changes.** A number is kept with the names, the date of birth and the gender that it was imported for, or last confirmed for. When
one of these changes on the case, in whatever way (a newer caseload, a correction, a merge or its undoing), the number is in doubt. It is verified *by
number* at once, also when it was traced and whatever the time to ask again. Until it is confirmed it is not printed, not exported as usable, and
everyone who opens the case is warned. Upper and lower case, white space and typographic apostrophes are no change; a field that becomes known or
unknown is one; addresses and postcodes do not count. In a row with *kept as it is* the number stays in doubt. Restoring the fields ends the doubt. A
number that *replaces* one in doubt is no exception to the evidence rule: all fields have to agree.

**Which row.** The rows of a section are looked through from the top, and the first that fits counts. An answer to any question may also be one of
the section *No answer*, which comes first.

**Evidence.** A number is written or confirmed, and a date of death is taken, only when the evidence is complete that the person returned is the
person of the case. The column *evidence* says what each row rests upon.

- *Four fields*: family name, first given name, date of birth and gender are all known to the case, were all returned, and all agree. The gender codes
  0 (not known) and 9 (not specified) never agree, and a field that is blank was not returned. Names agree in any case and however they were typed
  (apostrophes, hyphens, white space); nicknames and accents count. `Mary Ann` agrees with the given names `Mary`, `Ann`, in this order.
- *Postcode*: a full postcode was sent in the search, and the service itself has matched it. `ZZ99` postcodes are not sent and are no evidence. A
  postcode of the current usual address that was returned and is another one differs. A restricted person comes without an address: the postcode that
  was sent is the evidence, and without one the case is held.
- *Number*: the number came from elsewhere (another source, an earlier confirmation by this rule, or a person) and was verified. People move, so the
  postcode may differ. A number of which no evidence is recorded may come from an earlier search by the same names; it is no evidence for them, and the
  postcode of the current usual address has to be returned and agree instead.
- *Successor*: PDS itself names the number that replaces one which this rule had confirmed on the Spine. Names have often changed by then, so they may
  differ (MSCA-DQ-03); date of birth and gender must not. The successor of any other number needs the four fields like everybody else.

What differs is named in the review item (`differs:given`). Where nothing differs and the evidence is not complete, the item is `unconfirmed`. Both
carry the person and the number that were returned, so that a reviewer can accept or reject the number. In both cases nothing is written: no number, no
confirmation, no date of death.

**What cannot be read is not left out.** A case whose surname, forename, date of birth or postcode cannot be read is not asked about, and reported with
the reason (`postcode_unusable` and the like). White space of any kind in a postcode is read; a letter in the place of a digit, a note, or a
placeholder is not.

**Number.** *Kept as it is*: whatever the case has, or has not, stays. *Written*: the number with its whole provenance (HAV-5: service,
operation, message, time, code, way of asking). *Confirmed*: the number that is held gets this provenance. *Kept, marked …*: it stays, and whoever opens
the case is warned. Nothing is overwritten unless the row says *written*; and what is written is never a number that another case in use holds, nor
one that somebody has rejected for this person. Names, addresses and everything else that the local system says stay as they are in every row: a
restricted person comes without an address, and the local one is not wiped.

**Date of death.** *Written*: on the case, where it has none, which takes the case out of the eligible set (HAV-2). *If told*: the same, should the
answer have one. A provider's copy never takes a case out: its date is not written, and the Spine is asked. A day that cannot be read, or cannot be
right (in the future, before the birth, or more than 125 years ago), is for a person to enter; the case carries its warning meanwhile. A date that the
Spine returned before the person changed does not stop the tracing: it goes when the number is confirmed for a person who has not died. A local date
that cannot be right gives way to the one that the Spine returns.

**Review item.** What a person has to look at (HAV-10). One item is open for one reason: what comes up again renews its evidence. *Settles*: open items
about finding the person are closed. So are they when an answer opens another item in their place; a row of *No answer* closes none. Items about what is wrong with a number (`duplicate`,
`replaced`, `superseded`, `invalidated`) are closed by people, with one exception: once the Spine itself has told the number that the case now has,
`superseded` and `invalidated` are settled, for they spoke of the old one.

**Alert.** To the back office, once for each review item it comes with, and once for a date of death. It carries local id, names, aliases, date of
birth, gender, address and postcode, the code, the other cases, and the numbers: shared, old and new, or *invalid* and marked as such (MSCA-DQ-04).
That the configuration is refused is alerted once a day, and names nobody. So is that the questions about five cases in a row were refused with the
same code and nothing answered between: then all asking stops, and the five cases are treated as their rows say.

**Others flagged.** The other cases that hold the number get a `duplicate` item too, and no alert of their own (MSCA-DQ-01).

**Order of effects.** The question on record, sent; the answer on record; what follows on record; number, date of death, items, alerts and the time of
the next question saved together or not at all; the alerts delivered. Whatever is asked again *at once* is asked before anything is saved.
";

/// The decision table with its introduction, in Markdown: `docs/decisions.md`.
///
/// For people who answer for the safety of what is done with nobody looking on. It says what
/// [`Row::effects`] says, and the times of the default [`Policy`].
///
/// ```
/// let table = nhs_pds::process::table();
/// assert!(table.contains("| `nobody` | Nobody matches the particulars (DEMOG-0001). | – | none | kept as it is |"));
/// ```
#[must_use]
pub fn table() -> String {
    let mut text = format!("{INTRODUCTION}\n{}\n", again(&Policy::default()));
    for row in Row::ALL {
        if let Some((_, title)) = SECTIONS.iter().find(|(first, _)| first == row) {
            text.push_str("\n## ");
            text.push_str(title);
            text.push_str(
                "\n\n| row | situation | evidence | result | number | date of death | review item | alert | others flagged | asked again |\n\
                 |---|---|---|---|---|---|---|---|---|---|\n",
            );
        }
        text.push_str(&line(*row));
    }
    text
}

fn line(row: Row) -> String {
    let effects = row.effects();
    let death = match (effects.date_of_death, effects.alert) {
        (false, _) => "–",
        (true, Some(AlertKind::Deceased)) => "**written**",
        (true, _) => "if told",
    };
    let alert = match effects.alert {
        None => "–".to_owned(),
        Some(kind) => kind.to_string(),
    };
    let alert = if death == "if told" { format!("{alert}; deceased, if told") } else { alert };
    format!(
        "| `{row}` | {} | {} | {} | {} | {death} | {} | {alert} | {} | {} |\n",
        row.situation().trim(),
        row.requirement(),
        effects.result.as_str().replace('_', " "),
        effects.number,
        effects.review,
        if effects.flag_holders { "yes" } else { "–" },
        effects.again,
    )
}

/// When is asked again, in words.
fn again(policy: &Policy) -> String {
    let days: Vec<String> = policy.waits.iter().map(|wait| wait.num_days().to_string()).collect();
    let soon: TimeDelta = policy.stale_wait;
    format!(
        "**Asked again.** *After days*: after {} days, and every {} from then on, while answers settle nothing. *Soon*: after {} minutes. *After a\n\
         day*: after {} hours. *When corrected*: not before the particulars change. A reviewer can release both before that, for all cases at once. *No*:\n\
         unless numbers are verified again from time to time. *Too often*, for what cannot be understood, is {} times in a row. Whoever corrects the particulars by which a case was asked about has it asked about in the next pass, whatever\n\
         the row says. These are the default times (`worker::Policy`).",
        days.join(", "),
        days.last().map_or("0", String::as_str),
        soon.num_minutes(),
        policy.refusal_wait.num_hours(),
        policy.unreadable_limit,
    )
}
