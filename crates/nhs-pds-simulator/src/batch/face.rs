use super::answer::Tracing;
use super::exchange::{answer, answer_mpt, failed};
use super::fault::BatchFaultMix;
use super::request::Request;
use super::response::Lines;
use super::style::BatchStyle;
use super::summary::BatchSummary;
use crate::error::Error;
use crate::service::Simulator;
use std::io::{BufReader, BufWriter, Read, Write};
use std::sync::Arc;

/// How files are answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchFace {
    style: BatchStyle,
    faults: Arc<BatchFaultMix>,
}

impl Simulator {
    /// Sets how responses by file look, and which traces are made.
    #[must_use]
    pub const fn with_batch_style(mut self, style: BatchStyle) -> Self {
        self.batch.style = style;
        self
    }

    /// Sets the faults that affect a share of the rows of each response by file. The faults of requests do not affect
    /// rows.
    #[must_use]
    pub fn with_batch_faults(mut self, faults: BatchFaultMix) -> Self {
        self.batch.faults = Arc::new(faults);
        self
    }

    /// Reads a PDS MESH or MPT request by file, and writes its response. The [crate's documentation](crate) has the
    /// rules.
    ///
    /// Keeps one row in memory at a time. The rows of an MPT response are kept until all of them are known.
    ///
    /// ```
    /// use nhs_pds_simulator::{Register, Simulator};
    ///
    /// let simulator = Simulator::new(Register::from_seed(1, 100));
    /// let request = "UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH\n\
    ///                3f1c,9991234578,19840229\n";
    /// let mut response = Vec::new();
    /// let summary = simulator.answer_batch(request.as_bytes(), &mut response)?;
    /// assert_eq!((summary.read, summary.codes["98"]), (1, 1));
    /// assert!(response.starts_with(b"UNIQUE REFERENCE,REQ_NHS_NUMBER,FAMILY_NAME,"));
    /// # Ok::<(), nhs_pds_simulator::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BatchHeader`](crate::ErrorKind::BatchHeader) when the first line is not that of a request,
    /// [`ErrorKind::BatchRead`](crate::ErrorKind::BatchRead) and [`ErrorKind::BatchWrite`](crate::ErrorKind::BatchWrite)
    /// when a file fails.
    pub fn answer_batch(
        &self,
        request: impl Read,
        response: impl Write,
    ) -> Result<BatchSummary, Error> {
        let mut request = Request::open(BufReader::new(request))?;
        let mut to = BufWriter::new(response);
        let register = Arc::clone(&self.shared().register);
        let style = self.batch.style;
        let tracing = Tracing {
            register: &register,
            rules: self.rules(self.clock.now()),
            algorithmic: style.algorithmic_trace,
        };
        let faults = &self.batch.faults;
        let summary = if let Some(header) = request.mpt.take() {
            let lines = Lines::of_mpt(style);
            answer_mpt(&lines, &header, style.row_limit, &mut to, |body| {
                answer(&tracing, &lines, faults, style.row_limit, &mut request, body)
            })
        } else {
            let lines = Lines::of_mesh(style);
            let header = lines.start().to_owned() + &lines.line(&lines.names());
            to.write_all(header.as_bytes()).map_err(failed)?;
            answer(&tracing, &lines, faults, style.row_limit, &mut request, &mut to)
        }?;
        to.flush().map_err(failed)?;
        Ok(summary)
    }
}
