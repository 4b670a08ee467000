//! Writes a letter about a care assessment, as an HTML page to print on A4: with the NHS Number in groups
//! of 3, 3 and 4, its bar code, the label for personal data, and the page number.
//!
//! The person in the letter is invented, and the number was never issued. `--advisory superseded` shows a
//! refusal: the command says why the number may not be printed, and writes nothing.

use crate::console::{about, say, warn};
use crate::private::PrivateFile;
use nhs_pds::case::{Advisory, AdvisoryKind, Case, NumberSource, RecordType, RecordedNumber};
use nhs_pds::correspondence::{CONFIDENTIAL, PageNumber, PrintableNumber, printable};
use nhs_pds::demographics::PartialDate;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes an example letter with an NHS Number and its bar code
///
/// The person is invented, and the number was never issued. If the number may not be printed, the command says why
/// and writes nothing.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 written, 1 the number may not be printed, 2 the page cannot be written"
)]
pub(crate) struct Args {
    /// The file for the page. On Unix, only its owner may read it.
    #[arg(long, default_value = "target/letter/letter.html")]
    out: PathBuf,
    /// An advisory to add to the case: invalid, superseded, duplicate, under_investigation,
    /// replaced or deceased.
    #[arg(long, value_parser = advisory_kind)]
    advisory: Option<AdvisoryKind>,
}

/// Whether the letter was written.
pub(crate) fn run(options: &Args) -> Result<bool, Box<dyn Error>> {
    let case = case()?;
    let further = options.advisory.map(|kind| Advisory::new(kind, "added by hand"));

    let number = match printable(&case, further.as_slice()) {
        Ok(number) if number.is_deceased() => {
            warn("not written: the person has died, and this letter is to them");
            return Ok(false);
        }
        Ok(number) => number,
        Err(refusal) => {
            warn(format!("not written: {refusal}"));
            return Ok(false);
        }
    };
    let page = page(&case, number, PageNumber::new(1, 1)?);
    write(&options.out, &page).map_err(|error| about(&options.out, &error))?;
    say(&format!("written to {}\n", options.out.display()))?;
    Ok(true)
}

fn write(place: &Path, page: &str) -> io::Result<()> {
    let file = PrivateFile::begin(place)?;
    file.file().write_all(page.as_bytes())?;
    file.finish()
}

fn advisory_kind(text: &str) -> Result<AdvisoryKind, String> {
    use AdvisoryKind::{Deceased, Duplicate, Invalid, Replaced, Superseded, UnderInvestigation};
    [Invalid, Superseded, Duplicate, UnderInvestigation, Replaced, Deceased]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| "there is no such advisory".to_owned())
}

/// An invented person, whose number was traced, as the local system knows.
fn case() -> Result<Case, Box<dyn Error>> {
    let mut case = Case::new("DEMO:00417".parse()?, RecordType::Review);
    case.forename = Some("Philippa".to_owned());
    case.surname = Some("Quentinsson".to_owned());
    case.date_of_birth = Some("1943-05-19".parse()?);
    case.address =
        ["Flat 2", "Mint & Thyme House", "14 Sample Row", "Exampleton", ""].map(Into::into);
    case.postcode = Some("ZZ99 3WZ".to_owned());
    let source = NumberSource::Imported(Some("SMSP".to_owned()));
    case.nhs_number = Some(RecordedNumber::new("943 476 5919".parse()?, source));
    Ok(case)
}

/// The whole page. It loads nothing from another place.
fn page(case: &Case, number: PrintableNumber, page: PageNumber) -> String {
    let text = |field: &Option<String>| escape(field.as_deref().unwrap_or_default());
    let (forename, surname) = (text(&case.forename), text(&case.surname));
    let lines = case.address.iter().chain(&case.postcode).filter(|line| !line.is_empty());
    let address: Vec<String> = lines.map(|line| escape(line)).collect();
    let born = case.date_of_birth.and_then(PartialDate::full);
    let born = born.map(|born| born.date().format("%-d %B %Y").to_string()).unwrap_or_default();
    TEMPLATE
        .replace("{css}", CSS)
        .replace("{label}", &escape(CONFIDENTIAL))
        .replace("{reference}", &escape(&case.id.to_string()))
        .replace("{number}", &escape(&number.to_string()))
        .replace("{bar_code}", &number.bar_code().with_text().svg())
        .replace("{page}", &escape(&page.to_string()))
        .replace("{born}", &escape(&born))
        .replace("{address}", &address.join("<br>"))
        .replace("{forename}", &forename)
        .replace("{surname}", &surname)
}

