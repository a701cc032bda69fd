"""What the warping networks are trained from: a pair's source, cut and warped into its target's window.

Cutting a person into parts and warping them takes longer than the network does, so it is done once for each pair, and
the result is packed. The layers are sparse: each is kept as its box, and all of a sample are compressed together. So is
the posed avatar, where a sample has one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypedDict

import cv2
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from motionwarp.checkpoints.checkpoint import write_tensors
from motionwarp.data.pack import open_pack
from motionwarp.data.pairs import PersonPair
from motionwarp.engines.warping_gan.inputs import (
    LAYER_COUNT,
    MIRRORED_TURN,
    PART_STRIDE,
    BodyInputs,
    QuarterInputs,
    part_shares,
    quarter_inputs,
    stacked_layers,
)
from motionwarp.engines.warping_gan.networks import BODY_TURN_LENGTH
from motionwarp.errors import InputError, NoPersonError, OutputError
from motionwarp.parsing.labels import BACKGROUND, IGNORE
from motionwarp.parsing.labels import MIRROR as CLASS_MIRROR
from motionwarp.pose.skeleton import MIRROR as POINT_MIRROR
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.person import PuppetPerson
from motionwarp.puppet.segmentation import part_regions
from motionwarp.training.pack_samples import PackSamples, PackShare
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, BoolArray, ByteArray, FloatArray

FORMAT: Final = "motionwarp-part-samples-1"
BODY_FORMAT: Final = "motionwarp-part-samples-2"  # with bodies
NO_PART: Final = parts.PART_COUNT  # the class of pixels outside of the person
# of a sample, decompressed: every layer's box and pixels, and less than eight bytes a pixel for everything else
_LARGEST_BYTES: Final = LAYER_COUNT * (8 + 4 * CROP_HEIGHT * CROP_WIDTH) + 8 * CROP_HEIGHT * CROP_WIDTH


@dataclass(frozen=True, eq=False)
class BodyPicture:
    """The source's avatar in the target's pose.

    Attributes
    ----------
    rgba : uint8 (256, 192, 4)
        Colors multiplied by alpha, and alpha.
    certainty : uint8 (256, 192)
        How frontally the photo saw what is shown; 0 where it did not.
    part : uint8 (256, 192)
        Which part is in front; 15 where none is.
    turn : float32 (6,)
        As from `inputs.body_turn`.
    """

    rgba: ByteArray
    certainty: ByteArray
    part: ByteArray
    turn: FloatArray


@dataclass(frozen=True, eq=False)
class PartSample:
    """One source, warped, and the picture it should make.

    Attributes
    ----------
    layers : uint8 (16, 256, 192, 4)
        Every part warped in closed form, colors multiplied by alpha and alpha; the last is their composite.
    classes : uint8 (256, 192)
        The source's LIP classes carried along by the composite.
    rgb : uint8 (256, 192, 3)
        The target.
    matte : uint8 (256, 192)
    parsing : uint8 (256, 192)
        Parsing of the target, 255 where not known.
    in_front : uint8 (64, 48)
        Which part each pixel of the target shows; 15 outside of the person, 255 where that is not known.
    inside : uint8 (256, 192)
        1 where the target's picture has pixels.
    points : float32 (18, 3)
        Points of the target, in pixels of the window.
    theta_affine : float32 (15, 2, 3)
        The closed-form maps of the parts from the window to the source.
    name : str
    body : BodyPicture or None
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
    body: BodyPicture | None = None


def part_sample(pair: PersonPair) -> PartSample | None:
    """Cut and warp a pair's source; None if too little of it shows in the target."""
    try:
        person = PuppetPerson(pair.source, torch.device("cpu"), keep_parsing=True)
    except NoPersonError:
        return None
    return warped_sample(person, pair)


def warped_sample(person: PuppetPerson, pair: PersonPair, body: BodyPicture | None = None) -> PartSample | None:
    """Warp a pair's source that has been cut already; None if too little of it shows in the target."""
    poses = torch.from_numpy(pair.pose.points)[None]
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
        body,
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


def _compressed_body(body: BodyPicture | None) -> bytes:
    if body is None:
        return b""
    planes = body.rgba, body.certainty, body.part
    return zlib.compress(body.turn.astype(np.float32).tobytes() + b"".join(plane.tobytes() for plane in planes), 3)


def _restored_body(stream: bytes) -> BodyPicture | None:
    if not stream:
        return None
    turn_bytes, pixels = 4 * BODY_TURN_LENGTH, CROP_HEIGHT * CROP_WIDTH
    raw = zlib.decompressobj().decompress(stream, turn_bytes + 6 * pixels)
    turn = np.frombuffer(raw[:turn_bytes], dtype=np.float32)
    rgba, certainty, part = np.split(np.frombuffer(raw[turn_bytes:], dtype=np.uint8), [4 * pixels, 5 * pixels])
    whole = (CROP_HEIGHT, CROP_WIDTH)
    return BodyPicture(rgba.reshape(*whole, 4), certainty.reshape(whole), part.reshape(whole), turn)


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
        self._bodies: list[bytes] = []
        self._points: list[FloatArray] = []
        self._theta: list[FloatArray] = []
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(self, sample: PartSample) -> None:
        """Compress one sample and keep it."""
        self._streams.append(_compressed(sample))
        self._bodies.append(_compressed_body(sample.body))
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
        with_bodies = any(self._bodies)
        if with_bodies:
            tensors["bodies_bytes"] = torch.frombuffer(bytearray(b"".join(self._bodies)), dtype=torch.uint8)
            tensors["bodies_ends"] = torch.tensor([len(stream) for stream in self._bodies]).cumsum(0)
        path.parent.mkdir(parents=True, exist_ok=True)
        form = BODY_FORMAT if with_bodies else FORMAT
        write_tensors(path, tensors, {"format": form, "names": json.dumps(self._names)})
        return path.stat().st_size


