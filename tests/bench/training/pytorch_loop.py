#!/usr/bin/env python3
"""The training loops of training_bench in plain PyTorch: the same networks, data, optimiser and batch size.

usage: pytorch_loop.py lenet|mlp|mobilenet_v3_small tensor|dataloader [steps] [threads] [batch size]

tensor:     batches are gathered from resident uint8 tensors, as the trainer does
dataloader: the usual DataLoader over a TensorDataset of float images, in the training process

Prints one JSON object, like training_bench. Needs python3-torch.
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


def make_mlp(hidden=128):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                         nn.Linear(hidden, 10))


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        squeezed = max(8, (channels // 4 + 4) // 8 * 8)
        if squeezed < 0.9 * (channels // 4):
            squeezed += 8
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.ReLU(),
                                   nn.Conv2d(squeezed, channels, 1), nn.Hardsigmoid())

    def forward(self, x):
        return x * self.scale(x)


def conv_norm(inputs, outputs, activation, kernel=1, stride=1, groups=1):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(outputs, eps=1e-3)]
    return layers + ([activation()] if activation else [])


class InvertedResidual(nn.Module):
    def __init__(self, inputs, kernel, expanded, outputs, squeeze, activation, stride):
        super().__init__()
        layers = conv_norm(inputs, expanded, activation) if expanded != inputs else []
        layers += conv_norm(expanded, expanded, activation, kernel, stride, expanded)
        layers += [SqueezeExcite(expanded)] if squeeze else []
        self.block = nn.Sequential(*layers, *conv_norm(expanded, outputs, None))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.block(x) if self.shortcut else self.block(x)


# Table 2 of Howard et al. 2019. On small images the trainer leaves out the first two halvings.
SMALL = [(3, 16, 16, True, nn.ReLU, 1), (3, 72, 24, False, nn.ReLU, 2), (3, 88, 24, False, nn.ReLU, 1),
         (5, 96, 40, True, nn.Hardswish, 2), (5, 240, 40, True, nn.Hardswish, 1), (5, 240, 40, True, nn.Hardswish, 1),
         (5, 120, 48, True, nn.Hardswish, 1), (5, 144, 48, True, nn.Hardswish, 1),
         (5, 288, 96, True, nn.Hardswish, 2), (5, 576, 96, True, nn.Hardswish, 1), (5, 576, 96, True, nn.Hardswish, 1)]


def make_mobilenet_v3_small():
    layers, width = conv_norm(1, 16, nn.Hardswish, 3), 16
    for kernel, expanded, outputs, squeeze, activation, stride in SMALL:
        layers.append(InvertedResidual(width, kernel, expanded, outputs, squeeze, activation, stride))
        width = outputs
    return nn.Sequential(*layers, *conv_norm(width, 6 * width, nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(6 * width, 1024), nn.Hardswish(), nn.Linear(1024, 10))


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


MODELS = {"lenet": make_lenet, "mlp": make_mlp, "mobilenet_v3_small": make_mobilenet_v3_small}
LOOPS = {"tensor": tensor_batches, "dataloader": dataloader_batches}


def main():
    name, loop = sys.argv[1:3]
    steps, threads, batch_size = (int(sys.argv[i]) if i < len(sys.argv) else default
                                  for i, default in ((3, 200), (4, 2), (5, 128)))
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    images = read_idx("train-images-idx3-ubyte", 16).view(-1, 784)[:54000]
    labels = read_idx("train-labels-idx1-ubyte", 8)[:54000].long()
    std, mean = (float(x) for x in torch.std_mean(images.float() / 255))
    batches = LOOPS[loop](images, labels, batch_size, mean, std)
    model = MODELS[name]()
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
    print(json.dumps({"loop": "pytorch " + loop, "step_ms": 1000 * wall / steps,
                      "step_cpu_ms": 1000 * processor / steps,
                      "parameters": sum(parameter.numel() for parameter in model.parameters())}))


if __name__ == "__main__":
    main()
