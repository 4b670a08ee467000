#!/usr/bin/env python3
"""Plants faults in the engine and in the store in PostgreSQL, one at a time, and checks that the simulation finds each.

    python3 tools/planted_faults.py                       # all faults, at most 1,000 seeds each
    python3 tools/planted_faults.py --only name,name
    python3 tools/planted_faults.py --pick 3 --by TEXT    # three faults, chosen by a text such as a commit's hash
    python3 tools/planted_faults.py --list

A copy of the sources is changed, built and run; the project itself is not changed. Exit code 1 means that a fault was
not found, or that its text is no longer in the sources: write the fault again for the new code.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(ROOT, "target", "planted")
BUILD = os.path.join(ROOT, "target", "planted-build")
# The features and the test that finds the faults, and the most seeds in LIMIT_SECONDS. The second needs PostgreSQL's
# programs, or DATABASE_URL.
MEMORY = ("conformance,process", "simulation", 100_000)
POSTGRES = ("conformance,postgres", "simulation_postgres", 200)
# A fault may let the engine run for ever.
LIMIT_SECONDS = 900

RUN, STORE, DECISION = "src/process/run/", "src/process/store/", "src/process/decision/"

# Name, file, text and the text in its place.
FAULTS = [
    (
        "message_recorded_after_it_is_sent",
        RUN + "pipeline.rs",
        """        let entries = self.recorded.iter().cloned().chain([entry]).collect();
        engine.record(entries).await?;
        self.recorded.clear();
""",
        """        engine.record(self.recorded.clone()).await?;
        self.recorded = vec![entry];
""",
    ),
    (
        "response_not_recorded",
        RUN + "pipeline.rs",
        "self.recorded.push(received(engine.actor(), turn.id(), &step));",
        "let _ = received(engine.actor(), turn.id(), &step);",
    ),
    (
        "retry_not_recorded",
        RUN + "exchange.rs",
        """            sent(actor, self.case, self.plan, next, now).with_detail("repeats", failed.to_string()),
""",
        "",
    ),
    ("second_question_left_out", RUN + "pipeline.rs",
     "turn.follow_up(&engine.settings.policy, &engine.settings.local_root)", "None"),
    ("answer_dropped_at_stop", RUN + "pipeline.rs",
     "if turn.steps.is_empty() {\n            let id",
     "if turn.steps.is_empty() || engine.halt.is_set() {\n            let id"),
    ("retries_without_a_permit", RUN + "exchange.rs",
     "let slot = Arc::clone(&self.slots).acquire_owned().await.ok();\n            *lock",
     "let slot: Option<OwnedSemaphorePermit> = None;\n            *lock"),
    ("saved_without_sole_holder", RUN + "settle.rs",
     "change.sole_holder = written;", "change.sole_holder = written && false;"),
    ("case_forgotten", RUN + "settle.rs",
     "let due = self.due_later(&changed);",
     "let mut due = self.due_later(&changed);\n            due.at += TimeDelta::days(30);"),
    ("refused_commit_taken_as_done", RUN + "settle.rs",
     "attempted.unsure = None;\n                Ok(Tried::Refused)",
     "attempted.unsure = None;\n                Ok(Tried::Done(Box::new(report)))"),
    ("number_taken_not_decided_again", RUN + "settle.rs",
     "Some(number) => self.cases().holders(number).await?,", "Some(_) => Vec::new(),"),
    ("decides_about_the_claimed_case", RUN + "settle.rs",
     "            readable(self.cases().get(id).await)?\n        };",
     "            Some(turn.claimed.clone())\n        };"),
    ("records_cleared_too_early", RUN + "settle.rs",
     "attempted.unsure = saved;",
     "attempted.recorded.clear();\n                attempted.unsure = saved;"),
    ("saved_decision_not_recognised", RUN + "settle.rs",
     "case.version >= saved.version\n", "case.version > saved.version + 9\n"),
    ("flagged_case_left_out_of_the_pass", RUN + "settle.rs",
     "let due = self.due_beside(&flagged);", "let due = self.due(&flagged);"),
    ("case_in_work_twice", RUN + "pass.rs",
     "if self.working.contains(&id) {", "if self.working.contains(&id) && false {"),
    ("leases_not_renewed", RUN + "pass.rs",
     "self.engine.renew().await?;\n        self.engine.alive", "self.engine.alive"),
    ("released_for_another_owner", RUN + "engine.rs",
     "self.cases().release(&self.owner, ids)", 'self.cases().release("another", ids)'),
    ("no_wait_after_no_response", DECISION + "apply.rs",
     "asking.retry_after = Some(decision.at + policy.retry_wait(&id, asking.unanswered));",
     "asking.retry_after = Some(decision.at);"),
    ("wait_not_kept", DECISION + "plan.rs",
     "case.asking.retry_after.is_some_and(|until| now < until && until <= latest)",
     "case.asking.retry_after.is_some_and(|until| until < now && until > latest)"),
    ("number_of_a_different_person_written", DECISION + "choose.rs",
     "    if !agrees {\n        return Row::FoundDiffers;\n    }\n", ""),
    ("number_written_where_the_table_keeps_it", DECISION + "apply.rs",
     "        NumberEffect::Keep => {}\n",
     """        NumberEffect::Keep => {
            if let (None, Some(number), Some(exchange)) =
                (&case.nhs_number, decision.evidence.nhs_number, &decision.exchange)
            {
                let live = crate::trace::Freshness::Live;
                let traced = crate::case::Provenance::new(exchange.clone(), live, "exact");
                let source = crate::case::NumberSource::Traced(traced);
                case.nhs_number = Some(crate::case::RecordedNumber::new(number, source));
            }
        }
