//! The data quality: the figures of the last count, plots and trends (MSCA-DQ-05). No page of it reads the cases: a user
//! has them counted.

mod chart;
mod count;
mod figures;

use crate::app::App;
use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::rights::Right;
use crate::routes::Routes;
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use chart::{Bars, Trend};
pub(crate) use count::Counted;
use count::Started;
use figures::{Figure, TrendRow};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use nhs_pds::audit::EventKind;
use nhs_pds::report::{self, Figures};
use std::collections::BTreeSet;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/quality", Right::ViewQuality, show)
        .post("/quality/count", Right::ViewQuality, count_again)
        .get("/quality/figures.csv", Right::ViewQuality, figures_csv)
        .get("/quality/trends.csv", Right::ViewQuality, trends_csv)
        .post("/quality/report.csv", Right::ViewQuality, report_csv)
}

#[derive(Template)]
#[template(path = "quality/quality.html")]
struct QualityPage {
    layout: Layout,
    done: &'static str,
    /// When the cases were counted; `None` before the first count.
    counted: Option<String>,
    /// How far a count in progress is.
    progress: Option<String>,
    has_failed: bool,
    /// When the rows were counted that this server has.
    rows_of: Option<String>,
    headline: Vec<Figure>,
    plots: Vec<Bars>,
    trends: Vec<Trend>,
    trend_rows: Vec<TrendRow>,
    /// How many counts there are.
    counts: String,
}

async fn show(visitor: Visitor) -> Result<Response, PageError> {
    let (app, now) = (&visitor.app, visitor.app.clock.now());
    let cases = app.store.cases();
    let (last, history) = (report::last(cases).await?, report::history(cases).await?);
    let (count, _) = count::read(cases).await?;
    let running = count.filter(|count| count.is_running(now));
    let progress = running.map(|count| {
        let seen = view::counted(count.seen, "case", "cases");
        let of = last.as_ref().map(|last| last.count("cases:all")).filter(|all| *all > 0);
        let of = of.map_or(String::new(), |all| format!(" of about {}", view::count(all)));
        format!("{seen}{of} since {}", view::time(count.began))
    });
    let done = match visitor.done.as_deref() {
        Some("counted") => "The cases are counted.",
        Some("before") => "A count is in progress already.",
        _ => "",
    };
    page(&QualityPage {
        layout: visitor.layout("Data quality", "/quality"),
        done,
        counted: last.as_ref().map(|last| view::time(last.at)),
        progress,
        has_failed: count.is_some_and(|count| count.has_failed(now)),
        rows_of: app.counted.rows().map(|rows| view::time(rows.at)),
        headline: last.as_ref().map(figures::headline).unwrap_or_default(),
        plots: last.as_ref().map(|last| figures::plots(app, last)).unwrap_or_default(),
        trends: figures::trends(&history),
        trend_rows: figures::rows(&history),
        counts: view::counted(history.len() as u64, "count", "counts"),
    })
}

async fn count_again(visitor: Visitor) -> Result<Response, PageError> {
    let word = match count::start(&visitor.app, &visitor.actor()).await? {
        Started::Counted => "counted",
        Started::Counting => "counting",
        Started::Before => "before",
    };
    Ok(Redirect::to(&visitor.app.path(&format!("/quality?done={word}"))).into_response())
}

/// The figures of the last count. They have nothing of a person.
async fn figures_csv(visitor: Visitor) -> Result<Response, PageError> {
    let last = report::last(visitor.app.store.cases()).await?.ok_or(PageError::NotFound)?;
    let mut rows = vec![vec!["figure".to_owned(), "value".to_owned()]];
    rows.push(vec!["report:at".to_owned(), last.at.to_rfc3339()]);
    rows.extend(last.counts.iter().map(|(name, count)| vec![name.clone(), count.to_string()]));
    file("data-quality-figures.csv", csv(&rows)?)
}

/// All counts that are kept, one in each row.
async fn trends_csv(visitor: Visitor) -> Result<Response, PageError> {
    let history: Vec<Figures> = report::history(visitor.app.store.cases()).await?;
    let names: BTreeSet<&String> =
        history.iter().flat_map(|figures| figures.counts.keys()).collect();
    let heading =
        std::iter::once("report:at".to_owned()).chain(names.iter().map(|name| (*name).clone()));
    let mut rows = vec![heading.collect::<Vec<_>>()];
    rows.extend(history.iter().map(|figures| {
        let count =
            |name: &&String| figures.counts.get(*name).map(u64::to_string).unwrap_or_default();
        std::iter::once(figures.at.to_rfc3339()).chain(names.iter().map(count)).collect()
    }));
    file("data-quality-trends.csv", csv(&rows)?)
}

/// The rows of the last count of this server. They have ids of cases, so the download is on record first.
async fn report_csv(visitor: Visitor) -> Result<Response, PageError> {
    let app = &visitor.app;
    let rows = app.counted.rows().ok_or(PageError::NotFound)?;
    let exported = app.event(EventKind::CasesExported, &visitor.actor());
    app.store.audit().append(vec![exported.with_detail("what", "report")]).await?;
    file("data-quality-report.csv", rows.csv.clone())
}

fn csv(rows: &[Vec<String>]) -> Result<String, PageError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let cells = row.iter().map(|text| nhs_pds::text::spreadsheet::cell(text).into_owned());
        writer.write_record(cells).map_err(|_| PageError::Failed)?;
    }
    let bytes = writer.into_inner().map_err(|_| PageError::Failed)?;
    String::from_utf8(bytes).map_err(|_| PageError::Failed)
}

fn file(name: &str, csv: String) -> Result<Response, PageError> {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, csv).into_response())
}

/// The open items of the last count, for the home page: what they are, and what to do.
pub(crate) async fn open_items(app: &App) -> Result<Option<(String, String)>, PageError> {
    let last = report::last(app.store.cases()).await?;
    Ok(last.filter(|last| last.count("review:open") > 0).map(|last| {
        let open = last.count("review:open");
        let oldest = last.oldest_item.map_or(String::new(), |at| {
            format!("The oldest has been open for {}. ", view::length(app.clock.now() - at))
        });
        let items = view::counted(open, "item was open", "items were open");
        let what = format!("{items} on the worklist at the last count");
        (what, format!("{oldest}Counted on {}.", view::time(last.at)))
    }))
}
