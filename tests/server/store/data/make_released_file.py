#!/usr/bin/env python3
"""Makes the database file of a release, to be kept here and upgraded by released_files_test from then on.

    make_released_file.py BIN_DIR vN.db

BIN_DIR holds the programs of that release (the `bin` of its build folder). A coordinator and a worker are started with a
trainer that trains nothing (this script itself), five studies run, and both are killed in the middle, so that the file
holds trials of every state, attempts of several outcomes, live ones among them, rungs, promotions, decisions, archived
and non-finite measurements, checkpoints (rows alone: their files are not kept) and a queue. Which trials are where
differs from run to run; what must be there is checked at the end.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

STUDIES = {
    "ladder": """
name: ladder
description: rungs, promotions, NaN
labels: {kept: for ever}
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-4, max: 1.0, scale: log}
  optimizer: {type: categorical, values: [sgd, adam]}
  momentum: {type: float, min: 0.0, max: 0.99, when: {optimizer: [sgd]}}
search: {method: random, seed: 7}
early_stopping: {method: asha, min_resource: 1, max_resource: 9, reduction_factor: 3}
budget: {trials: 200, parallel: 3}
retry: {max_attempts: 2}
trainer: {model: mlp, epochs: 9}
""",
    "grid": """
name: grid
objective: {metric: val_accuracy, goal: maximize}
parameters:
  batch_size: {type: categorical, values: [16, 32, 64]}
  optimizer: {type: categorical, values: [sgd, adam]}
search: {method: grid}
priority: 5
trainer: {model: mlp, epochs: 2}
""",
    "median": """
name: median
objective: {metric: train_loss, goal: minimize}
parameters:
  learning_rate: {type: float, min: 1e-4, max: 1.0, scale: log}
search: {method: random, seed: 9}
early_stopping: {method: median, startup_trials: 2}
budget: {trials: 12}
trainer: {model: mlp, epochs: 6}
""",
    "dropped": """
name: dropped
objective: {metric: val_accuracy, goal: maximize}
parameters:
  hidden_units: {type: int, min: 16, max: 64, step: 16}
search: {method: random, seed: 1}
budget: {trials: 4}
trainer: {model: mlp, epochs: 1}
""",
}
# Submitted once `ladder` has trials to start from.
HEIR = """
name: heir
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-4, max: 1.0, scale: log}
  optimizer: {type: categorical, values: [sgd, adam]}
