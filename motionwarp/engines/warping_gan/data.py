"""What the warping networks are trained from: a pair's source, cut and warped into its target's window.

Cutting a person into parts and warping them takes longer than the network does, so it is done once for each pair, and
the result is packed. The layers are sparse: each is kept as its box, and all of a sample are compressed together.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.checkpoints.checkpoint import write_tensors
from motionwarp.data.pack import open_pack
from motionwarp.data.pairs import PersonPair
from motionwarp.engines.warping_gan.inputs import (
    LAYER_COUNT,
    PART_STRIDE,
    QuarterInputs,
    quarter_inputs,
    stacked_layers,
)
from motionwarp.errors import InputError, NoPersonError, OutputError
from motionwarp.parsing.labels import BACKGROUND, IGNORE
from motionwarp.parsing.labels import MIRROR as CLASS_MIRROR
from motionwarp.pose.skeleton import MIRROR as POINT_MIRROR
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.person import PuppetPerson
from motionwarp.puppet.segmentation import part_regions
from motionwarp.training.pack_samples import PackSamples
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, BoolArray, ByteArray, FloatArray

FORMAT: Final = "motionwarp-part-samples-1"
NO_PART: Final = parts.PART_COUNT  # the class of pixels outside of the person
# of a sample, decompressed: every layer's box and pixels, and less than eight bytes a pixel for everything else
_LARGEST_BYTES: Final = LAYER_COUNT * (8 + 4 * CROP_HEIGHT * CROP_WIDTH) + 8 * CROP_HEIGHT * CROP_WIDTH


@dataclass(frozen=True, eq=False)
class PartSample:
    """One source, warped, and the picture it should make.

    Attributes
    ----------
    layers : uint8 (16, 256, 192, 4)
        Every part warped in closed form, colours multiplied by alpha and alpha; the last is their composite.
    classes : uint8 (256, 192)
        The source's LIP classes carried along by the composite.
    rgb : uint8 (256, 192, 3)
        The target.
    matte : uint8 (256, 192)
    parsing : uint8 (256, 192)
        Of the target, 255 where not known.
    in_front : uint8 (64, 48)
        Which part each pixel of the target shows; 15 outside of the person, 255 where that is not known.
    inside : uint8 (256, 192)
        1 where the target's picture has pixels.
    points : float32 (18, 3)
        Of the target, in pixels of the window.
    theta_affine : float32 (15, 2, 3)
        The closed-form maps of the parts from the window to the source.
    name : str
    """

    layers: ByteArray
    classes: ByteArray
    rgb: ByteArray
    matte: ByteArray
    parsing: ByteArray
    in_front: ByteArray
    inside: ByteArray
    points: FloatArray
    theta_affine: FloatArray
    name: str


def part_sample(pair: PersonPair) -> PartSample | None:
    """Cut and warp a pair's source; None if too little of it shows in the target."""
    poses = torch.from_numpy(pair.pose.points)[None]
    try:
        person = PuppetPerson(pair.source, torch.device("cpu"), keep_parsing=True)
    except NoPersonError:
        return None
    with torch.inference_mode():
        theta = person.plan(poses)
        groups = list(person.warped(poses, theta, CROP_HEIGHT, CROP_WIDTH))
    layers, classes = stacked_layers(groups, 1, CROP_HEIGHT, CROP_WIDTH)
    if layers[0, -1, 3].sum() < 400:
        return None
    return PartSample(
        np.ascontiguousarray((layers[0] * 255 + 0.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()),
        classes[0, 0].to(torch.uint8).numpy(),
        pair.rgb,
        np.rint(pair.matte * 255).astype(np.uint8),
        pair.parsing,
        parts_in_front(pair),
        pair.inside.astype(np.uint8),
        pair.pose.points,
        theta.theta_affine[0].numpy(),
        pair.name,
    )


def parts_in_front(pair: PersonPair) -> ByteArray:
    """Return which part each pixel of the target shows, told from its points and parsing; uint8 (64, 48)."""
    size = (CROP_WIDTH // PART_STRIDE, CROP_HEIGHT // PART_STRIDE)
    parsing = cv2.resize(pair.parsing, size, interpolation=cv2.INTER_NEAREST)
    matte = np.asarray(cv2.resize(pair.matte, size, interpolation=cv2.INTER_AREA))
    solid: BoolArray = matte > 0.5
    shift = 0.5 / PART_STRIDE - 0.5
    pose = pair.pose.transformed([[1 / PART_STRIDE, 0, shift], [0, 1 / PART_STRIDE, shift]])
    points = Joints(torch.from_numpy(pose.points)[None])
    shown = np.full(solid.shape, NO_PART, dtype=np.uint8)
    if not bool(points.usable[0]):
        return np.where(solid, IGNORE, shown).astype(np.uint8)
    own = part_regions(points, np.asarray(parsing, dtype=np.uint8), solid).own
    best = own.argmax(axis=0).astype(np.uint8)
    told = (own.max(axis=0) > 0.2) & (parsing != BACKGROUND) & (parsing != IGNORE)
    return np.where(solid, np.where(told, best, IGNORE), shown).astype(np.uint8)


def _compressed(sample: PartSample) -> bytes:
    boxes = np.zeros((LAYER_COUNT, 4), dtype=np.int16)
    chunks = []
    for index, layer in enumerate(sample.layers):
        rows, columns = np.flatnonzero(layer[..., 3].any(axis=1)), np.flatnonzero(layer[..., 3].any(axis=0))
        if len(rows):
            boxes[index] = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
            chunks.append(layer[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].tobytes())
    planes = [sample.classes, sample.rgb, sample.matte, sample.parsing, sample.in_front, sample.inside]
    return zlib.compress(b"".join([boxes.tobytes(), *(plane.tobytes() for plane in planes), *chunks]), 3)


def _restored(stream: bytes, points: FloatArray, theta_affine: FloatArray, name: str) -> PartSample:
    # no more than the largest sample has, whatever the stream would grow to
    raw = np.frombuffer(zlib.decompressobj().decompress(stream, _LARGEST_BYTES), dtype=np.uint8)
    at = 0

    def take(*shape: int) -> ByteArray:
        nonlocal at
        size = int(np.prod(shape))
        taken = raw[at : at + size].reshape(shape)
        at += size
        return taken

    boxes = take(LAYER_COUNT * 8).view(np.int16).reshape(LAYER_COUNT, 4)
    whole = (CROP_HEIGHT, CROP_WIDTH)
    classes, rgb, matte, parsing = take(*whole), take(*whole, 3), take(*whole), take(*whole)
    in_front, inside = take(CROP_HEIGHT // PART_STRIDE, CROP_WIDTH // PART_STRIDE), take(*whole)
    layers = np.zeros((LAYER_COUNT, *whole, 4), dtype=np.uint8)
    for index, (top, bottom, left, right) in enumerate(boxes.tolist()):
        if bottom > top:
            layers[index, top:bottom, left:right] = take(bottom - top, right - left, 4)
    return PartSample(layers, classes, rgb, matte, parsing, in_front, inside, points, theta_affine, name)


class PartPackWriter:
    """Collects samples and writes them as one file."""

    def __init__(self) -> None:
        self._streams: list[bytes] = []
        self._points: list[FloatArray] = []
        self._theta: list[FloatArray] = []
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(self, sample: PartSample) -> None:
        """Compress one sample and keep it."""
        self._streams.append(_compressed(sample))
        self._points.append(sample.points.astype(np.float32))
        self._theta.append(sample.theta_affine.astype(np.float32))
        self._names.append(sample.name)

    def write(self, path: Path) -> int:
        """Write the pack, whole or not at all, and return its size in bytes.

        Raises
        ------
        OutputError
            If it is empty or cannot be written.
        """
        if not self._names:
            raise OutputError("there is nothing to pack", subject=path, remedy="Check the folder the data comes from.")
        tensors = {
            "points": torch.from_numpy(np.stack(self._points)),
            "theta_affine": torch.from_numpy(np.stack(self._theta)),
            "samples_bytes": torch.frombuffer(bytearray(b"".join(self._streams)), dtype=torch.uint8),
            "samples_ends": torch.tensor([len(stream) for stream in self._streams]).cumsum(0),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, tensors, {"format": FORMAT, "names": json.dumps(self._names)})
        return path.stat().st_size


class PartPackReader:
    """Reads single samples of a pack; cheap to open, to be opened in the process that reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file, self.names = open_pack(
            path, form=FORMAT, holds="part samples", rows=["points", "theta_affine"], streams=["samples"]
        )
        self._points: FloatArray = self._file.get_tensor("points")
        self._theta: FloatArray = self._file.get_tensor("theta_affine")
        self._bytes = self._file.get_slice("samples_bytes")
        self._ends = self._file.get_tensor("samples_ends")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> PartSample:
        start = int(self._ends[index - 1]) if index else 0
        stream = np.asarray(self._bytes[start : int(self._ends[index])]).tobytes()
        try:
            return _restored(stream, self._points[index], self._theta[index], self.names[index])
        except (zlib.error, ValueError) as error:
            problem = f"sample {index} ({self.names[index]}) is damaged: {error}"
            raise InputError(problem, subject=self._path, remedy="Make the pack again.") from error


_CLASS_TABLE: Final = np.arange(256, dtype=np.uint8)
_CLASS_TABLE[: len(CLASS_MIRROR)] = CLASS_MIRROR
_PART_TABLE: Final = np.arange(256, dtype=np.uint8)
_PART_TABLE[: parts.PART_COUNT] = parts.TWIN
_LAYER_ORDER: Final = [*parts.TWIN, NO_PART]
_HALF_SIZE: Final = (CROP_WIDTH // 2, CROP_HEIGHT // 2)
_QUARTER_OFFSET: Final = PART_STRIDE // 2  # the pixel of a cell that stands for it


class PartBatch(TypedDict):
    """One batch, at the networks' resolutions: half of the window (H, W = 128, 96), and a quarter (h, w = 64, 48).

    Keys
    ----
    layers : uint8 (B, 16, 4, H, W)
    classes : uint8 (B, h, w)
    rgb : uint8 (B, 3, H, W)
    matte, inside : uint8 (B, 1, H, W)
        `inside` is 255 where the target's picture has pixels.
    parsing : uint8 (B, h, w)
    in_front : uint8 (B, h, w)
    points : float32 (B, 18, 3)
        In pixels of the window of 256 x 192.
    theta_affine : float32 (B, 15, 2, 3)
        Its linear part only is meaningful in mirrored samples.
    """

    layers: Tensor
    classes: Tensor
    rgb: Tensor
    matte: Tensor
    inside: Tensor
    parsing: Tensor
    in_front: Tensor
    points: Tensor
    theta_affine: Tensor


class PartSamples(PackSamples[PartSample, PartBatch]):
    """Endless samples by number, mirrored half of the time."""

    def open_pack(self, path: Path) -> PartPackReader:
        """Open a pack of part samples."""
        return PartPackReader(path)

    def make(self, rng: np.random.Generator) -> PartBatch:
        """Draw a sample."""
        return as_tensors(self.draw(rng), mirror=bool(rng.random() < 0.5))


def as_tensors(sample: PartSample, *, mirror: bool) -> PartBatch:
    """Return one sample as tensors without the batch's dimension."""
    layers = np.stack([_halved(layer) for layer in sample.layers])
    classes = sample.classes[_QUARTER_OFFSET::PART_STRIDE, _QUARTER_OFFSET::PART_STRIDE]
    parsing = sample.parsing[_QUARTER_OFFSET::PART_STRIDE, _QUARTER_OFFSET::PART_STRIDE]
    planes = [_halved(plane) for plane in (sample.rgb, sample.matte, sample.inside * np.uint8(255))]
    in_front, points, theta = sample.in_front, sample.points, sample.theta_affine
    if mirror:
        layers = layers[_LAYER_ORDER, :, ::-1]
        classes, parsing = _CLASS_TABLE[classes[:, ::-1]], _CLASS_TABLE[parsing[:, ::-1]]
        planes = [plane[:, ::-1] for plane in planes]
        in_front = _PART_TABLE[in_front[:, ::-1]]
        points, theta = _mirrored(points, theta)
    rgb, matte, inside = (torch.from_numpy(np.ascontiguousarray(plane)) for plane in planes)
    return PartBatch(
        layers=torch.from_numpy(np.ascontiguousarray(layers)).permute(0, 3, 1, 2),
        classes=torch.from_numpy(np.ascontiguousarray(classes)),
        rgb=rgb.permute(2, 0, 1),
        matte=matte[None],
        inside=inside[None],
        parsing=torch.from_numpy(np.ascontiguousarray(parsing)),
        in_front=torch.from_numpy(np.array(in_front)),
        points=torch.from_numpy(points),
        theta_affine=torch.from_numpy(theta),
    )


def _halved(plane: ByteArray) -> ByteArray:
    if not plane.any():
        return np.zeros((_HALF_SIZE[1], _HALF_SIZE[0], *plane.shape[2:]), dtype=np.uint8)
    return np.asarray(cv2.resize(plane, _HALF_SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _mirrored(points: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    flipped = points[list(POINT_MIRROR)].copy()
    flipped[:, 0] = CROP_WIDTH - 1 - flipped[:, 0]
    other = theta[list(parts.TWIN)].copy()
    # both pictures are mirrored: x to -x before and after the map
    other[:, 0, 1] *= -1
    other[:, 1, 0] *= -1
    return flipped, other


def batch_quarter_inputs(batch: PartBatch, device: torch.device) -> QuarterInputs:
    """Return stage I's inputs of a training batch."""
    layers = batch["layers"].to(device).float().div_(255)
    return quarter_inputs(layers, batch["classes"].to(device), batch["points"].to(device))
