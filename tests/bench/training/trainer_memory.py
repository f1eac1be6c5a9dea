#!/usr/bin/env python3
"""The most memory that a trainer process has resident while it trains a trial on all of Fashion-MNIST.

usage: trainer_memory.py ATHANOR_TRAINER [model] [epochs]

Speaks the trainer protocol (worker/TRAINER_PROTOCOL.md) as a worker does: one trial of 2 threads that holds, and so
saves a checkpoint, after every epoch, with all metrics and reports. Prints one JSON object. Exits 1 at a GB or more, or
if the trial does not get done.
"""
import json
import subprocess
import sys
import tempfile

LIMIT_MB = 1000


def memory_mb(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith(name + ":"))


def start_message(model, epochs, folder):
    options = {"model": model, "epochs": epochs, "learning_rate": 0.05, "momentum": 0.9, "threads": 2,
               "metrics": "full", "reports": True}
    return {"type": "start", "trial": "memory", "options": options, "seed": "1", "device": "cpu", "resource": "epoch",
            "until": epochs, "hold_at": list(range(1, epochs)), "objective": "val_accuracy", "goal": "maximize",
            "checkpoint_dir": folder, "checkpoint_interval_ms": 0, "checkpoints": [], "elapsed_ms": 0,
            "final_checkpoint": True}


def main():
    model = sys.argv[2] if len(sys.argv) > 2 else "lenet"
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    # The protocol's descriptors are 3 and 4.
    trainer = subprocess.Popen(["/bin/sh", "-c", 'exec "$0" 3<&0 4>&1 1>&2', sys.argv[1]], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, bufsize=1)
    with tempfile.TemporaryDirectory() as folder, trainer:
        def send(message):
            trainer.stdin.write(json.dumps(message) + "\n")
            trainer.stdin.flush()

        send(start_message(model, epochs, folder))
        ended = None
        for line in trainer.stdout:
            message = json.loads(line)
            if message["type"] == "metrics" and message["step"] < epochs:
                send({"type": "continue", "trial": "memory"})
            if message["type"] in ("done", "failed", "infeasible"):
                ended = message
                break
        peak, resident = (memory_mb(trainer.pid, name) for name in ("VmHWM", "VmRSS"))
        send({"type": "exit"})
    print(json.dumps({"model": model, "epochs": epochs, "peak_mb": round(peak), "resident_at_end_mb": round(resident),
                      "ended": ended and ended["type"], "test_accuracy": ended and ended.get("metrics", {}).get(
                          "test_accuracy")}))
    return 0 if peak < LIMIT_MB and ended and ended["type"] == "done" else 1


if __name__ == "__main__":
    sys.exit(main())