search: {method: tpe, seed: 3, startup_trials: 4}
warm_start: [ladder]
early_stopping: {method: patience, patience: 2, min_delta: 0.01, inner: {method: threshold, lower: 0.3}}
budget: {trials: 30}
priority: 2
trainer: {model: mlp, epochs: 3}
"""


def say(message):
    os.write(4, (json.dumps(message) + "\n").encode())


def train_one(start):
    """Values that improve with the steps; what else happens to a trial hangs on a hash of its options."""
    trial, checkpoint_dir = start["trial"], pathlib.Path(start["checkpoint_dir"])
    fate = int(hashlib.sha256(json.dumps(start["options"], sort_keys=True).encode()).hexdigest()[:8], 16)
    step = start["checkpoints"][0]["step"] if start["checkpoints"] else 0
    say({"type": "started", "trial": trial, "resumed_step": step, "threads": 1, "dataset_hash": "none", "device": "cpu"})
    while step < start["until"]:
        time.sleep(0.02)
        step += 1
        if step == 2 and fate % 9 == 0:
            return say({"type": "failed", "trial": trial, "reason": "out of memory"})
        if fate % 5 == 0:
            return say({"type": "infeasible", "trial": trial, "reason": "diverged"})
        held = step in start["hold_at"]
        if held or step % 4 == 0:
            path = checkpoint_dir / f"{step}.{time.monotonic_ns()}"
            content = f"{trial} {step}".encode()
            path.write_bytes(content)
            say({"type": "checkpoint_saved", "trial": trial, "step": step, "path": str(path), "best": False,
                 "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
        accuracy = (0.5 + fate % 97 / 200) * step / (step + 2)
        say({"type": "metrics", "trial": trial, "step": step, "elapsed_ms": 30 * step,
             "metrics": {"val_accuracy": "nan" if fate % 3 == 0 and step == 2 else accuracy,
                         "train_loss": "-inf" if fate % 7 == 0 and step == 3 else 1 - accuracy}})
        if held and (answer := json.loads(COMMANDS.readline() or '{"type": "exit"}'))["type"] != "continue":
            return say({"type": "paused" if answer["type"] == "pause" else "stopped", "trial": trial, "step": step})
    say({"type": "done", "trial": trial, "step": step, "metrics": {"test_accuracy": 0.25 + fate % 50 / 100}})


def be_trainer():
    global COMMANDS
    COMMANDS = os.fdopen(3, "r")
    say({"type": "hello", "protocol": 1, "trainer": "released", "version": "1", "libtorch": "none", "devices": ["cpu"],
         "option_table_hash": "", "blas": "none"})
    for line in COMMANDS:
        command = json.loads(line)
        if command["type"] == "exit":
            return
        if command["type"] == "start":
            train_one(command)


def count(database, sql):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchone()[0]


def missing_facts(database):
    facts = {
        "a live attempt": "attempts WHERE outcome = 'LIVE'",
        "a lost attempt": "attempts WHERE outcome = 'LOST'",
        "a failed attempt": "attempts WHERE outcome = 'FAILED'",
        "a paused trial": "trials WHERE state = 'PAUSED'",
        "an infeasible trial": "trials WHERE state = 'INFEASIBLE'",
        "a promotion": "rung_entries WHERE promoted = 1",
        "a NaN": "measurements WHERE value IS NULL",
        "an archived row": "measurements m JOIN attempts a USING (token) WHERE m.step > a.archived_after",
        "a checkpoint": "checkpoints",
        "a queued configuration": "enqueued_configurations",
        "a trial of an earlier study": "prior_trials",
        "a trial after it": "trials JOIN studies ON studies.id = trials.study WHERE studies.name = 'heir'",
    }
    return [what for what, rows in facts.items() if not count(database, f"SELECT count(*) FROM {rows}")]


def run(programs, target):
    folder = pathlib.Path(tempfile.mkdtemp())
    database = folder / "athanor.db"

    def serve():
        server = subprocess.Popen([programs / "athanor-server", "--listen", "127.0.0.1:0", "--database", database,
                                   "--lease", "2s", "--heartbeat", "500ms", "--log-level", "warn"],
                                  stdout=subprocess.PIPE, text=True)
        return server, server.stdout.readline().split()[-1]

    def work(name):
        return subprocess.Popen([programs / "athanor-worker", "--coordinator", address, "--slots", "3", "--name", name,
                                 "--trainer", __file__, "--state-dir", folder / name, "--log-level", "error"])

    def client(*arguments):
        subprocess.run([programs / "athanor", *arguments], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "ATHANOR_COORDINATOR": address})

    server, address = serve()
    for name, text in STUDIES.items():
        (folder / f"{name}.yaml").write_text(text)
        client("study", "submit", folder / f"{name}.yaml")
    client("trial", "enqueue", "median", "learning_rate=0.01")
    client("study", "cancel", "dropped")
    worker = work("first")
    # One of its leases has reported past its newest checkpoint, so that these rows will be archived.
    while not count(database, "SELECT count(*) FROM measurements JOIN attempts USING (token) "
                              "WHERE outcome = 'LIVE' AND step BETWEEN 5 AND 7"):
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)  # its leases are lost, its trials trained again from their checkpoints
    worker.wait()
    while count(database, "SELECT count(*) FROM attempts WHERE outcome = 'LOST'") < 1:
        time.sleep(0.05)
    (folder / "heir.yaml").write_text(HEIR)
    client("study", "submit", folder / "heir.yaml")
    worker = work("second")
    client("study", "pause", "median")
    client("trial", "enqueue", "median", "learning_rate=0.02")
    while missing := missing_facts(database):
        print(f"waiting for {', '.join(missing)} ", end="\r", flush=True)
        time.sleep(0.01)
    server.send_signal(signal.SIGKILL)
    worker.send_signal(signal.SIGKILL)
    server.wait(), worker.wait()
    server, address = serve()  # folds the log into the file
    server.send_signal(signal.SIGTERM)
    server.wait()
    if missing := missing_facts(database):
        sys.exit(f"{database} has not got {missing}; run it again")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(database, target)
    shutil.rmtree(folder)


if len(sys.argv) == 3:
    run(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2])
elif len(sys.argv) > 1:
    sys.exit(__doc__)
else:
    be_trainer()
