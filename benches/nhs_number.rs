//! Reads NHS Numbers. The baseline is the published crate `nhs-number`, on the same numbers in the same run.
//!
//! `benches/ratios.py` compares the two and checks the limits.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nhs_number::NHSNumber;
use nhs_pds::nhs_number::{NhsNumber, lines};
use std::hint::black_box;
use std::time::Duration;

/// Numbers of ten bare digits, over all ranges. One in ten has a wrong check digit, at places that a
/// branch predictor cannot predict.
fn numbers(count: usize) -> Vec<String> {
    let stems = (1_u64..).map(|index| index.wrapping_mul(618_033_989) % 1_000_000_000);
    let valid = stems.filter_map(|stem| {
        (stem * 10..stem * 10 + 10).find(|value| NhsNumber::new(*value).is_ok())
    });
    let mixed = valid.map(|value| match value / 10 % 97 % 10 {
        3 => value - value % 10 + (value + 1) % 10,
        _ => value,
    });
    mixed.take(count).map(|value| format!("{value:010}")).collect()
}

/// The published crate's parse and its separate check, as one result.
fn published(text: &str) -> Option<NHSNumber> {
    text.parse().ok().filter(NHSNumber::validate_check_digit)
}

fn one(criterion: &mut Criterion) {
    let numbers = numbers(2_000);
    let mut group = criterion.benchmark_group("nhs_number/one");
    group.throughput(Throughput::Elements(numbers.len() as u64));
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter(|| {
            for text in &numbers {
                black_box(&black_box(text.as_str()).parse::<NhsNumber>());
            }
        });
    });
    group.bench_function(BenchmarkId::from_parameter("nhs-number"), |bencher| {
        bencher.iter(|| {
            for text in &numbers {
                black_box(&published(black_box(text.as_str())));
            }
        });
    });
    group.finish();
}

fn bulk(criterion: &mut Criterion) {
    let numbers = numbers(100_000);
    let mut buffer = numbers.join("\n");
    buffer.push('\n');
    let mut group = criterion.benchmark_group("nhs_number/bulk");
    group.throughput(Throughput::Elements(numbers.len() as u64));
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter(|| {
            for verdict in lines(black_box(buffer.as_bytes())) {
                black_box(&verdict);
            }
        });
    });
    group.bench_function(BenchmarkId::from_parameter("nhs-number"), |bencher| {
        bencher.iter(|| {
            for verdict in black_box(buffer.as_str()).lines().map(published).enumerate() {
                black_box(&verdict);
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = one, bulk
}
criterion_main!(benches);
