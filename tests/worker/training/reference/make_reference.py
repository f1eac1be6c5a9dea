#!/usr/bin/env python3
"""Writes the numbers that the update rules and schedules of worker/training are held against: PyTorch's own, in double
precision, over 100 steps.

usage: make_reference.py [FOLDER]

Writes optimizers.csv, schedules.csv and plateau.csv into FOLDER, by default that of this script. Needs python3-torch.
The tests repeat the same problems (optimizer_reference_test.cc, schedule_reference_test.cc); what they take from here
are the results alone. Everything is given by formula, so that no side needs the other's random numbers.
"""
import csv
import math
import pathlib
import sys

import torch

STEPS = 100
# Values of an optimiser are kept at these steps: one that goes wrong stays wrong.
KEPT_STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
PARAMETERS = 5  # in two tensors, of 3 and of 2
RATE = 0.05

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=RATE),
    "sgd_l2": lambda p: torch.optim.SGD(p, lr=RATE, weight_decay=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9),
    "momentum_l2": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, nesterov=True),
    "nesterov_l2": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=RATE, eps=1e-8),
    "adagrad_l2": lambda p: torch.optim.Adagrad(p, lr=RATE, eps=1e-8, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.9, eps=1e-8),
    "rmsprop_momentum": lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.99, eps=1e-8, momentum=0.9),
    "rmsprop_l2": lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.99, eps=1e-8, weight_decay=0.1),
    "adam": lambda p: torch.optim.Adam(p, lr=RATE, betas=(0.9, 0.999), eps=1e-8),
    "adam_l2": lambda p: torch.optim.Adam(p, lr=RATE, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1),
    "radam": lambda p: torch.optim.RAdam(p, lr=RATE, betas=(0.9, 0.999), eps=1e-8),
    "radam_short": lambda p: torch.optim.RAdam(p, lr=RATE, betas=(0.8, 0.9), eps=1e-3),
}

# Steps of 10 to an epoch. The optimiser's rate is each schedule's peak.
SCHEDULES = {
    "step": lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=20, gamma=0.5),
    "multistep": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[15, 40, 80], gamma=0.3),
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.1),
    "warm_restarts": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=15, eta_min=0.1),
    "warm_restarts_2": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=10, T_mult=2),
    "one_cycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, max_lr=2.0, total_steps=STEPS, pct_start=0.3, div_factor=25, final_div_factor=1e4, cycle_momentum=False),
    "one_cycle_short": lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, max_lr=2.0, total_steps=STEPS, pct_start=0.123, div_factor=4, final_div_factor=10, cycle_momentum=False),
    "polynomial": lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=STEPS, power=1.0),
    "polynomial_2": lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=STEPS, power=2.0),
    "warm_up": lambda o: torch.optim.lr_scheduler.SequentialLR(o, milestones=[20], schedulers=[
        torch.optim.lr_scheduler.LinearLR(o, start_factor=1 / 20, total_iters=19),
        torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=STEPS - 20)]),
}
PEAK = 2.0

PLATEAUS = {
    "min": dict(mode="min", factor=0.5, patience=3, threshold=1e-2, min_lr=0.0),
    "min_floor": dict(mode="min", factor=0.1, patience=0, threshold=1e-4, min_lr=0.003),
    "max": dict(mode="max", factor=0.3, patience=2, threshold=1e-2, min_lr=0.0),
}


def gradient(value, index, step):
    """Of a quadratic with its own curvature and minimum for each parameter, disturbed at each step."""
    return (1 + index) * (value - (1 - 0.5 * index)) + 0.3 * math.sin(index + step)


def objective(name, step):
    """Falls (rises, for max) and flattens, with a ripple."""
    falling = 1 / (1 + 0.1 * step) + 0.05 * math.sin(step)
    return 2 - falling if name == "max" else falling


def run_optimizer(make):
    parameters = [torch.tensor([0.5, 1.0, 1.5], dtype=torch.float64), torch.tensor([2.0, 2.5], dtype=torch.float64)]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer = make(parameters)
    for step in range(1, STEPS + 1):
        values = torch.cat(parameters).tolist()
        gradients = torch.tensor([gradient(v, i, step) for i, v in enumerate(values)], dtype=torch.float64)
        parameters[0].grad.copy_(gradients[:3])
        parameters[1].grad.copy_(gradients[3:])
        optimizer.step()
        if step in KEPT_STEPS:
            yield step, torch.cat(parameters).tolist()


def sgd_at_peak():
    return torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=PEAK)


def run_schedule(make):
    optimizer = sgd_at_peak()
    schedule = make(optimizer)
    for _ in range(STEPS):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()


def run_exponential():
    """PyTorch's steps once an epoch: every 10 steps here."""
    optimizer = sgd_at_peak()
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.7)
    for step in range(STEPS):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        if step % 10 == 9:
            schedule.step()


def run_plateau(name, settings):
    """The rate after each of 100 measurements."""
    optimizer = sgd_at_peak()
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, threshold_mode="rel", cooldown=0, eps=0, **settings)
    for step in range(STEPS):
        schedule.step(objective(name, step))
        yield optimizer.param_groups[0]["lr"]


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_columns(path, columns):
    write(path, ["step", *columns], ([step, *row] for step, row in enumerate(zip(*columns.values()))))


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    write(folder / "optimizers.csv", ["case", "step", *(f"p{i}" for i in range(PARAMETERS))],
          ([name, step, *values] for name, make in OPTIMIZERS.items() for step, values in run_optimizer(make)))
    schedules = {name: list(run_schedule(make)) for name, make in SCHEDULES.items()}
    schedules["exponential"] = list(run_exponential())
    write_columns(folder / "schedules.csv", schedules)
    write_columns(folder / "plateau.csv", {name: list(run_plateau(name, s)) for name, s in PLATEAUS.items()})


if __name__ == "__main__":
    main()
