use super::call::MeshCall;
use http::StatusCode;

/// A fault of one call to MESH.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MeshFault {
    /// The connection is closed, and the call has no effect.
    Cut,
    /// The connection is closed after the call took effect, without its response.
    CutAfterEffect,
    /// This status, such as 503, and no effect.
    Status(StatusCode),
    /// This status, such as 504, after the call took effect.
    StatusAfterEffect(StatusCode),
}

/// A fault that waits for its call.
#[derive(Debug)]
pub(super) struct Waiting {
    call: MeshCall,
    /// The number of calls before it.
    skip: u64,
    fault: MeshFault,
}

/// The faults in use, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Waiting>);

impl Faults {
    pub(super) fn add(&mut self, call: MeshCall, skip: u64, fault: MeshFault) {
        self.0.push(Waiting { call, skip, fault });
    }

    /// Returns the fault of the next call, which is of this kind.
    pub(super) fn meet(&mut self, call: MeshCall) -> Option<MeshFault> {
        let mut met = None;
        for (place, waiting) in self.0.iter_mut().enumerate() {
            if waiting.call != call && waiting.call != MeshCall::Any {
                continue;
            }
            if waiting.skip > 0 {
                waiting.skip -= 1;
            } else if met.is_none() {
                met = Some(place);
            }
        }
        met.map(|place| self.0.remove(place).fault)
    }
}