class PartPackReader:
    """Reads single samples of a pack; cheap to open, to be opened in the process that reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._has_bodies = _format_of(path) == BODY_FORMAT
        form, bodies = (BODY_FORMAT, ["bodies"]) if self._has_bodies else (FORMAT, [])
        self._file, self.names = open_pack(
            path, form=form, holds="part samples", rows=["points", "theta_affine"], streams=["samples", *bodies]
        )
        self._points: FloatArray = self._file.get_tensor("points")
        self._theta: FloatArray = self._file.get_tensor("theta_affine")
        self._bytes = {name: self._file.get_slice(f"{name}_bytes") for name in ("samples", *bodies)}
        self._ends = {name: self._file.get_tensor(f"{name}_ends") for name in ("samples", *bodies)}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> PartSample:
        try:
            sample = _restored(
                self._stream("samples", index), self._points[index], self._theta[index], self.names[index]
            )
            if not self._has_bodies:
                return sample
            return replace(sample, body=_restored_body(self._stream("bodies", index)))
        except (zlib.error, ValueError) as error:
            problem = f"sample {index} ({self.names[index]}) is damaged: {error}"
            raise InputError(problem, subject=self._path, remedy="Make the pack again.") from error

    def _stream(self, name: str, index: int) -> bytes:
        start = int(self._ends[name][index - 1]) if index else 0
        end = int(self._ends[name][index])
        return np.asarray(self._bytes[name][start:end]).tobytes() if end > start else b""


def _format_of(path: Path) -> str | None:
    """Return the format that a pack says it has; None where it says none, or is none at all."""
    try:
        with safe_open(path, framework="np") as opened:
            metadata = opened.metadata() or {}
    except (OSError, SafetensorError):
        return None
    return metadata.get("format")


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
    body : uint8 (B, 5, H, W)
        The body's layer and its certainty; zeros where a sample has none.
    body_part : uint8 (B, H, W)
        The part in front of it, 15 where none is.
    body_turn : float32 (B, 6)
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
    body: Tensor
    body_part: Tensor
    body_turn: Tensor


class PartSamples(PackSamples[PartSample, PartBatch]):
    """Endless samples by number, mirrored half of the time.

    Parameters
    ----------
    shares : sequence of PackShare
    seed : int
    bodiless : float
        How often a sample's body is left away, so that people whose body cannot be fitted are known too.
    """

    def __init__(self, shares: Sequence[PackShare], seed: int, bodiless: float = 0.0) -> None:
        super().__init__(shares, seed)
        self._bodiless = bodiless

    def open_pack(self, path: Path) -> PartPackReader:
        """Open a pack of part samples."""
        return PartPackReader(path)

    def make(self, rng: np.random.Generator) -> PartBatch:
        """Draw a sample."""
        sample = self.draw(rng)
        mirror = bool(rng.random() < 0.5)
        if self._bodiless and rng.random() < self._bodiless:
            sample = replace(sample, body=None)
        return as_tensors(sample, mirror=mirror)


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
    body, body_part, turn = _body_planes(sample.body, mirror=mirror)
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
        body=torch.from_numpy(body).permute(2, 0, 1),
        body_part=torch.from_numpy(body_part),
        body_turn=torch.from_numpy(turn),
    )


def _body_planes(body: BodyPicture | None, *, mirror: bool) -> tuple[ByteArray, ByteArray, FloatArray]:
    """Return layer and certainty (H, W, 5), part in front (H, W) and turn (6,) at half of the window's resolution."""
    columns, rows = _HALF_SIZE
    if body is None:
        nothing = np.zeros((rows, columns, 5), dtype=np.uint8)
        return nothing, np.full((rows, columns), NO_PART, np.uint8), np.zeros(BODY_TURN_LENGTH, np.float32)
    planes = np.dstack([_halved(body.rgba), _halved(body.certainty)])
    part, turn = body.part[::2, ::2], body.turn.astype(np.float32)
    if mirror:
        planes, part = planes[:, ::-1], _PART_TABLE[part[:, ::-1]]
        turn = turn * MIRRORED_TURN
    return np.ascontiguousarray(planes), np.ascontiguousarray(part), turn.astype(np.float32)


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


def batch_body_inputs(batch: PartBatch, device: torch.device) -> BodyInputs:
    """Return what a training batch shows of bodies."""
    planes = batch["body"].to(device).float().div_(255)
    return BodyInputs(planes, part_shares(batch["body_part"].to(device)), batch["body_turn"].to(device))


def batch_quarter_inputs(batch: PartBatch, device: torch.device, *, body: bool = False) -> QuarterInputs:
    """Return stage I's inputs of a training batch; with `body`, those of a stage I that sees it."""
    layers = batch["layers"].to(device).float().div_(255)
    shown = batch_body_inputs(batch, device) if body else None
    return quarter_inputs(layers, batch["classes"].to(device), batch["points"].to(device), shown)
