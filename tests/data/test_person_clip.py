from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from motionwarp.data.person_clip import person_pictures
from motionwarp.errors import InputError, NoPersonError
from motionwarp.perception.base import Observation
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pose import skeleton as sk
from motionwarp.types import Frame, Person, PersonCrop, Pose

HEIGHT, WIDTH, FRAMES = 128, 160, 30


def box_left(index: int) -> int:
    return 30 + 2 * index


class BoxSeer:
    """Sees a box of 40 x 80 pixels that moves to the right, and now and then not."""

    name = "box"

    def __init__(self, blind: set[int], unsure: set[int]) -> None:
        self.blind, self.unsure = blind, unsure

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        assert dense
        for frame in frames:
            points = np.zeros((18, 3), np.float32)
            points[[sk.NECK, sk.RIGHT_HIP]] = (box_left(frame.index) + 20, 40, 1), (box_left(frame.index) + 20, 80, 1)
            # the crop's matte, 3 pixels a cell, laid over the frame's left top
            matte, crop = np.zeros((256, 192), np.float32), PersonCrop(0, 0, 1.0)
            matte[24:104, box_left(frame.index) : box_left(frame.index) + 40] = 1
            score = 0.2 if frame.index in self.unsure else 0.9
            person = Person(Pose(points), crop, (5 * matte).astype(np.uint8), matte, score)
            yield Observation(frame, None if frame.index in self.blind else person)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "box.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for index in range(FRAMES):
            rgb = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
            rgb[24:104, box_left(index) : box_left(index) + 40] = (200, 60, 60)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_people_are_cut_out_with_their_labels(clip: Path) -> None:
    pictures = person_pictures(clip, BoxSeer(set(), set()), most=15)  # type: ignore[arg-type]
    assert [picture.name for picture in pictures] == [f"box/{index:05d}" for index in range(0, FRAMES, 2)]
    for picture in pictures:
        assert picture.rgb.shape[0] == 320
        inside = picture.matte > 250
        assert (picture.parsing[inside] == 5).all()
        assert np.abs(picture.rgb[inside].astype(int) - (200, 60, 60)).mean() < 20
        x, y = picture.points[sk.NECK, :2].round().astype(int)
        assert picture.matte[y, x] == 255


def test_frames_that_are_not_sure_are_left_out(clip: Path) -> None:
    pictures = person_pictures(clip, BoxSeer(set(range(5)), set(range(10, 15))), most=100)  # type: ignore[arg-type]
    assert [int(picture.name[-5:]) for picture in pictures] == [*range(5, 10), *range(15, FRAMES)]


def test_too_few_frames_are_told(clip: Path) -> None:
    with pytest.raises(InputError, match="4 frames, 10 are needed"):
        person_pictures(clip, BoxSeer(set(range(4, FRAMES)), set()), most=100)  # type: ignore[arg-type]
    with pytest.raises(NoPersonError, match="nobody"):
        person_pictures(clip, BoxSeer(set(range(FRAMES)), set()), most=100)  # type: ignore[arg-type]
