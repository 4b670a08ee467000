//! Runs the methods that query the FHIR API.

use super::{Baseline, Part, Rule, Step};
use crate::commands::match_quality::population::local::{Local, TrueCase};
use crate::commands::match_quality::verdict::{Concluded, Verdict};
use crate::simulated::Simulator;
use http::{HeaderName, HeaderValue};
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::ids::Ids;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::transport::{Request, Transport};
use serde_json::Value;
use std::error::Error;
use url::Url;
use url::form_urlencoded::Serializer;

/// The answer to one query.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    One(NhsNumber, f64),
    Several,
    None,
    /// The service refused the query.
    Refused,
}

/// The score from which the methods with a score accept a person.
const ACCEPTED: f64 = 0.95;

/// Runs one method for one case.
pub(crate) async fn run(
    baseline: &Baseline,
    case: &TrueCase,
    simulator: &Simulator,
    ids: &dyn Ids,
) -> Result<Concluded, Box<dyn Error>> {
    let local = if baseline.cleans { cleaned(&case.local) } else { case.local.clone() };
    let mut asked = Asked { local, simulator, ids, calls: 0, was_answered: false };
    let verdict = match baseline.rule {
        Rule::Cascade => cascade(baseline.steps, &mut asked).await?,
        Rule::First => first(baseline.steps, &mut asked).await?,
        rule => match scored(baseline.steps, &mut asked).await? {
            Verdict::Review(_) if rule == Rule::HighScoreOnly => Verdict::None,
            verdict => verdict,
        },
    };
    let verdict = if asked.was_answered { verdict } else { Verdict::NotAsked };
    Ok(Concluded { verdict, calls: asked.calls, risk: None })
}

/// The first of several given names, and the surname without a note in brackets.
fn cleaned(local: &Local) -> Local {
    let mut local = local.clone();
    local.given = local.given.split_whitespace().next().unwrap_or_default().to_owned();
    local.family = local.family.split('(').next().unwrap_or_default().trim().to_owned();
    local
}

struct Asked<'a> {
    local: Local,
    simulator: &'a Simulator,
    ids: &'a dyn Ids,
    calls: u32,
    was_answered: bool,
}

impl Asked<'_> {
    /// Sends a query. A part that the case does not have is left out; without surname, forename or birth,
    /// as far as the query has them, it is not sent.
    async fn ask(&mut self, step: &Step) -> Result<Found, Box<dyn Error>> {
        let Some(query) = query(step, &self.local) else { return Ok(Found::None) };
        let mut url: Url = "https://pds.example/personal-demographics/FHIR/R4/Patient".parse()?;
        url.set_query(Some(&query));
        let id = HeaderValue::from_str(&self.ids.next().to_string())?;
        let request = Request::get(url).with_header(HeaderName::from_static("x-request-id"), id);
        self.calls += 1;
        let response = self.simulator.send(request).await?;
        let found = read(response.status().as_u16(), response.body().expose())?;
        self.was_answered |= found != Found::Refused;
        Ok(found)
    }
}

fn query(step: &Step, local: &Local) -> Option<String> {
    let mut query = Serializer::new(String::new());
    for part in step.parts {
        match part {
            Part::Given => add(&mut query, "given", needed(&local.given)?),
            Part::GivenStart => add(&mut query, "given", &start(needed(&local.given)?, 3)),
            Part::Family => add(&mut query, "family", needed(&local.family)?),
            Part::FamilyStart => add(&mut query, "family", &start(needed(&local.family)?, 3)),
            Part::Birth => add(&mut query, "birthdate", &format!("eq{}", full(local)?)),
            Part::BirthRange => {
                let born = full(local)?;
                add(&mut query, "birthdate", &format!("ge{}", months(born, -6)?));
                add(&mut query, "birthdate", &format!("le{}", months(born, 6)?));
            }
            Part::BirthSwapped => {
                let born = full(local)?;
                let swapped = PartialDate::new(born.year(), born.day(), born.month()).ok()?;
                add(&mut query, "birthdate", &format!("eq{swapped}"));
            }
            Part::Gender => match local.gender {
                Some(Gender::Female) => add(&mut query, "gender", "female"),
                Some(Gender::Male) => add(&mut query, "gender", "male"),
                _ => {}
            },
            Part::Postcode => optional(&mut query, "address-postalcode", &local.postcode),
            Part::PostcodeStart if !local.postcode.is_empty() => {
                add(&mut query, "address-postalcode", &start(&local.postcode.replace(' ', ""), 2));
            }
            Part::PostcodeStart => {}
            Part::Email => optional(&mut query, "email", &local.email),
            Part::Phone => optional(&mut query, "phone", &local.telephone),
        }
    }
    for (name, is_set) in
        [("_fuzzy-match", step.fuzzy), ("_exact-match", step.exact), ("_history", step.history)]
    {
        if is_set {
            add(&mut query, name, "true");
        }
    }
    // An application may ask for one person only.
    add(&mut query, "_max-results", "1");
    Some(query.finish())
}

fn add(query: &mut Serializer<'_, String>, name: &str, value: &str) {
    query.append_pair(name, value);
}

fn optional(query: &mut Serializer<'_, String>, name: &str, value: &str) {
    if !value.is_empty() {
        add(query, name, value);
    }
}

