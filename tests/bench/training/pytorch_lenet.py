#!/usr/bin/env python3
"""The training loop of lenet_bench in PyTorch: the same network, data, optimiser and batch size.

usage: pytorch_lenet.py tensor|dataloader [steps] [threads] [batch size]

tensor:     batches are gathered from resident uint8 tensors, as the trainer does
dataloader: the usual DataLoader over a TensorDataset of float images, in the training process

Prints one JSON object a run, like lenet_bench. Needs python3-torch.
"""
import gzip
import json
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FOLDER = "/usr/share/datasets/fashion-mnist"
WARM_UP_STEPS = 10


def read_idx(name, header):
    with gzip.open(f"{FOLDER}/{name}.gz") as file:
        return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)


def make_lenet(channels=16, kernel=5, hidden=128):
    side = ((28 // 2) - kernel + 1) // 2
    return nn.Sequential(
        nn.Conv2d(1, channels, kernel, padding=kernel // 2), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, kernel), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(2 * channels * side * side, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def tensor_batches(images, labels, batch_size, mean, std):
    while True:
        order = torch.randperm(len(labels))
        for start in range(0, len(labels), batch_size):
            chosen = order[start:start + batch_size]
            batch = images[chosen].float().mul_(1 / (255 * std)).sub_(mean / std)
            yield batch.view(-1, 1, 28, 28), labels[chosen]


def dataloader_batches(images, labels, batch_size, mean, std):
    floats = images.float().div_(255).sub_(mean).div_(std).view(-1, 1, 28, 28)
    loader = DataLoader(TensorDataset(floats, labels), batch_size=batch_size, shuffle=True)
    while True:
        yield from loader


def main():
    loop = sys.argv[1]
    steps, threads, batch_size = (int(sys.argv[i]) if i < len(sys.argv) else default
                                  for i, default in ((2, 200), (3, 1), (4, 128)))
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    images = read_idx("train-images-idx3-ubyte", 16).view(-1, 784)[:54000]
    labels = read_idx("train-labels-idx1-ubyte", 8)[:54000].long()
    std, mean = (float(x) for x in torch.std_mean(images.float() / 255))
    batches = {"tensor": tensor_batches, "dataloader": dataloader_batches}[loop](images, labels, batch_size, mean, std)
    model = make_lenet()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    total = 0.0
    for step, (inputs, targets) in enumerate(batches):
        if step == WARM_UP_STEPS:
            wall, processor = time.perf_counter(), time.process_time()
        if step == WARM_UP_STEPS + steps:
            break
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(json.dumps({"loop": "pytorch " + loop, "images_per_second": round(steps * batch_size / wall),
                      "images_per_cpu_second": round(steps * batch_size / processor)}))


if __name__ == "__main__":
    main()
