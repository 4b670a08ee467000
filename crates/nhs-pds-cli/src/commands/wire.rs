//! Shows Spine Mini Service messages: writes a request as it is sent, and reads a response as it was received.
//!
//! `encode` writes an unattended question unless `--attended` is given. Only an attended question may have
//! wildcards in a name or a postcode, or a partial date of birth.
//!
//! `decode` prints the fields of the message, and what this library concludes from it: `outcome` is the name of
//! the answer, and `verified`, in an answer to verifyNHSNumber, says whether the number is verified. Some
//! providers send the flag `true` with a code that contradicts it, so the flag itself has the name
//! `verified_flag`.

use crate::console::{self, about, say, say_json};
use clap::Subcommand;
use nhs_pds::clock::SystemClock;
use nhs_pds::demographics::{Demographics, Gender};
use nhs_pds::ids::RandomIds;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::smsp::{
    self, Body, Config, Limits, Operation, PatientDetails, Request, ResponseMessage, Stamp,
};
use nhs_pds::trace::{
    Attended, Caller, FetchDetails, FindPerson, LocalIdentifier, LocalIdentity, Mode, Outcome,
    Unattended, User, VerifyNumber,
};
use serde::Serialize;
use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

/// Shows Spine Mini Service messages as they are sent and received
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 printed, 2 the question or the message was refused, with the reason"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the complete SOAP request for an operation
    Encode(Question),
    /// Prints a SOAP response as JSON
    Decode {
        /// A file with one SOAP message.
        file: PathBuf,
    },
}

#[derive(clap::Args)]
struct Question {
    /// verifyNHSNumber, getNHSNumber, getPatientDetailsByNHSNumber, getPatientDetailsBySearch or
    /// getPatientDetails (which needs --nhs-number, or --family and --gender).
    operation: String,
    /// A person will confirm the match: wildcards and partial dates are allowed.
    #[arg(long)]
    attended: bool,
    /// The NHS Number: ten digits, without spaces, `3 3 4` or `3-3-4`.
    #[arg(long)]
    nhs_number: Option<String>,
    /// The date of birth, YYYYMMDD; attended also YYYYMM and YYYY.
    #[arg(long)]
    date_of_birth: Option<String>,
    /// The surname.
    #[arg(long, allow_hyphen_values = true)]
    family: Option<String>,
    /// The first given name.
    #[arg(long, allow_hyphen_values = true)]
    given: Option<String>,
    /// The gender: 1 male, 2 female, 9 not specified, 0 not known.
    #[arg(long)]
    gender: Option<String>,
    /// The postcode of the usual address.
    #[arg(long)]
    postcode: Option<String>,
    /// A local identifier: an OID, a colon, and the identifier.
    #[arg(long, value_name = "ROOT:EXT")]
    local_id: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<bool, Refused> {
    match &args.command {
        Command::Encode(question) => say(&format!("{}\n", encode(question)?))?,
        Command::Decode { file } => say_json(&decode(file)?)?,
    }
    Ok(true)
}

type Refused = Box<dyn Error>;

fn encode(question: &Question) -> Result<String, Refused> {
    if question.attended {
        let user = User::Local(LocalIdentity::new("RHM".parse()?, "jane.doe")?);
        message(&request::<Attended>(question)?, &user)
    } else {
        message(&request::<Unattended>(question)?, &Caller::System(us()?))
    }
}

fn us() -> Result<LocalIdentity, Refused> {
    Ok(LocalIdentity::new("RHM".parse()?, "nhs-pds-example")?)
}

fn message<M: Mode>(request: &Request<M>, caller: &M::Caller) -> Result<String, Refused> {
    let config = Config::new("https://smsp.example/smsp/pds".parse()?, us()?);
    let stamp = Stamp::fresh(&SystemClock, &RandomIds);
    let message = smsp::encode(request, caller, &config, &stamp);
    Ok(String::from_utf8(message.expose().trim_ascii_end().to_vec())?)
}

/// The request, if the types allow it.
fn request<M: Mode>(args: &Question) -> Result<Request<M>, Refused> {
    let operation: Operation = args.operation.parse()?;
    match operation {
        Operation::VerifyNhsNumber => {
            args.refuse(operation, &["gender", "postcode", "local-id"])?;
            let question =
                VerifyNumber::<M>::in_mode(args.nhs_number()?, args.date_of_birth::<M>()?);
            let question = with(question, args.family::<M>()?, VerifyNumber::with_family);
            let question = with(question, args.given::<M>()?, VerifyNumber::with_given);
            Ok(Request::verify_nhs_number(&question))
        }
        Operation::GetNhsNumber => {
            args.refuse(operation, &["nhs-number"])?;
            Ok(Request::get_nhs_number(&find::<M>(args)?))
        }
        Operation::GetPatientDetailsByNhsNumber => {
            args.refuse(operation, &["gender", "postcode"])?;
            Ok(Request::get_patient_details_by_nhs_number(&fetch::<M>(args)?))
        }
        Operation::GetPatientDetailsBySearch => {
            args.refuse(operation, &["nhs-number"])?;
            Ok(Request::get_patient_details_by_search(&find::<M>(args)?))
        }
        Operation::GetPatientDetails if args.nhs_number.is_some() => {
            let question = PatientDetails::by_nhs_number(&fetch::<M>(args)?);
            let question = with(question, args.gender()?, PatientDetails::with_gender);
            let question = with(question, args.postcode::<M>()?, PatientDetails::with_postcode);
            Ok(Request::get_patient_details(&question))
        }
        Operation::GetPatientDetails => {
            Ok(Request::get_patient_details(&PatientDetails::by_search(&find::<M>(args)?)))
        }
        other => Err(format!("this program does not know {other}").into()),
    }
}

fn find<M: Mode>(args: &Question) -> Result<FindPerson<M>, Refused> {
    let family = args.family::<M>()?.ok_or("--family is needed to search")?;
    let gender = args.gender()?.ok_or("--gender is needed to search")?;
    let question = FindPerson::in_mode(family, gender, args.date_of_birth::<M>()?);
    let question = with(question, args.given::<M>()?, FindPerson::with_given);
    let question = with(question, args.postcode::<M>()?, FindPerson::with_postcode);
    Ok(with(question, args.local_id()?, FindPerson::with_local_identifier))
}

fn fetch<M: Mode>(args: &Question) -> Result<FetchDetails<M>, Refused> {
    let question = FetchDetails::in_mode(args.nhs_number()?, args.date_of_birth::<M>()?);
    let question = with(question, args.family::<M>()?, FetchDetails::with_family);
    let question = with(question, args.given::<M>()?, FetchDetails::with_given);
    Ok(with(question, args.local_id()?, FetchDetails::with_local_identifier))
}

/// `question` with `value`, if it is given.
fn with<Q, V>(question: Q, value: Option<V>, add: fn(Q, V) -> Q) -> Q {
    match value {
        Some(value) => add(question, value),
        None => question,
    }
}

impl Question {
    fn nhs_number(&self) -> Result<NhsNumber, Refused> {
        Ok(parse("nhs-number", self.nhs_number.as_deref())?.ok_or("--nhs-number is needed")?)
    }