/// Text with HTML's special characters escaped, for content and attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

const TEMPLATE: &str = r#"<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<title>Your care assessment</title>
<style>{css}</style>
</head>
<body>
<main class="sheet">
<header>
  <p class="label">{label}</p>
  <div class="sender"><strong>Exampleton Council</strong><br>Adult Social Care<br>Civic Hall, Exampleton ZZ99 1AA</div>
</header>
<section class="top">
  <address>{forename} {surname}<br>{address}</address>
  <div class="identity">
    <table>
      <tr><th>NHS Number</th><td class="number">{number}</td></tr>
      <tr><th>Date of birth</th><td>{born}</td></tr>
      <tr><th>Our reference</th><td>{reference}</td></tr>
    </table>
    <div class="bar-code">{bar_code}</div>
  </div>
</section>
<section class="letter">
  <p>24 November 2026</p>
  <p>Dear {forename} {surname},</p>
  <h1>Your care assessment</h1>
  <p>Thank you for meeting us on 17 November. We talked about how you manage at home, what you would
  like help with, and who helps you now. This letter sets out what happens next.</p>
  <ol>
    <li>We send you the written assessment within ten working days. Please read it, and let us
    know what is wrong or missing.</li>
    <li>An occupational therapist calls you to arrange a visit about the bathroom.</li>
    <li>We agree a support plan with you, and look at it again after six weeks.</li>
  </ol>
  <p>Your NHS Number is above. Please have it ready when you call us or see your GP: it shows us
  that we all mean the same person.</p>
  <p>Yours sincerely,</p>
  <p class="signature">Jo Sampleworth<br>Social worker, Care &amp; Support</p>
</section>
<footer><span>{label}</span><span>{page}</span></footer>
</main>
</body>
</html>
"#;

// The quiet zone of the bar code, 10 of 110 modules, reaches into the margin, so that bars and table
// end together.
const CSS: &str = "
@page { size: A4; margin: 0; }
* { box-sizing: border-box; }
body { margin: 0; background: #e8e8e8; color: #000; font: 11pt/1.45 Arial, Helvetica, sans-serif; }
.sheet { display: flex; flex-direction: column; width: 210mm; height: 297mm; margin: 8mm auto;
  padding: 14mm 20mm 12mm; background: #fff; }
header { display: flex; justify-content: space-between; align-items: flex-start; }
.label { margin: 0; padding: 1.5mm 3mm; border: 0.4mm solid #000; font-size: 9pt; font-weight: bold; }
.sender { text-align: right; font-size: 9.5pt; }
.top { display: flex; justify-content: space-between; margin-top: 16mm; }
address { font-style: normal; }
.identity { width: 66mm; }
table { width: 100%; border-collapse: collapse; font-size: 9.5pt; }
th { padding: 0.6mm 0; font-weight: normal; text-align: left; }
td { padding: 0.6mm 0; text-align: right; white-space: nowrap; }
.number { font-weight: bold; font-size: 11pt; }
.bar-code { width: 46mm; margin: 3mm -4.2mm 0 auto; }
.bar-code svg { display: block; width: 100%; }
.letter { flex: 1; margin-top: 12mm; }
h1 { margin: 0 0 3mm; font-size: 12pt; }
li { margin-bottom: 1.5mm; }
.signature { margin-top: 16mm; }
footer { display: flex; justify-content: space-between; padding-top: 2mm; border-top: 0.2mm solid #000;
  font-size: 8.5pt; }
@media print { body { background: none; } .sheet { margin: 0; } }
";
