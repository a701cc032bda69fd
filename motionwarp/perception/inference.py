"""The analyzer network as a reader of pictures: batches in, points, parsing and mattes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
import torch

from motionwarp.checkpoints.checkpoint import Checkpoint, load_checkpoint
from motionwarp.devices import is_out_of_memory, release_memory, resolve_precision
from motionwarp.errors import WeightsError
from motionwarp.nn.fuse import fuse_batch_norm, ready_for
from motionwarp.perception.crops import extract_views, points_to_frame
from motionwarp.perception.exposure import lifted
from motionwarp.perception.framing import CropView
from motionwarp.perception.network import (
    Analyzer,
    AnalyzerConfig,
    AnalyzerOutput,
    PointAnalyzer,
    decode_facing,
    decode_points,
)
from motionwarp.runtime import SingleThreadPool
from motionwarp.types import ByteArray, Facing, FloatArray, Person, Pose

# as many points as a head and shoulders show: whoever shows that much counts as seen in full
_SCORED_POINTS: Final = 8


@dataclass(frozen=True, eq=False)
class Predictions:
    """What was read from N pictures.

    Attributes
    ----------
    points : float32 (N, 18, 3)
        In pixels of the pictures, with scores in [0, 1].
    parsing : uint8 (N, h, w) or None
        The 20 LIP classes, at any resolution of the pictures' aspect.
    matte : float32 (N, h, w) or None
        Coverage in [0, 1], at any resolution of the pictures' aspect.
    facing : float32 (N, 3) or None
        As from `decode_facing`; None if the reader cannot tell.
    """

    points: FloatArray
    parsing: ByteArray | None = None
    matte: FloatArray | None = None
    facing: FloatArray | None = None


class CropPredictor(Protocol):
    """Reads pictures of one person each: a network, or in tests something that knows what was drawn."""

    def __call__(self, pictures: ByteArray, dense: bool) -> Predictions:
        """Read pictures.

        Parameters
        ----------
        pictures : uint8 (N, h, w, 3)
            The person in the middle, upright where possible; gray outside the frame.
        dense : bool
            Whether parsing and matte are needed.

        Returns
        -------
        Predictions
            Low scores everywhere where there is nobody.
        """
        ...


@dataclass(frozen=True, eq=False)
class Detection:
    """One person as read through one view of a frame.

    Attributes
    ----------
    person : Person
    view : CropView
    picture : uint8 (h, w, 3)
        What the reader saw.
    points : float32 (18, 3)
        The person's points in pixels of `picture`.
    """

    person: Person
    view: CropView
    picture: ByteArray
    points: FloatArray


def person_score(points: FloatArray) -> float:
    """Return the probability that points belong to a person: the mean of the eight highest scores.

    Eight, so that people cut off at the waist or the chest do not score lower than whole ones.
    """
    return float(np.sort(points[:, 2])[-_SCORED_POINTS:].mean())


def predict_views(
    reader: CropPredictor, rgb: ByteArray, views: Sequence[CropView], dense: bool = False
) -> list[Detection]:
    """Read several views of one frame in one batch."""
    if not views:
        return []
    return detections(extract_views(rgb, views), views, reader, dense)


def detections(pictures: ByteArray, views: Sequence[CropView], reader: CropPredictor, dense: bool) -> list[Detection]:
    """Read pictures in one batch, each cut out by its own view, of one frame or of several."""
    readings = reader(pictures, dense)
    return [_detection(readings, index, view, pictures[index]) for index, view in enumerate(views)]


def _detection(readings: Predictions, index: int, view: CropView, picture: ByteArray) -> Detection:
    points = readings.points[index]
    # parsing and matte lie over the window in the frame's orientation: the turn is undone
    parsing = None if readings.parsing is None else np.ascontiguousarray(np.rot90(readings.parsing[index], -view.turns))
    matte = None if readings.matte is None else np.ascontiguousarray(np.rot90(readings.matte[index], -view.turns))
    facing = None if readings.facing is None else Facing(*readings.facing[index].tolist())
    person = Person(Pose(points_to_frame(points, view)), view.crop, parsing, matte, person_score(points), facing)
    return Detection(person, view, picture, points)


DEFAULT_WEIGHTS: Final = "analyser"
# pictures at once, which bounds the memory of a search with many windows: 8 take 40 MB, and on a CPU more are no faster
_LARGEST_BATCH: Final = 32
_LARGEST_ON_CPU: Final = 8


class NetworkPredictor:
    """Reads pictures with the analyzer, dark ones lifted.

    Where memory runs out, a batch is read in halves, and all later ones are no larger; where a single picture does not
    fit, the work goes on on the CPU.

    Attributes
    ----------
    device : torch.device
    dtype : torch.dtype
        As they are now: both change when the work moves to the CPU.
    warnings : list of str
        What has happened of that kind.

    Parameters
    ----------
    network : Analyzer
        Trained; it is copied, folded and put into evaluation mode.
    device : torch.device
    dtype : torch.dtype
        Precision of weights and activations; softmax and decoding are float32.
    calibration : sequence of (raw, calibrated) or None
        Knots of a monotone, piecewise linear table for the points' scores; None leaves the network's own.
    """

    def __init__(
        self,
        network: Analyzer,
        device: torch.device,
        dtype: torch.dtype,
        calibration: Sequence[Sequence[float]] | None = None,
    ) -> None:
        everything = fuse_batch_norm(network.eval())
        self.device, self.dtype = device, dtype
        self.warnings: list[str] = []
        self._most = _LARGEST_ON_CPU if device.type == "cpu" else _LARGEST_BATCH
        self.config = network.config
        self._everything = ready_for(everything, device, dtype)
        self._points_only = ready_for(PointAnalyzer(everything), device, dtype)
        self._knots = None if calibration is None else checked_knots(calibration)

    @classmethod
    def load(cls, name_or_path: str | Path, device: torch.device, dtype: torch.dtype) -> NetworkPredictor:
        """Make a reader from weights.

        Raises
        ------
        WeightsError
            If the file is missing, damaged, for another network, or has a calibration that is none.
        """
        checkpoint = load_checkpoint(name_or_path, "analyser")
        config = _network_config(checkpoint)
        try:
            network = checkpoint.made(lambda: Analyzer(config))
        except (TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(f"names a network that cannot be made ({error})", subject=checkpoint.path) from error
        calibration = checkpoint.config.get("calibration")
        try:
            return cls(network, device, dtype, calibration)
        except (TypeError, ValueError) as error:
            raise WeightsError(f"has a configuration that cannot be used ({error})", subject=checkpoint.path) from error

    def __call__(self, pictures: ByteArray, dense: bool) -> Predictions:
        """Read pictures; see `CropPredictor`.

        Parameters
        ----------
        pictures : uint8 (N, 256, 192, 3)
        dense : bool

        Returns
        -------
        Predictions
            Parsing and matte at half the pictures' size, if `dense`.
        """
        return self.in_chunks(self._read, pictures, dense)

    def in_chunks(
        self, read: Callable[[ByteArray, bool], Predictions], pictures: ByteArray, dense: bool
    ) -> Predictions:
        """Let `read` read pictures in batches that are neither too large nor fewer than there are threads for.

        As `__call__`.
        """
        expected = (self.config.height, self.config.width, 3)
        if pictures.shape[1:] != expected or pictures.dtype != np.uint8:
            raise ValueError(f"the analyzer reads uint8 (N, {expected}), got {pictures.dtype} {pictures.shape}")
        size = self._chunk(len(pictures))
        parts = [pictures[start : start + size] for start in range(0, len(pictures), size)]
        if len(parts) == 1:
            return self._within_memory(read, parts[0], dense)
        with SingleThreadPool(min(self.workers, len(parts) or 1)) as crew:
            chunks = [
                answer.result() for answer in [crew.submit(self._within_memory, read, part, dense) for part in parts]
            ]
        return _joined(chunks, dense, self.config)

    def _within_memory(
        self, read: Callable[[ByteArray, bool], Predictions], pictures: ByteArray, dense: bool
    ) -> Predictions:
        """Read one batch, in halves or on the CPU where memory runs out."""
        try:
            return read(pictures, dense)
        except Exception as error:
            if not is_out_of_memory(error) or (len(pictures) == 1 and self.device.type == "cpu"):
                raise
        # here the error, which keeps hold of the memory, is gone
        release_memory(self.device)
        if len(pictures) == 1:
            self._move_to_cpu()
            return self._within_memory(read, pictures, dense)
        half = -(-len(pictures) // 2)
        self._most = min(self._most, half)
        return _joined(
            [self._within_memory(read, part, dense) for part in (pictures[:half], pictures[half:])], dense, self.config
        )

    def _move_to_cpu(self) -> None:
        self.warnings.append(
            f"the memory of the device '{self.device.type}' did not suffice to see people, so that the CPU saw them"
        )
        self.device = torch.device("cpu")
        self.dtype = resolve_precision("auto", self.device)
        self._everything = ready_for(self._everything, self.device, self.dtype)
        self._points_only = ready_for(self._points_only, self.device, self.dtype)
        self._most = _LARGEST_ON_CPU

    @property
    def workers(self) -> int:
        """How many batches are read at once: other devices are kept busy by one."""
        return torch.get_num_threads() if self.device.type == "cpu" else 1

    def _chunk(self, count: int) -> int:
        """Return how many of so many pictures are read as one batch, at least 1."""
        return min(max(-(-count // self.workers), 1), self._most)

    @torch.inference_mode()
    def _read(self, pictures: ByteArray, dense: bool) -> Predictions:
        return self.readings(self.output(pictures, dense), dense)

    def output(self, pictures: ByteArray, dense: bool) -> AnalyzerOutput:
        """Return what the network says of one batch; parsing and matte are empty unless `dense`."""
        lit = np.stack([lifted(picture) for picture in pictures]) if len(pictures) else pictures
        # (N, 3, H, W) over channels-last memory, which is how the pictures lie already
        image = torch.from_numpy(lit).to(self.device).permute(0, 3, 1, 2).to(self.dtype) / 255
        return cast(AnalyzerOutput, self._everything(image) if dense else self._points_only(image))

    def readings(self, output: AnalyzerOutput, dense: bool) -> Predictions:
        """Decode what the network said; scores are calibrated."""
        points = self._calibrated(decode_points(output).cpu().numpy())
        facing = None if output.facing is None else decode_facing(output).cpu().numpy()
        if not dense:
            return Predictions(points, facing=facing)
        parsing = output.parsing_logits.argmax(dim=1).to(torch.uint8).cpu().numpy()  # (N, h, w)
        matte = torch.sigmoid(output.matte_logits.float())[:, 0].cpu().numpy()  # (N, h, w)
        return Predictions(points, parsing, matte, facing)

    def _calibrated(self, points: FloatArray) -> FloatArray:
        if self._knots is not None:
            points[..., 2] = np.interp(points[..., 2], self._knots[0], self._knots[1])
        return points


def _network_config(checkpoint: Checkpoint) -> AnalyzerConfig:
    """Read the network's size from a checkpoint; JSON has turned its tuples into lists."""
    given = checkpoint.config.get("network", {})
    known = {field.name for field in fields(AnalyzerConfig)}
    if not isinstance(given, dict) or not set(given) <= known:
        raise WeightsError(
            f"names a network of unknown form ({given})",
            subject=checkpoint.path,
            remedy="It was made by another release.",
        )
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return AnalyzerConfig(**values)


