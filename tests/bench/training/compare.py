#!/usr/bin/env python3
"""Sets the trainer's loop against PyTorch's, in alternating rounds so that other load on the machine meets all alike.

usage: compare.py TRAINING_BENCH [rounds] [threads] [model ...]

Prints the median time of a step of each loop, by the clock and by the processor, that of the trainer divided by that of
each PyTorch loop (the median of the rounds' ratios), and what a step is made of. Exits 1 if a network has another number
of parameters on the two sides, or if a ratio to the loop with a DataLoader is above its bar by processor time.
"""
import json
import os
import statistics
import subprocess
import sys

PYTORCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_loop.py")
PYTHON = "/usr/bin/python3"  # the one that python3-torch belongs to
STEPS = {"lenet": 100, "mlp": 400, "mobilenet_v3_small": 12}
BARS = {"lenet": 0.85, "mlp": 0.5, "mobilenet_v3_small": 0.95}  # of the loop with a DataLoader
PARTS = ("gather", "forward", "backward", "update")


def measure(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def median(results, key):
    return statistics.median(result[key] for result in results)


def compare(bench, model, rounds, threads):
    numbers = [str(STEPS[model]), str(threads)]
    commands = {"athanor": [bench, model], "dataloader": [PYTHON, PYTORCH, model, "dataloader"],
                "tensor": [PYTHON, PYTORCH, model, "tensor"]}
    results = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            results[name].append(measure(command + numbers))
    counts = {name: result[0]["parameters"] for name, result in results.items()}
    print(f"{model}, {counts['athanor']} parameters, {STEPS[model]} steps of 128, {threads} thread(s) of "
          f"{os.cpu_count()} cores, {rounds} rounds; BLAS {results['athanor'][0]['blas']}")

    def ratio(name, key):
        return statistics.median(ours[key] / theirs[key] for ours, theirs in zip(results["athanor"], results[name]))

    for name in commands:
        wall, processor = median(results[name], "step_ms"), median(results[name], "step_cpu_ms")
        print(f"  {name:10} {wall:8.2f} ms {processor:8.2f} cpu-ms   athanor takes {ratio(name, 'step_ms'):.2f} of the "
              f"time, {ratio(name, 'step_cpu_ms'):.2f} of the processor time")
    parts = {part: median(results["athanor"], part + "_ms") for part in PARTS}
    whole = sum(parts.values())
    print("  of a step: " + ", ".join(f"{part} {100 * time / whole:.1f}%" for part, time in parts.items()) +
          f"; {whole:.2f} ms together; a crop and a flip, if asked for: "
          f"{median(results['athanor'], 'augment_ms'):.2f} ms", flush=True)
    return len(set(counts.values())) == 1 and ratio("dataloader", "step_cpu_ms") <= BARS[model]


def main():
    bench = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    passed = [compare(bench, model, rounds, threads) for model in sys.argv[4:] or STEPS]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