    fn date_of_birth<M: Mode>(&self) -> Result<M::Date, Refused> {
        let date = self.date_of_birth.as_deref();
        Ok(parse("date-of-birth", date)?.ok_or("--date-of-birth is needed")?)
    }

    fn family<M: Mode>(&self) -> Result<Option<M::Name>, Refused> {
        parse("family", self.family.as_deref())
    }

    fn given<M: Mode>(&self) -> Result<Option<M::Name>, Refused> {
        parse("given", self.given.as_deref())
    }

    fn gender(&self) -> Result<Option<Gender>, Refused> {
        parse("gender", self.gender.as_deref())
    }

    fn postcode<M: Mode>(&self) -> Result<Option<M::Postcode>, Refused> {
        parse("postcode", self.postcode.as_deref())
    }

    fn local_id(&self) -> Result<Option<LocalIdentifier>, Refused> {
        let Some(text) = self.local_id.as_deref() else { return Ok(None) };
        let (root, extension) = text.split_once(':').ok_or("--local-id: ROOT:EXT is needed")?;
        let id = LocalIdentifier::new(root, extension);
        Ok(Some(id.map_err(|reason| format!("--local-id: {reason}"))?))
    }

    /// Refuses options that are not parameters of the operation.
    fn refuse(&self, operation: Operation, options: &[&str]) -> Result<(), Refused> {
        let given = [
            ("gender", &self.gender),
            ("postcode", &self.postcode),
            ("local-id", &self.local_id),
            ("nhs-number", &self.nhs_number),
        ];
        for (option, value) in given {
            if value.is_some() && options.contains(&option) {
                return Err(format!("--{option} is not a parameter of {operation}").into());
            }
        }
        Ok(())
    }
}

fn parse<T: FromStr<Err: Display>>(option: &str, text: Option<&str>) -> Result<Option<T>, Refused> {
    text.map(|text| text.parse().map_err(|reason| format!("--{option}: {reason}").into()))
        .transpose()
}

/// A response as JSON: a key is absent when the field was not returned, and `""` when it is blank.
#[derive(Serialize)]
struct Decoded {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relates_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The library's conclusion: the name of the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// The library's conclusion; only for an answer to verifyNHSNumber.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    /// The flag in the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_flag: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nhs_number: Option<NhsNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_identifier: Option<DecodedIdentifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Demographics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<DecodedFault>,
}

#[derive(Serialize)]
struct DecodedIdentifier {
    root: String,
    extension: String,
}

#[derive(Serialize)]
struct DecodedFault {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    toolkit_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    toolkit_text: Option<String>,
}

fn decode(file: &std::path::Path) -> Result<String, Refused> {
    let bytes = console::read(file)?;
    let message = smsp::decode(&bytes, Limits::default()).map_err(|error| about(file, &error))?;
    Ok(serde_json::to_string_pretty(&decoded(message))?)
}

fn decoded(message: ResponseMessage) -> Decoded {
    let mut decoded = Decoded {
        operation: None,
        message_id: message.message_id,
        relates_to: message.relates_to,
        code: None,
        outcome: None,
        verified: None,
        verified_flag: None,
        nhs_number: None,
        local_identifier: None,
        details: None,
        fault: None,
    };
    match message.body {
        Body::Response(response) => {
            decoded.operation = Some(response.operation.as_str());
            decoded.code = Some(response.code.to_string());
            let outcome = response.outcome();
            decoded.outcome = outcome.as_ref().map(Outcome::as_str);
            if response.operation == Operation::VerifyNhsNumber {
                decoded.verified =
                    outcome.as_ref().map(|outcome| matches!(outcome, Outcome::Found(_)));
            }
            decoded.verified_flag = response.verified;
            decoded.nhs_number = response.nhs_number;
            decoded.local_identifier = response.local_identifier.map(|id| DecodedIdentifier {
                root: id.root().to_owned(),
                extension: id.extension().to_owned(),
            });
            decoded.details = response.person;
        }
        Body::Fault(fault) => {
            decoded.fault = Some(DecodedFault {
                code: fault.code,
                text: fault.text,
                toolkit_code: fault.toolkit_code,
                toolkit_text: fault.toolkit_text,
            });
        }
        _ => {}
    }
    decoded
}
