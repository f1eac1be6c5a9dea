"""Writes a small PyTorch network as TorchScript, for client/examples/scripted-model.yaml.

usage: python3 client/examples/scripted_model.py scripted_model.pt
"""

import sys

import torch
from torch import nn


class TwoPaths(nn.Module):
    """A wide and a deep path over 28 x 28 images, added up: something that no built-in model is."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.wide = nn.Linear(28 * 28, classes)
        self.deep = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(0.1), nn.Linear(32 * 16, classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.wide(images.flatten(1)) + self.deep(images)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(0)
    torch.jit.script(TwoPaths()).save(sys.argv[1])
