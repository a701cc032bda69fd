"""Test pairs over plain gray as files: reverse pairs of validation photos, frames of validation clips, avatars.

What `evaluate pairs` takes: pictures, a list, points. Sources and targets are 256x192 crops framed as by the other
protocols, cut out by the given mattes and laid over plain gray, so that no metric is decided by backgrounds, which no
engine moves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.data.avatars.pairs import avatar_pairs_of
from motionwarp.data.held_out import draw_pairs
from motionwarp.data.people_folder import spaced_frames
from motionwarp.data.protocols import PairNames, write_annotations, write_pairs
from motionwarp.data.splits import VALIDATION_CLIPS
from motionwarp.errors import InputError, OutputError
from motionwarp.evaluation.clip_labels import read_labels
from motionwarp.evaluation.frame_metrics import TargetView
from motionwarp.evaluation.options import Origin, PlainPairsSettings, ReverseSettings
from motionwarp.evaluation.pairs.report import make_folder, write_whole
from motionwarp.evaluation.reenactment import shows_person
from motionwarp.evaluation.reverse_pairs import framed_on_plain, reverse_pairs, shuffled_photos
from motionwarp.evaluation.windows import SURE_SCORE
from motionwarp.media.image import write_image
from motionwarp.perception.base import Estimator
from motionwarp.types import Pose
from motionwarp.version import __version__

LIST_FILE: Final = "pairs.csv"
ANNOTATION_FILE: Final = "annotation.csv"
FACTS_FILE: Final = "pairs.json"
IMAGES: Final = "images"

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, eq=False)
class PlainPairs:
    """What was made.

    Attributes
    ----------
    pairs : list of PairNames
        Reverse pairs first, then those of clips and of avatars.
    reverse, of_clips, of_avatars : int
        How many of each.
    photos_left_out : int
        Photos whose torso is not seen, or whose person the layered engine could not move; others took their places.
    """

    pairs: list[PairNames]
    reverse: int
    of_clips: int
    of_avatars: int
    photos_left_out: int


def make_plain_pairs(
    data_folder: Path,
    output: Path,
    settings: PlainPairsSettings,
    estimator: Estimator,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PlainPairs:
    """Write pictures, list and points of test pairs.

    Parameters
    ----------
    data_folder : Path
        With `ccp`, `video` and, for avatars, `avatars` and `motion`, as for training.
    output : Path
        Gets `images/`, `pairs.csv`, `annotation.csv` and `pairs.json`; the list comes last, so that a folder with one
        is whole.
    settings : PlainPairsSettings
    estimator : Estimator
        Gives the parsings that the layered engine makes sources with, and the labels of clips that have none beside
        them.
    overwrite : bool
        Whether a list that is there may be replaced.
    progress : callable, optional
        Told of every pair and frame.

    Raises
    ------
    InputError
        If labels are missing or no pair could be made.
    OutputError
        If there is a list already, or something cannot be written.
    """
    list_file = output / LIST_FILE
    if list_file.exists() and not overwrite:
        raise OutputError(
            f"holds {LIST_FILE} already", subject=output, remedy="Choose another folder, or give `overwrite`."
        )
    list_file.unlink(missing_ok=True)
    views = _ViewFolder(output / IMAGES)
    tell = progress or (lambda stage, done, total: None)
    reverse, left_out = _reverse_pairs(data_folder, settings, estimator, views, tell)
    of_clips = _clip_pairs(data_folder / "video", settings, estimator, views, tell)
    of_avatars = _avatar_pairs(data_folder, settings, views, tell)
    pairs = reverse + of_clips + of_avatars
    if not pairs:
        raise InputError(
            "no photo and no clip could be used", subject=data_folder, remedy="Check that the data set is complete."
        )
    made = PlainPairs(pairs, len(reverse), len(of_clips), len(of_avatars), left_out)
    used = sorted({name for pair in pairs for name in (pair.source, pair.target)})
    write_annotations(output / ANNOTATION_FILE, {name: views.poses[name] for name in used})
    facts = {
        **asdict(settings),
        "framing": "crop 256x192",
        "reverse_pairs": made.reverse,
        "clip_pairs": made.of_clips,
        "avatar_pairs": made.of_avatars,
        "photos_left_out": left_out,
        "made_by": __version__,
    }
    write_whole(output / FACTS_FILE, json.dumps(facts, indent=2) + "\n")
    write_pairs(list_file, pairs)
    return made


class _ViewFolder:
    """Writes framed people as pictures and keeps their points."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self.folder = folder
        self.poses: dict[str, Pose] = {}

    def add(self, name: str, view: TargetView) -> None:
        """Write a picture; points outside of it and guesses become missing ones, since annotations have no scores."""
        write_image(self.folder / name, view.rgb, overwrite=True)
        points = view.points_inside()
        points[points[:, 2] < SURE_SCORE, 2] = 0
        self.poses[name] = Pose(points)