"""),
    ("change_without_its_record", STORE + "joined.rs",
     "        entries.extend(saves.iter().map(|save| save.entry.clone()));\n", ""),
    ("record_not_withdrawn", STORE + "joined.rs",
     "                withdraw(&*self.cases, &*self.audit, &commit, &ids).await?;\n",
     "                let _ = (withdraw, ids);\n"),
    ("undelivered_alert_not_due", STORE + "deliver.rs",
     "change.due.at = change.due.at.min(at);", "change.due.at = change.due.at.max(at);"),
    ("alert_marked_without_delivery", STORE + "deliver.rs",
     "if !together && (alerts.len()", "if !together && false && (alerts.len()"),
    ("lease_not_respected", "src/case/lease.rs",
     "owner != self.owner && after < until && until", "owner != self.owner && after > until && until"),
]

# Faults of the store in PostgreSQL, in the same form.
POSTGRES_FAULTS = [
    ("saved_cases_not_locked", "src/case/postgres_save.rs",
     "                    ORDER BY case_id FOR UPDATE\";\n", "                    ORDER BY case_id\";\n"),
    ("claimed_cases_not_locked", "src/case/postgres_due.rs",
     "ORDER BY at, case_id LIMIT $4 FOR UPDATE {skip}\"", "ORDER BY at, case_id LIMIT $4 -- {skip}\""),
    ("transaction_in_the_way_not_repeated", "src/postgres/database.rs",
     "let repeat = tx.must_repeat() && attempt < ATTEMPTS;", "let repeat = tx.must_repeat() && attempt > ATTEMPTS;"),
]
ALL = [(fault, MEMORY) for fault in FAULTS] + [(fault, POSTGRES) for fault in POSTGRES_FAULTS]


def copy_sources():
    """A fresh copy of what git has or would have, in a folder that cargo knows from the last time."""
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        source, copy = os.path.join(ROOT, name), os.path.join(COPY, name)
        if not os.path.isfile(source):
            continue
        with open(source, "rb") as file:
            content = file.read()
        write(copy, content)
    for folder, _, files in os.walk(COPY):
        for file in files:
            path = os.path.join(folder, file)
            if os.path.relpath(path, COPY) not in names and "target" not in path[len(COPY):].split(os.sep):
                os.remove(path)


def write(path, content):
    """Writes only what differs, so that cargo builds no more than that."""
    if os.path.isfile(path):
        with open(path, "rb") as file:
            if file.read() == content:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def planted(name, path, old, new):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    if text.count(old) != 1:
        sys.exit(f"{name}: {path} has the text {text.count(old)} times, and not once")
    return text.replace(old, new)


def build(features, test):
    """Builds the copy. Returns the path of the program, and the errors if there are any."""
    command = ["cargo", "test", "--no-default-features", "--features", features, "--test", test]
    command += ["--no-run", "--message-format=json"]
    environment = dict(os.environ, CARGO_TARGET_DIR=BUILD)
    done = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for message in messages:
        if message.get("executable") and message["target"]["name"] == test:
            return message["executable"], None
    errors = [m["message"]["rendered"] for m in messages if m.get("message", {}).get("level") == "error"]
    return None, "\n".join(errors) or done.stderr


def search(program, seeds):
    """Runs the seeds. Returns the first seed that fails, its step, and what it says."""
    environment = dict(os.environ, SIM_SEEDS=str(seeds), SIM_POSTGRES_SEEDS=str(seeds), RUST_BACKTRACE="0")
    command = [program, "nothing_that_must_never_be_happens", "--exact", "--nocapture"]
    try:
        done = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return None, None, f"did not end in {LIMIT_SECONDS} s"
    found = re.search(r"^seed (\d+), step (\d+): (.*)$", done.stderr + done.stdout, re.MULTILINE)
    if found:
        return int(found[1]), int(found[2]), found[3]
    return None, None, "no seed fails" if done.returncode == 0 else done.stderr[-2000:]


def chosen(arguments):
    names = [fault[0] for fault, _ in ALL]
    if arguments.only:
        wanted = arguments.only.split(",")
        for name in wanted:
            if name not in names:
                sys.exit(f"no fault is called {name}")
        return [(fault, test) for fault, test in ALL if fault[0] in wanted]
    if arguments.pick:
        seed = int.from_bytes(hashlib.sha256(arguments.by.encode()).digest()[:8], "big")
        return random.Random(seed).sample(ALL, min(arguments.pick, len(ALL)))
    return ALL


def main():
    parser = argparse.ArgumentParser(description="Checks that the simulation finds planted faults of the engine.")
    parser.add_argument("--only", help="names of faults, joined by commas")
    parser.add_argument("--pick", type=int, help="how many faults, chosen by --by")
    parser.add_argument("--by", default="", help="a text that chooses the faults of --pick")
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds at most (default: 1000)")
    parser.add_argument("--list", action="store_true", help="print the names of all faults")
    arguments = parser.parse_args()
    faults = chosen(arguments)
    if arguments.list:
        print("\n".join(fault[0] for fault, _ in faults))
        return 0
    # Each text is in the sources, before the first build.
    texts = {name: planted(name, path, old, new) for (name, path, old, new), _ in ALL}
    missed = 0
    print(f"| {'fault':<42} | seed | step | seconds | what the simulation says |")
    print(f"|{'-' * 44}|------|------|---------|---|")
    for (name, path, _, _), test in faults:
        began = time.monotonic()
        copy_sources()
        write(os.path.join(COPY, path), texts[name].encode())
        features, target, most = test
        program, errors = build(features, target)
        if errors:
            shutil.rmtree(COPY, ignore_errors=True)
            sys.exit(f"{name} cannot be built:\n{errors}")
        seed, step, what = search(program, min(arguments.seeds, most))
        missed += seed is None
        numbers = ("-", "-") if seed is None else (seed, step)
        print(f"| {name:<42} | {numbers[0]:>4} | {numbers[1]:>4} | {time.monotonic() - began:>7.0f} | {what} |", flush=True)
    print(f"\n{len(faults) - missed} of {len(faults)} faults found within {arguments.seeds} seeds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
