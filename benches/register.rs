//! The cost of the simulator's lookups with a thousand people and with a hundred thousand: about the same, because
//! it uses an index. A search through all people would cost a hundred times as much.
#![allow(missing_docs, reason = "criterion's macros")]
#![expect(clippy::unwrap_used, reason = "a bench")]

use criterion::{Criterion, criterion_group, criterion_main};
use nhs_pds::ids::RandomIds;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, FindPerson, LocalIdentity, MessageId, Outcome, Question, Tracer};
use nhs_pds_simulator::{Person, Register, Simulator};
use std::cell::Cell;
use std::sync::Arc;

fn question(person: &Person) -> Question {
    let family = person.family.parse().unwrap();
    let gender = person.gender.code().parse().unwrap();
    let birth = person.birth.to_string().parse().unwrap();
    let find = FindPerson::new(family, gender, birth);
    find.with_given(person.given.parse().unwrap())
        .with_postcode(person.postcode.parse().unwrap())
        .into()
}

fn lookups(c: &mut Criterion) {
    let us = LocalIdentity::new("RHM".parse().unwrap(), "bench").unwrap();
    let caller = Caller::System(us.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut group = c.benchmark_group("register");
    for people in [1_000, 100_000] {
        let register = Register::from_seed(1, people);
        let questions: Vec<_> = register.iter().step_by(people / 100).map(question).collect();
        let config = Config::new("http://127.0.0.1/smsp".parse().unwrap(), us.clone());
        let client = Client::new(config, Arc::new(Simulator::new(register)));
        let ask = |question| {
            let asked = client.trace(&caller, question, MessageId::fresh(&RandomIds));
            runtime.block_on(asked).unwrap().outcome
        };
        let found = questions.iter().filter(|question| matches!(ask(question), Outcome::Found(_)));
        assert!(found.count() > 80, "most of them are found");
        let next = Cell::new(0);
        group.bench_function(people.to_string(), |b| {
            b.iter(|| {
                next.set((next.get() + 1) % questions.len());
                ask(questions.get(next.get()).unwrap())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lookups);
criterion_main!(benches);
