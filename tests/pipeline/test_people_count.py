"""Who counts as another person of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from small_scene import standing

from motionwarp.errors import PoseFileError
from motionwarp.pipeline.check.people import count_people
from motionwarp.types import Person, PersonCrop, Pose

PICTURE = np.zeros((200, 600, 3), dtype=np.uint8)


class Finding:
    """Finds standing people at places, each as large as is said."""

    name = "finding"

    def __init__(self, *people: tuple[float, float, float]) -> None:
        self.people = people

    def find_people(self, rgb: object) -> list[Person]:
        pose = Pose(standing())
        return [
            Person(pose.transformed([[size, 0, x], [0, size, y]]), PersonCrop(0, 0, 1)) for x, y, size in self.people
        ]


class Reading:
    """Reads a file that holds no picture."""

    name = "poses.json"

    def find_people(self, rgb: object) -> list[Person]:
        raise PoseFileError("holds a clip", subject="poses.json")


@pytest.mark.parametrize(
    ("people", "count"),
    [
        ([], 0),
        ([(0, 0, 1)], 1),
        ([(0, 0, 1), (200, 0, 0.9), (400, 50, 0.6)], 3),
        ([(0, 0, 1), (200, 0, 0.4)], 1),  # a passer-by
        ([(30, 60, 0.6), (0, 0, 1)], 1),  # a misreading inside of somebody
        ([(0, 0, 1), (40, 0, 1)], 2),  # two who stand close
    ],
)
def test_people_of_a_size_who_stand_apart_count(people: list[tuple[float, float, float]], count: int) -> None:
    assert count_people(Finding(*people), PICTURE) == count  # type: ignore[arg-type]


def test_files_do_not_tell() -> None:
    assert count_people(Reading(), PICTURE) is None  # type: ignore[arg-type]
