"""How much of a label map a judge finds again in the photo that was made of it: the FCN-score, beside that of photos.

Isola et al. 2017 and the thesis (section 8.1) report three figures: right pixels, right pixels of each class in the
mean, and the intersection over union of classes in the mean. The oracle is the judge on real photos: what translations
could reach at most. `copy` is no translation at all: the drawn label map in place of a photo, and photos' colors in
place of labels'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from motionwarp.engines.cyclegan.data import drawn_labels, labels_of_colors, read_labels
from motionwarp.engines.cyclegan.engine import Translator
from motionwarp.engines.cyclegan.fcn import UNKNOWN, Judge, LabeledFolders
from motionwarp.engines.cyclegan.networks import Direction
from motionwarp.errors import MediaError
from motionwarp.evaluation.metrics.pose import flicker
from motionwarp.geometry.optical_flow import backward_flow
from motionwarp.media.image import read_image
from motionwarp.media.reader import open_video
from motionwarp.types import ByteArray

ORACLE: Final = "oracle"
COPY: Final = "copy"
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class FcnScore:
    """The three figures, each in [0, 1].

    Attributes
    ----------
    pixels : float
        Share of pixels of the right class.
    classes : float
        The same of each class that there is, in the mean.
    iou : float
        Intersection over union of each class that there is or is found, in the mean.
    """

    pixels: float
    classes: float
    iou: float


@dataclass(eq=False)
class Confusion:
    """Counts of pixels by true and found class, gathered picture by picture.

    Attributes
    ----------
    counts : int64 (C, C)
        Rows are true classes.
    """

    counts: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, classes: int) -> Confusion:
        """Return counts of nothing."""
        return cls(np.zeros((classes, classes), dtype=np.int64))

    def add(self, true: ByteArray, found: ByteArray) -> None:
        """Count the pixels of a picture; 255 among the true classes is not known and left out."""
        known = true != UNKNOWN
        count = len(self.counts)
        index = true[known].astype(np.int64) * count + np.minimum(found[known], count - 1)
        self.counts += np.bincount(index, minlength=count * count).reshape(count, count)

    def score(self) -> FcnScore:
        """Return the figures; zeros where nothing was counted."""
        right = np.diag(self.counts).astype(np.float64)
        true, found = self.counts.sum(axis=1), self.counts.sum(axis=0)
        if not true.sum():
            return FcnScore(0.0, 0.0, 0.0)
        union = true + found - right
        return FcnScore(
            float(right.sum() / true.sum()),
            float((right / np.maximum(true, 1))[true > 0].mean()),
            float((right / np.maximum(union, 1))[union > 0].mean()),
        )


@dataclass(frozen=True)
class TranslationReport:
    """What was measured.

    Attributes
    ----------
    pictures : int
    scores : dict of str to FcnScore
        Photos made of label maps, by the model's name; `oracle` is of the real photos, `copy` of the drawn maps.
    back : dict of str to FcnScore
        Label maps made of photos, against the true ones, by the model's name; `copy` is of the photos' own colors.
    """

    pictures: int
    scores: dict[str, FcnScore] = field(default_factory=dict)
    back: dict[str, FcnScore] = field(default_factory=dict)


def evaluate_translations(
    models: Sequence[Path], judge: Judge, folders: LabeledFolders, on_step: OnStep, most: int | None = None
) -> TranslationReport:
    """Score models that were trained from label maps (A) to photos (B).

    Parameters
    ----------
    models : sequence of Path
        What training exported; named by their folders where files have the same name.
    judge : Judge
        Trained from other photos.
    folders : LabeledFolders
        Held-out label maps and their photos.
    on_step : callable
        Called with the number of finished pictures, and of all.
    most : int or None
        Pictures that are looked at.

    Raises
    ------
    InputError
        One of its kinds, if a model or a picture is at fault.
    """
    pairs = folders.pairs()[:most]
    names = names_of(models)
    rows = [*names, COPY]
    ways = {name: (Translator(path, "a2b"), Translator(path, "b2a")) for name, path in zip(names, models, strict=True)}
    classes = judge.config.classes
    made, back = ({name: Confusion.empty(classes) for name in rows} for _ in range(2))
    oracle = Confusion.empty(classes)
    for number, (label_file, photo_file) in enumerate(pairs, 1):
        labels, photo = read_labels(label_file), read_image(photo_file).rgb
        true = _sized(labels, judge)
        oracle.add(true, judge.classes(photo))
        drawn = drawn_labels(labels)
        pictures = {
            name: (forward.picture(drawn), backward.picture(photo)) for name, (forward, backward) in ways.items()
        }
        for name, (as_photo, as_labels) in {**pictures, COPY: (drawn, photo)}.items():
            made[name].add(true, judge.classes(as_photo))
            back[name].add(true, _sized(labels_of_colors(as_labels, classes), judge))
        on_step(number, len(pairs))
    return TranslationReport(
        len(pairs),
        {**{name: counts.score() for name, counts in made.items()}, ORACLE: oracle.score()},
        {name: counts.score() for name, counts in back.items()},
    )


def names_of(models: Sequence[Path]) -> list[str]:
    """Return short names of files: their stems, or their folders' names where stems are the same."""
    stems = [path.stem for path in models]
    if len(set(stems)) == len(stems):
        return stems
    return [f"{path.resolve().parent.name}/{path.stem}" for path in models]


def _sized(labels: ByteArray, judge: Judge) -> ByteArray:
    size = judge.config.width, judge.config.height
    return np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


@dataclass(frozen=True)
class ClipFlicker:
    """How much a clip flickers, by the clip's own optical flow; see `metrics.pose.flicker`. Each in [0, 1].

    Attributes
    ----------
    frames : int
    steadily : float
        Translated as a clip.
    one_by_one : float
        The same frames, each translated by itself.
    of_input : float
        The clip itself.
    """

    frames: int
    steadily: float
    one_by_one: float
    of_input: float


def clip_flicker(
    model: Path, clip: Path, direction: Direction, most: int, on_step: OnStep, device: torch.device | None = None
) -> ClipFlicker:
    """Measure what translating a clip steadily is worth.

    Parameters
    ----------
    model, clip : Path
    direction : "a2b" or "b2a"
    most : int
        Frames from the beginning that are looked at, two at least.
    on_step : callable
    device : torch.device, optional

    Raises
    ------
    InputError
        One of its kinds, if the model or the clip is at fault, or has a single frame.
    """
    translator = Translator(model, direction, device)
    with open_video(clip) as reader:
        frames = [frame.rgb for frame in islice(reader, max(most, 2))]
    if len(frames) < 2:
        raise MediaError("has a single frame, which cannot flicker", subject=clip, remedy="Give a longer clip.")
    apart = (translator.picture(frame) for frame in frames)
    rows = zip(frames, translator.clip(iter(frames)), apart, strict=True)
    sums = np.zeros(3)
    before: tuple[ByteArray, ...] | None = None
    for number, now in enumerate(rows, 1):
        if before is not None:
            flow = backward_flow(before[0], now[0])
            sums += [flicker(one, other, flow) for one, other in zip(before, now, strict=True)]
        before = now
        on_step(number, len(frames))
    of_input, steadily, one_by_one = (float(value) for value in sums / (len(frames) - 1))
    return ClipFlicker(len(frames), steadily, one_by_one, of_input)
