use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::review::{Evidence, ReviewItem, ReviewReason, ReviewState, ReviewStep};
use crate::nhs_number::NhsNumber;
use chrono::{DateTime, Utc};

impl Case {
    /// Opens a review item, or updates the evidence of the open item for the same reason. Returns
    /// the number of the item if it is new.
    ///
    /// For reasons that a later response may settle, one item per reason is open at a time. For the
    /// others, one per reason and number.
    pub fn open_item(
        &mut self,
        reason: ReviewReason,
        evidence: &Evidence,
        at: DateTime<Utc>,
    ) -> Option<u32> {
        let same = |item: &&mut ReviewItem| {
            let number = item.evidence.nhs_number == evidence.nhs_number;
            item.is_open() && item.reason == reason && (number || reason.is_settled_by_an_answer())
        };
        if let Some(item) = self.review.iter_mut().find(same) {
            item.evidence = evidence.clone();
            return None;
        }
        Some(self.add_item(reason, evidence.clone(), at).number)
    }

    /// Opens one more review item, also beside one for the same reason.
    pub(crate) fn add_item(
        &mut self,
        reason: ReviewReason,
        evidence: Evidence,
        at: DateTime<Utc>,
    ) -> ReviewItem {
        let last = self.review.iter().map(|item| item.number).max().unwrap_or(0);
        let item = ReviewItem {
            number: last.saturating_add(1),
            reason,
            state: ReviewState::Open,
            opened_at: at,
            assignee: None,
            evidence,
            history: Vec::new(),
        };
        self.review.push(item.clone());
        item
    }

    /// Opens a review item when the local system's number is damaged. When the damaged text is
    /// gone, resolves the item, with `by` as the user. A text that a person has reviewed does not
    /// open a new item.
    pub(crate) fn flag_damaged_number(&mut self, at: DateTime<Utc>, by: &str) {
        let text = self.damaged_number.clone();
        let mut known = false;
        for item in &mut self.review {
            if item.reason != ReviewReason::NumberDamaged {
                continue;
            }
            known |= item.evidence.damaged_number == text;
            if text.is_none() && item.is_open() {
                item.state = ReviewState::Resolved;
                item.history.push(ReviewStep::new(at, by, "corrected"));
            }
        }
        if text.is_some() && !known {
            let evidence = Evidence { damaged_number: text, ..Evidence::default() };
            self.open_item(ReviewReason::NumberDamaged, &evidence, at);
        }
    }

    /// Returns this case, flagged because `newcomer` was found to have its `number` too
    /// (MSCA-DQ-01); `None` when it is already flagged.
    ///
    /// ```
    /// use nhs_pds::case::{Case, RecordType};
    ///
    /// let holder = Case::new("RXX:1".parse()?, RecordType::Review);
    /// let (newcomer, number) = ("RXX:2".parse()?, "9434765919".parse()?);
    /// let at = "2026-11-23T09:30:00Z".parse()?;
    /// let flagged = holder.flag_duplicate(&newcomer, number, at).ok_or("flagged already")?;
    /// assert!(flagged.flag_duplicate(&newcomer, number, at).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn flag_duplicate(
        &self,
        newcomer: &CaseId,
        number: NhsNumber,
        at: DateTime<Utc>,
    ) -> Option<Self> {
        let mut flagged = self.clone();
        let known = flagged.review.iter_mut().find(|item| {
            item.is_open()
                && item.reason == ReviewReason::Duplicate
                && item.evidence.nhs_number == Some(number)
        });
        match known {
            Some(item) if item.evidence.others.contains(newcomer) => return None,
            Some(item) => item.evidence.others.push(newcomer.clone()),
            None => {
                let others = vec![newcomer.clone()];
                let evidence = Evidence { nhs_number: Some(number), others, ..Evidence::default() };
                flagged.open_item(ReviewReason::Duplicate, &evidence, at);
            }
        }
        Some(flagged)
    }
}
