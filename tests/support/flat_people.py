"""Flat people that the training tests learn from, and a look into what a run leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from torch import Tensor

from motionwarp.data.labeled_pairs import LabeledPair
from motionwarp.data.pack import LabeledPicture
from motionwarp.engines.warping_gan.data import PartSample
from motionwarp.types import ByteArray, FloatArray

# a person who stands in a window of 256 x 192, OpenPose's order
STANDING = [
    (96, 40), (96, 62), (76, 62), (70, 95), (66, 125), (116, 62), (122, 95), (126, 125), (84, 125),
    (82, 175), (80, 225), (108, 125), (110, 175), (112, 225), (92, 36), (100, 36), (86, 38), (106, 38),
]  # fmt: skip


def standing_points(shift: float = 0.0) -> FloatArray:
    points = np.ones((18, 3), dtype=np.float32)
    points[:, :2] = STANDING
    points[:, 0] += shift
    return points


def part_sample_of(number: int) -> PartSample:
    """A sample of flat colors: the torso's layer and the composite cover the target but for a strip."""
    rng = np.random.default_rng(number)
    color = rng.integers(40, 220, 3, dtype=np.uint8)
    layers = np.zeros((16, 256, 192, 4), dtype=np.uint8)
    layers[[1, 15], 40:220, 70:120] = (*color, 255)
    rgb = np.full((256, 192, 3), 90, dtype=np.uint8)
    rgb[40:220, 66:124] = color
    matte = np.zeros((256, 192), dtype=np.uint8)
    matte[40:220, 66:124] = 255
    parsing = (matte > 0).astype(np.uint8) * np.uint8(5)
    in_front = np.where(matte[1::4, 1::4] > 0, 1, 15).astype(np.uint8)
    theta = np.tile(np.eye(2, 3, dtype=np.float32), (15, 1, 1))
    classes = (layers[15, ..., 3] > 0).astype(np.uint8) * np.uint8(5)
    return PartSample(
        layers, classes, rgb, matte, parsing, in_front, np.ones_like(matte), standing_points(), theta, f"flat/{number}"
    )


def picture_pair_of(number: int) -> LabeledPair:
    """A person of one color, and the same person a little to the right; 64 x 48 pixels."""
    color = np.random.default_rng(number).integers(40, 220, 3, dtype=np.uint8)
    source, target = (flat_picture(color, shift, f"flat/{number}") for shift in (0, 6))
    return LabeledPair(source, target)


def far_pair_of(number: int) -> LabeledPair:
    """A person of one color, and the same person beside where they were; 64 x 48 pixels."""
    color = np.random.default_rng(number).integers(40, 220, 3, dtype=np.uint8)
    source, target = (flat_picture(color, shift, f"far/{number}") for shift in (-10, 14))
    return LabeledPair(source, target)


def flat_picture(color: ByteArray, shift: int, name: str) -> LabeledPicture:
    rgb = np.full((64, 48, 3), 90, dtype=np.uint8)
    person = np.s_[8:56, 14 + shift : 28 + shift]
    rgb[person] = color
    matte = np.zeros((64, 48), dtype=np.uint8)
    matte[person] = 255
    parsing = (matte > 0).astype(np.uint8) * np.uint8(5)
    parsing[8:18][matte[8:18] > 0] = 13
    points = standing_points()
    points[:, :2] = (points[:, :2] + 0.5) / 4 - 0.5
    points[:, 0] += shift - 3
    return LabeledPicture(rgb, matte, parsing, points, name)


def assert_equal_states(one: Path, other: Path) -> None:
    """Compare the states of two runs, bit for bit."""
    first, second = (load_file(folder / "state.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value.equal(second[name]), name


def state_of(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "state.safetensors")
