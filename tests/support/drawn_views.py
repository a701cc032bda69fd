"""Drawn people whose points, parsings and mattes are known, and an estimator that knows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from motionwarp.data.synthetic import (
    BodyPose,
    Camera,
    SyntheticPerson,
    SyntheticView,
    body_points,
    frame_body,
    place,
    render,
)
from motionwarp.data.synthetic.body import sample_proportions
from motionwarp.data.synthetic.wardrobe import sample_outfit
from motionwarp.errors import NoPersonError
from motionwarp.media.image import write_image
from motionwarp.media.writer import open_writer
from motionwarp.perception.base import Observation
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.types import ByteArray, Frame, Person, PersonCrop, Pose

HEIGHT, WIDTH = 256, 144
RATE = 12
PERSON = SyntheticPerson(
    sample_proportions(np.random.default_rng(0)),
    replace(
        sample_outfit(np.random.default_rng(1)),
        bag=False,
        hat=False,
        scarf=False,
        whole="none",
        layer="none",
        lower="trousers",
    ),
)
APART = BodyPose(right_arm=(25.0, 0.0, 0.0, 5.0), left_arm=(25.0, 0.0, 0.0, 5.0))


def drawn(pose: BodyPose = APART, *, share: float = 0.8, middle: float = 0.5, gray: int = 120) -> SyntheticView:
    """Draw the person over gray, `share` of the picture's height, the middle of the body at `middle` of it."""
    camera = frame_body(
        body_points(place(PERSON.proportions, pose)), Camera(5.0, 0.2, 0.0, 1.0, 0.0, 0.0), HEIGHT, WIDTH,
        share=share, middle_x=0.5, middle_y=middle,
    )  # fmt: skip
    return render(PERSON, pose, camera, empty_picture(gray), HEIGHT, WIDTH)


def waving(count: int) -> list[SyntheticView]:
    """The person lifts both arms and lets them down again."""
    lifts = 25 + 40 * (1 - np.cos(2 * np.pi * np.arange(count) / count)) / 2
    return [
        drawn(BodyPose(right_arm=(float(lift), 0.0, 0.0, 5.0), left_arm=(float(lift), 0.0, 0.0, 5.0))) for lift in lifts
    ]


def empty_picture(gray: int = 120) -> ByteArray:
    background = np.full((HEIGHT, WIDTH, 3), gray, dtype=np.uint8)
    background[:, : WIDTH // 3] = 255 - gray
    return background


def write_source(path: Path, view: SyntheticView) -> Path:
    write_image(path, view.rgb, overwrite=True)
    return path


def write_clip(path: Path, pictures: Sequence[ByteArray]) -> Path:
    height, width = pictures[0].shape[:2]
    with open_writer(path, width=width, height=height, frame_rate=Fraction(RATE), overwrite=True) as writer:
        for index, picture in enumerate(pictures):
            writer.write(picture, index / RATE)
    return path


@dataclass
class ExactEstimator:
    """Knows what was drawn.

    Attributes
    ----------
    source : what the picture shows, or None for nobody
    clip : what each frame of the clip shows, None for nobody
    people : how many it finds in any picture
    """

    source: SyntheticView | None
    clip: Sequence[SyntheticView | None]
    people: int = 1
    name: str = "exact"

    def find_people(self, rgb: ByteArray) -> list[Person]:
        one = self.analyze_picture(rgb)
        return [
            replace(one, pose=one.pose.transformed([[1, 0, number * WIDTH], [0, 1, 0]]))
            for number in range(self.people)
        ]

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        if self.source is None:
            raise NoPersonError("no person was found in the picture", remedy="Use another picture")
        crop = PersonCrop(0, 0, 1, WIDTH, HEIGHT)
        return Person(given_pose or self.source.pose, crop, self.source.parsing, self.source.matte, score=0.97)

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        for frame in frames:
            view = self.clip[frame.index]
            person = None if view is None else Person(view.pose, PersonCrop(0, 0, 1, WIDTH, HEIGHT))
            yield Observation(frame, person)