def _reverse_pairs(
    data_folder: Path, settings: PlainPairsSettings, estimator: Estimator, views: _ViewFolder, tell: Progress
) -> tuple[list[PairNames], int]:
    """Return the pairs, and how many photos were passed over to have so many."""
    if not settings.photos:
        return [], 0
    names = shuffled_photos(data_folder, settings.seed)
    rules = ReverseSettings(seed=settings.seed, background=settings.background)
    pairs: list[PairNames] = []
    with closing(reverse_pairs(data_folder, names, rules, estimator)) as made:
        for pair in made:
            names_of_pair = PairNames(f"photo_{pair.name}_made.png", f"photo_{pair.name}.png")
            views.add(names_of_pair.source, pair.source.framed)
            views.add(names_of_pair.target, pair.target)
            pairs.append(names_of_pair)
            tell("photos", len(pairs), settings.photos)
            if len(pairs) == settings.photos:
                return pairs, names.index(pair.name) + 1 - len(pairs)
    return pairs, len(names) - len(pairs)


def _clip_pairs(
    folder: Path, settings: PlainPairsSettings, estimator: Estimator, views: _ViewFolder, tell: Progress
) -> list[PairNames]:
    if not settings.pairs_per_clip:
        return []
    frames = {clip: _clip_views(folder / f"{clip}.mp4", settings, estimator, views, tell) for clip in VALIDATION_CLIPS}
    return draw_pairs(frames, VALIDATION_CLIPS, settings.pairs_per_clip, settings.seed)


def _clip_views(
    clip: Path, settings: PlainPairsSettings, estimator: Estimator, views: _ViewFolder, tell: Progress
) -> list[str]:
    """Write frames of a clip that show its person, and return their names."""
    labels = read_labels(clip, None, Origin.AUTO, Origin.AUTO, estimator)
    names = []
    with closing(spaced_frames(clip, settings.every_seconds)) as frames:
        for frame in frames:
            if frame.index >= len(labels.truth):
                raise InputError("its labels end before it does", subject=clip, remedy="Give the clip's own labels.")
            if not shows_person(labels, frame.index):
                continue
            matte = labels.truth_matte(frame.index, frame.rgb, estimator)
            name = f"{clip.stem}_{frame.index:06d}.png"
            views.add(
                name, framed_on_plain(frame.rgb, matte, Pose(labels.truth.points[frame.index]), settings.background)
            )
            names.append(name)
            tell(clip.stem, len(names), None)
    return names


def _avatar_pairs(
    data_folder: Path, settings: PlainPairsSettings, views: _ViewFolder, tell: Progress
) -> list[PairNames]:
    """Return pairs of avatars that nothing was trained on, in takes that nothing was trained on, with exact mattes."""
    pairs: list[PairNames] = []
    if not settings.avatars:
        return pairs
    for number, pair in enumerate(islice(avatar_pairs_of(data_folder, "validation", settings.seed), settings.avatars)):
        names = PairNames(f"avatar_{number:04d}_source.png", f"avatar_{number:04d}_target.png")
        for name, picture in ((names.source, pair.source), (names.target, pair.target)):
            matte = picture.matte.astype(np.float32) / np.float32(255)
            views.add(name, framed_on_plain(picture.rgb, matte, Pose(picture.points), settings.background))
        pairs.append(names)
        tell("avatars", len(pairs), settings.avatars)
    return pairs
