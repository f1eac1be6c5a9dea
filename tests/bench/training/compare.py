#!/usr/bin/env python3
"""Sets the trainer's LeNet loop against PyTorch's, in alternating rounds so that other load on the machine meets all alike.

usage: compare.py LENET_BENCH [rounds] [steps] [threads]

Prints the median of each loop and how many times faster the trainer is. Exits 1 if it is slower than either PyTorch loop by
processor time.
"""
import json
import os
import statistics
import subprocess
import sys

PYTORCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_lenet.py")
PYTHON = "/usr/bin/python3"  # the one that python3-torch belongs to


def main():
    bench = sys.argv[1]
    rounds, steps, threads = (int(sys.argv[i]) if i < len(sys.argv) else default
                              for i, default in ((2, 5), (3, 200), (4, 1)))
    commands = {"athanor": [bench], "pytorch tensor": [PYTHON, PYTORCH, "tensor"],
                "pytorch dataloader": [PYTHON, PYTORCH, "dataloader"]}
    results = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            output = subprocess.run(command + [str(steps), str(threads)], check=True, capture_output=True, text=True).stdout
            results[name].append(json.loads(output))

    def median(name, key):
        return statistics.median(result[key] for result in results[name])

    slower = False
    print(f"LeNet on Fashion-MNIST, batch 128, {threads} thread(s) of {os.cpu_count()} cores, "
          f"{steps} steps, median of {rounds}; BLAS {results['athanor'][0]['blas']}")
    for name in commands:
        wall, processor = median(name, "images_per_second"), median(name, "images_per_cpu_second")
        faster = median("athanor", "images_per_cpu_second") / processor
        slower = slower or faster < 1
        print(f"{name:20} {wall:8.0f} images/s {processor:8.0f} images/cpu-s   athanor is {faster:.2f} times as fast")
    print(f"gathering a batch: {median('athanor', 'gather_ms'):.3f} ms")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
