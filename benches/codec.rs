//! Decodes a response of about 4 KB. The baseline reads the same bytes with quick-xml's `NsReader` only.
//!
//! `benches/ratios.py` compares the two and checks the limit.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nhs_pds::smsp::{Limits, decode};
use quick_xml::NsReader;
use quick_xml::events::Event;
use std::hint::black_box;

/// A full response of 4 KB.
const DETAILS: &[u8] = include_bytes!("../tests/data/smsp/details.xml");

/// Reads every token with its namespace, and ignores it.
fn bare_pass(bytes: &[u8]) -> usize {
    let mut reader = NsReader::from_reader(bytes);
    let mut tokens = 0;
    loop {
        match reader.read_resolved_event() {
            Ok((_, Event::Eof)) => return tokens,
            Ok((namespace, event)) => {
                black_box((namespace, event));
                tokens += 1;
            }
            Err(error) => panic!("the message under test is not XML: {error}"),
        }
    }
}

fn decode_details(criterion: &mut Criterion) {
    assert!(decode(DETAILS, Limits::default()).is_ok(), "the message under test is a response");
    let mut group = criterion.benchmark_group("codec/decode_details");
    group.throughput(Throughput::Bytes(DETAILS.len() as u64));
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter(|| black_box(decode(black_box(DETAILS), Limits::default())));
    });
    group.bench_function(BenchmarkId::from_parameter("ns_reader"), |bencher| {
        bencher.iter(|| black_box(bare_pass(black_box(DETAILS))));
    });
    group.finish();
}

criterion_group!(benches, decode_details);
criterion_main!(benches);
