"""Making the files of held-out pairs from a folder of clips or photos."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from motionwarp.data.held_out import HeldOutSplit, check_disjoint, held_out_split
from motionwarp.data.people_folder import PersonRule, frames_by_person, media_files, photos_by_person
from motionwarp.data.protocols import person_of, read_pairs, write_annotations, write_pairs
from motionwarp.errors import InputError, NoPersonError, OutputError
from motionwarp.media.image import read_image
from motionwarp.perception.base import Estimator
from motionwarp.types import ByteArray, Pose

SPLIT_FILE: Final = "split.json"
_LISTS: Final = ("train-pairs.csv", "test-pairs.csv", "train-annotation.csv", "test-annotation.csv", SPLIT_FILE)

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class HeldOutSettings:
    """What is made of what.

    Attributes
    ----------
    folder : Path
        Folder of clips or of photos.
    output : Path
        Folder of the lists, and of `images` with the frames of clips.
    person_by : "auto", "name", "folder" or "file"
        See `people_files.person_in`.
    test_share : float
        Share of the people that is for testing, in (0, 1).
    per_person : int
        Pairs, at most.
    every_seconds : float
        Between two frames of a clip, at least.
    height : int
        Height of the frames written, in pixels, at most.
    trained_on : Path or None
        A list of pairs whose people are never for testing.
    seed : int
    overwrite : bool
    """

    folder: Path
    output: Path
    person_by: PersonRule = "auto"
    test_share: float = 0.2
    per_person: int = 20
    every_seconds: float = 0.5
    height: int = 512
    trained_on: Path | None = None
    seed: int = 0
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class HeldOutFiles:
    """What was made.

    Attributes
    ----------
    images : Path
        Folder that the lists' names are below.
    split : HeldOutSplit
    without_person : list of str
        Pictures left out because nobody was seen in them.
    """

    images: Path
    split: HeldOutSplit
    without_person: list[str]

    def summary(self, settings: HeldOutSettings) -> dict[str, object]:
        """Return all that split.json tells."""
        return {
            "images": str(self.images),
            "seed": settings.seed,
            "person_by": settings.person_by,
            "train": {"people": list(self.split.train_people), "pairs": len(self.split.train)},
            "test": {"people": list(self.split.test_people), "pairs": len(self.split.test)},
            "without_person": self.without_person,
        }


def make_held_out(settings: HeldOutSettings, estimator: Estimator | None, progress: Progress) -> HeldOutFiles:
    """Write the lists of both splits.

    Parameters
    ----------
    settings : HeldOutSettings
    estimator : Estimator or None
        Sees points to be written as annotations; pictures in which it sees nobody are left out. None writes no
        annotations.
    progress : callable
        Told of every picture.

    Raises
    ------
    InputError
        If the folder holds both or neither of photos and clips, nothing tells who is who, or the splits would leak.
    OutputError
        If lists are there already without `overwrite`.
    """
    photos, clips = media_files(settings.folder)
    if photos and clips:
        raise InputError("holds both photos and clips", subject=settings.folder, remedy="Give a folder of one kind.")
    _check_output(settings)
    watcher = _Watcher(estimator, progress)
    if clips:
        images = settings.output / "images"
        people = frames_by_person(
            settings.folder,
            clips,
            settings.person_by,
            images,
            every_seconds=settings.every_seconds,
            height=settings.height,
            keep=watcher.keep,
        )
    else:
        images = settings.folder
        people = photos_by_person(settings.folder, photos, settings.person_by)
        if estimator is not None:
            people = {
                person: [name for name in names if watcher.keep(images / name, name, read_image(images / name).rgb)]
                for person, names in people.items()
            }
    split = held_out_split(
        people,
        test_share=settings.test_share,
        per_person=settings.per_person,
        seed=settings.seed,
        never_test=_trained_on(settings.trained_on, people),
    )
    check_disjoint(split, people, images)
    made = HeldOutFiles(images, split, watcher.without_person)
    _write(settings, made, None if estimator is None else watcher.poses)
    return made


class _Watcher:
    """Sees the points of every picture that is to be kept."""

    def __init__(self, estimator: Estimator | None, progress: Progress) -> None:
        self.estimator = estimator
        self.progress = progress
        self.poses: dict[str, Pose] = {}
        self.without_person: list[str] = []
        self._done = 0

    def keep(self, path: Path, name: str, rgb: ByteArray) -> bool:
        """Return whether a picture shows somebody, where that is asked."""
        self._done += 1
        self.progress("look" if self.estimator else "read", self._done, None)
        if self.estimator is None:
            return True
        try:
            self.poses[name] = self.estimator.analyze_picture(rgb).pose
        except NoPersonError:
            self.without_person.append(name)
            return False
        return True


def _trained_on(path: Path | None, people: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the people of a list, by the names of pictures here or by published names."""
    if path is None:
        return []
    owner = {name: person for person, names in people.items() for name in names}
    names = {name for pair in read_pairs(path).pairs for name in (pair.source, pair.target)}
    return sorted({person for name in names if (person := owner.get(name) or person_of(name)) is not None})


def _check_output(settings: HeldOutSettings) -> None:
    there = [name for name in _LISTS if (settings.output / name).exists()]
    if there and not settings.overwrite:
        raise OutputError(
            f"holds {there[0]} already", subject=settings.output, remedy="Choose another folder, or give `overwrite`"
        )


def _write(settings: HeldOutSettings, made: HeldOutFiles, poses: Mapping[str, Pose] | None) -> None:
    settings.output.mkdir(parents=True, exist_ok=True)
    for side, pairs in (("train", made.split.train), ("test", made.split.test)):
        write_pairs(settings.output / f"{side}-pairs.csv", pairs)
        annotation = settings.output / f"{side}-annotation.csv"
        if poses is None:
            annotation.unlink(missing_ok=True)  # one of an earlier run would be of other pictures
        else:
            used = sorted({name for pair in pairs for name in (pair.source, pair.target)})
            write_annotations(annotation, {name: poses[name] for name in used})
    text = json.dumps(made.summary(settings), indent=2, ensure_ascii=False)
    (settings.output / SPLIT_FILE).write_text(text + "\n", encoding="utf-8")