fn needed(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn start(text: &str, count: usize) -> String {
    format!("{}*", text.chars().take(count).collect::<String>())
}

fn full(local: &Local) -> Option<PartialDate> {
    local.birth.parse::<PartialDate>().ok().filter(|born| born.full().is_some())
}

/// The date `more` months later. Days after the 28th become the 28th.
fn months(date: PartialDate, more: i32) -> Option<PartialDate> {
    let month = i32::from(date.year()) * 12 + i32::from(date.month()?) - 1 + more;
    let (year, month) = (u16::try_from(month / 12).ok()?, u8::try_from(month % 12 + 1).ok()?);
    PartialDate::new(year, Some(month), Some(date.day()?.min(28))).ok()
}

fn read(status: u16, body: &[u8]) -> Result<Found, Box<dyn Error>> {
    if status != 200 {
        return Ok(Found::Refused);
    }
    let bundle: Value = serde_json::from_slice(body)?;
    if bundle.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome") {
        return Ok(Found::Several);
    }
    let entries = bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice);
    let [entry, rest @ ..] = entries.unwrap_or_default() else { return Ok(Found::None) };
    if !rest.is_empty() {
        return Ok(Found::Several);
    }
    let number = entry.pointer("/resource/id").and_then(Value::as_str).unwrap_or_default();
    let score = entry.pointer("/search/score").and_then(Value::as_f64).unwrap_or_default();
    Ok(Found::One(number.parse()?, score))
}

/// [`Rule::FirstOfHighScore`].
async fn scored(steps: &[Step], asked: &mut Asked<'_>) -> Result<Verdict, Box<dyn Error>> {
    let mut accepted: Vec<NhsNumber> = Vec::new();
    let mut lower: Option<(NhsNumber, f64)> = None;
    let mut several = false;
    for step in steps {
        match asked.ask(step).await? {
            Found::One(number, score) if score >= ACCEPTED => {
                if !accepted.contains(&number) {
                    accepted.push(number);
                }
            }
            Found::One(number, score) => {
                if lower.is_none_or(|(_, best)| score > best) {
                    lower = Some((number, score));
                }
            }
            Found::Several => several = true,
            Found::None | Found::Refused => {}
        }
    }
    Ok(match (accepted.as_slice(), lower) {
        ([number], _) => Verdict::Number(*number),
        ([], Some((number, _))) => Verdict::Review(vec![number]),
        ([], None) if several => Verdict::Review(Vec::new()),
        ([], None) => Verdict::None,
        _ => Verdict::Review(accepted),
    })
}

/// [`Rule::First`].
async fn first(steps: &[Step], asked: &mut Asked<'_>) -> Result<Verdict, Box<dyn Error>> {
    for step in steps {
        match asked.ask(step).await? {
            Found::One(number, _) => return Ok(Verdict::Number(number)),
            Found::Several => return Ok(Verdict::Review(Vec::new())),
            Found::None | Found::Refused => {}
        }
    }
    Ok(Verdict::None)
}

/// [`Rule::Cascade`].
async fn cascade(steps: &[Step], asked: &mut Asked<'_>) -> Result<Verdict, Box<dyn Error>> {
    let [first, without_history, wildcards @ ..] = steps else { return Ok(Verdict::None) };
    let mut numbers: Vec<NhsNumber> = Vec::new();
    let mut several = false;
    match asked.ask(first).await? {
        Found::One(number, _) => return Ok(Verdict::Number(number)),
        Found::Several => {
            return Ok(match asked.ask(without_history).await? {
                Found::One(number, _) => Verdict::Number(number),
                _ => Verdict::Review(Vec::new()),
            });
        }
        Found::None | Found::Refused => {}
    }
    for step in wildcards {
        match asked.ask(step).await? {
            Found::One(number, _) if !numbers.contains(&number) => numbers.push(number),
            Found::Several => several = true,
            _ => {}
        }
    }
    Ok(match numbers.as_slice() {
        [number] => Verdict::Number(*number),
        [] if several => Verdict::Review(Vec::new()),
        [] => Verdict::None,
        _ => Verdict::Review(numbers),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_months_crosses_the_year() {
        let born: PartialDate = "2001-03-31".parse().unwrap();
        assert_eq!(months(born, -6).unwrap().to_string(), "2000-09-28");
        assert_eq!(months(born, 6).unwrap().to_string(), "2001-09-28");
        let december: PartialDate = "2001-12-05".parse().unwrap();
        assert_eq!(months(december, 6).unwrap().to_string(), "2002-06-05");
    }

    #[test]
    fn a_query_leaves_out_what_the_case_does_not_have() {
        let mut local =
            Local { family: "Smith".into(), birth: "2001-03-31".into(), ..Local::default() };
        let step = |parts| Step { fuzzy: false, exact: false, history: true, parts };
        assert_eq!(query(&step(&[Part::Given, Part::Family]), &local), None);
        let found =
            query(&step(&[Part::Family, Part::Birth, Part::PostcodeStart]), &local).unwrap();
        assert_eq!(found, "family=Smith&birthdate=eq2001-03-31&_history=true&_max-results=1");
        local.birth = "2001".into();
        assert_eq!(query(&step(&[Part::Family, Part::Birth]), &local), None);
    }
}
