//! Runs the methods that query a Spine Mini Service.

use super::Rule;
use crate::commands::match_quality::population::local::TrueCase;
use crate::commands::match_quality::verdict::{Concluded, Verdict};
use nhs_pds::demographics::{FullDate, Gender, Postcode};
use nhs_pds::ids::Ids;
use nhs_pds::smsp::Client;
use nhs_pds::trace::{Caller, FindPerson, MessageId, NameText, Outcome, Tracer};
use std::error::Error;

/// Runs one method for one case.
pub(crate) async fn run(
    rule: Rule,
    case: &TrueCase,
    client: &Client,
    caller: &Caller,
    ids: &dyn Ids,
) -> Result<Concluded, Box<dyn Error>> {
    let Rule::Smsp { postcode, drop_given } = rule else {
        return Err("not a method of a Spine Mini Service".into());
    };
    let (mut calls, mut verdict) = (0, Verdict::NotAsked);
    for with_given in [true, false] {
        let Some(question) = question(case, postcode, with_given) else { break };
        calls += 1;
        let answer = client.trace(caller, &question.into(), MessageId::fresh(ids)).await?;
        verdict = match answer.outcome {
            Outcome::Found(found) => Verdict::Number(found.nhs_number),
            Outcome::Ambiguous(_) => Verdict::Review(Vec::new()),
            _ => Verdict::None,
        };
        if verdict != Verdict::None || !drop_given {
            break;
        }
    }
    Ok(Concluded { verdict, calls, risk: None })
}

fn question(case: &TrueCase, postcode: bool, with_given: bool) -> Option<FindPerson> {
    let local = &case.local;
    let family: NameText = local.family.parse().ok()?;
    let born: FullDate = local.birth.parse().ok()?;
    let gender = local.gender.filter(|gender| matches!(gender, Gender::Male | Gender::Female))?;
    let mut find = FindPerson::new(family, gender, born);
    if with_given && let Ok(given) = local.given.parse() {
        find = find.with_given(given);
    }
    if postcode && let Ok(postcode) = local.postcode.parse::<Postcode>() {
        find = find.with_postcode(postcode);
    }
    Some(find)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::match_quality::population::kind::Kind;
    use crate::commands::match_quality::population::local::Local;

    #[test]
    fn a_case_without_gender_is_not_asked() {
        let local =
            Local { family: "Smith".into(), birth: "2001-03-31".into(), ..Local::default() };
        let mut case = TrueCase { id: "1".into(), kind: Kind::GenderMissing, truth: None, local };
        assert!(question(&case, true, true).is_none());
        case.local.gender = Some(Gender::Male);
        assert!(question(&case, true, true).is_some());
    }
}