def checked_knots(calibration: Sequence[Sequence[float]]) -> tuple[FloatArray, FloatArray]:
    """Return the raw and the calibrated scores of a table, each float32 (K,).

    Raises
    ------
    ValueError
        Unless there are two or more pairs in [0, 1], raw scores strictly increasing and calibrated ones not decreasing.
    """
    table = np.asarray(calibration, dtype=np.float32)
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 2:
        raise ValueError(f"a calibration is a list of two or more [raw, calibrated] pairs, got shape {table.shape}")
    raw, calibrated = table.T
    if not ((table >= 0) & (table <= 1)).all() or (np.diff(raw) <= 0).any() or (np.diff(calibrated) < 0).any():
        raise ValueError(f"a calibration must be monotone within [0, 1], got {table.tolist()}")
    return raw, calibrated


def _joined(chunks: Iterable[Predictions], dense: bool, config: AnalyzerConfig) -> Predictions:
    parts = list(chunks)
    if not parts:
        none = np.zeros((0, config.height // 2, config.width // 2), dtype=np.float32)
        points = np.zeros((0, 18, 3), dtype=np.float32)
        return Predictions(points, none.astype(np.uint8), none) if dense else Predictions(points)
    points = np.concatenate([part.points for part in parts])
    facings = [part.facing for part in parts if part.facing is not None]
    facing = np.concatenate(facings) if len(facings) == len(parts) else None
    if not dense:
        return Predictions(points, facing=facing)
    return Predictions(
        points,
        np.concatenate([cast(ByteArray, part.parsing) for part in parts]),
        np.concatenate([cast(FloatArray, part.matte) for part in parts]),
        facing,
    )
