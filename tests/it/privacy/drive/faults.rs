//! Every fault of the simulator.

use super::{ALL_ANSWERS, Chosen, ask_everything, client, simulator};
use crate::privacy::ears::Ears;
use crate::privacy::person::{FAMILY, NOTE, NUMBER};
use crate::privacy::samples::http::authority;
use crate::privacy::samples::questions::find;
use crate::privacy::samples::us;
use crate::privacy::source::Source;
use http::StatusCode;
use http::header::{HeaderValue, SERVER};
use nhs_pds::smsp::ResponseCode;
use nhs_pds::trace::{Caller, Unattended};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{Error, ErrorKind, Scripted};
use nhs_pds_simulator::{Fault, FaultMix, Server, Simulator, When};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

/// Every kind of fault, with the person in each place that a provider or a proxy could fill.
pub(super) fn faults() -> Vec<Fault> {
    let page = format!("<html><title>{FAMILY}</title>{NOTE} {NUMBER}</html>");
    let codes = ResponseCode::known().map(|code| code.to_string());
    let mut faults: Vec<Fault> =
        codes.chain([FAMILY.into(), "X-1".into()]).map(Fault::code).collect();
    for code in ["1000", "2100", "2200", "3000", FAMILY] {
        faults.extend([Fault::soap("soap:Client", code), Fault::soap(FAMILY, code)]);
    }
    for status in [200, 204, 302, 400, 401, 404, 408, 413, 429, 500, 501, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        faults.push(Fault::Http { status, body: page.clone().into() });
    }
    faults.extend([Fault::Cut, Fault::CutHalfWay, Fault::Garbage]);
    faults.push(Fault::Delay(Duration::from_millis(20)));
    let header = HeaderValue::from_bytes(FAMILY.as_bytes()).unwrap();
    faults.push(Fault::code("SMSP-9999").with_header(SERVER, header));
    faults
}

#[test]
fn every_fault_of_the_simulator_is_met() {
    let source = Source::read([]);
    let declared = source.types.iter().find(|t| t.path == "nhs_pds_simulator::fault::Fault");
    let met: Vec<String> = faults().iter().map(|fault| format!("{fault:?}")).collect();
    for variant in &declared.unwrap().variants {
        assert!(met.iter().any(|fault| fault.starts_with(variant)), "{variant} is not met");
    }
}

fn broken(fault: &Fault) -> Simulator {
    let simulator = simulator();
    simulator.add_fault(When::Always, fault.clone());
    simulator
}

pub(super) async fn in_process(ears: &Ears) -> String {
    let whole = client("https://host.example/smsp", Arc::new(simulator()));
    assert_eq!(ask_everything(ears, &whole).await, ALL_ANSWERS);
    let mut said = ears.assert_silent("no fault, in process");
    for fault in faults() {
        let simulator = broken(&fault);
        ask_everything(
            ears,
            &client("https://host.example/smsp", Arc::new(Chosen(simulator.clone()))),
        )
        .await;
        assert!(simulator.request_count() > 12);
        said += &ears.assert_silent(&format!("{fault:?}, in process"));
    }
    let simulator = simulator();
    simulator.set_fault_mix(Some(FaultMix::soak(1, Duration::from_millis(1))));
    for _ in 0..9 {
        ask_everything(ears, &client("https://host.example/smsp", Arc::new(simulator.clone())))
            .await;
    }
    said += &ears.assert_silent("a mix of faults, in process");
    said + &without_script(ears).await
}

/// A mock that gets one request too many panics.
async fn without_script(ears: &Ears) -> String {
    let script = Scripted::new([Err(Error::new(ErrorKind::Interrupted))]);
    let client = client("https://host.example/smsp", Arc::new(script));
    let (caller, question) = (Caller::System(us()), find::<Unattended>());
    let asking = async || client.get_nhs_number(&caller, &question).await;
    ears.result(&asking().await);
    let mut late = pin!(asking());
    let mut context = Context::from_waker(Waker::noop());
    let panicked = catch_unwind(AssertUnwindSafe(|| late.as_mut().poll(&mut context).is_ready()));
    assert!(panicked.is_err());
    ears.assert_silent("a mock without a script")
}

pub(super) async fn over_http(ears: &Ears) -> String {
    let mut said = String::new();
    for fault in [None].into_iter().chain(faults().into_iter().map(Some)) {
        let simulator = fault.as_ref().map_or_else(simulator, broken);
        let server = Server::start(simulator.clone()).await.unwrap();
        let mut config = HttpConfig::new().with_root_certificates_pem(authority().pem());
        let is_late = matches!(fault, Some(Fault::Delay(_)));
        if is_late {
            config = config.with_total_timeout(Duration::from_millis(5));
        }
        let transport = HttpTransport::new(&config).unwrap();
        let answers = ask_everything(ears, &client(&server.url(), Arc::new(transport))).await;
        assert!(fault.is_some() || answers == ALL_ANSWERS);
        // On a slow machine the deadline may pass before any request is sent.
        assert!(is_late || simulator.request_count() > 0);
        ears.value(&(server, config));
        said += &ears.assert_silent(&format!("{fault:?}, over HTTP"));
    }
    said
}
