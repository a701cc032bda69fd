"""Whom to follow, decided over the whole clip: empty rooms, furniture, toys, and who leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn_people import BLUE, GREEN, RED, DotReader, Figure, draw

from motionwarp.perception.detection import PersonDetector
from motionwarp.perception.inference import Detection, Predictions
from motionwarp.perception.rotation import upright_rotation
from motionwarp.perception.selection import LARGEST
from motionwarp.perception.survey import survey
from motionwarp.perception.tracking import PersonTracker
from motionwarp.types import Frame

FPS = 25
TOY, POSTER = 3, 4


class DoubtfulReader(DotReader):
    """Sees toys as the network does: with a low score, and half of the points."""

    def __call__(self, pictures: np.ndarray, dense: bool) -> Predictions:
        seen = super().__call__(pictures, dense)
        for points, picture in zip(seen.points, pictures, strict=True):
            if (points[:, 2] > 0).any() and _number_seen(picture) == TOY:
                points[:, 2] *= 0.65
                points[9:, 2] = 0
        return seen


def _number_seen(picture: np.ndarray) -> int:
    """Return the number of the figure whose dots a picture shows most of."""
    blue = picture[picture[..., 2] > 250]
    return int(np.median((blue[:, 1].astype(float) - 20) / 40).round()) if len(blue) else -1


def frames_of(scenes: list[list[Figure]]) -> list[Frame]:
    return [Frame(draw(figures), index / FPS, index) for index, figures in enumerate(scenes)]


def followed_over_the_clip(scenes: list[list[Figure]], every: int = 10) -> tuple[list[bool], list[int]]:
    """Return in which frames somebody was followed, and the numbers of whom."""
    frames, reader = frames_of(scenes), DoubtfulReader()
    choice = survey(frames[::every], PersonDetector(reader))
    seen = list(PersonTracker(reader).follow(frames, choice))
    numbers = []
    for observation, figures in zip(seen, scenes, strict=True):
        if observation.person is not None:
            middle = observation.person.pose.xy[observation.person.pose.visible(0.2)].mean(axis=0)
            nearest = min(figures, key=lambda figure: np.hypot(*(figure.points()[:, :2].mean(axis=0) - middle)))
            numbers.append(nearest.number)
    return [observation.person is not None for observation in seen], numbers


def toy(t: int) -> Figure:
    return Figure(TOY, 520, 120, 95, BLUE)


def dancer(t: int, number: int = 0, x: float = 200.0) -> Figure:
    return Figure(number, x + 2 * np.sin(t), 120 + 5 * np.sin(t / 3), 70, RED, arms_degrees=40 * np.sin(t / 4))


def test_a_large_toy_in_the_first_frame_is_not_followed() -> None:
    scenes = [[toy(t), dancer(t)] for t in range(60)]
    assert followed_over_the_clip(scenes)[1] == [0] * 60


def test_a_room_with_furniture_that_is_empty_first() -> None:
    scenes = [[toy(t)] for t in range(30)] + [[toy(t), dancer(t)] for t in range(60)]
    present, numbers = followed_over_the_clip(scenes)
    assert present == [False] * 30 + [True] * 60
    assert set(numbers) == {0}


def test_who_starts_the_camera_and_leaves_is_not_followed() -> None:
    scenes = (
        [[Figure(1, 330 + 20 * t, 120, 85, GREEN)] for t in range(12)] + [[]] * 8 + [[dancer(t)] for t in range(100)]
    )
    present, numbers = followed_over_the_clip(scenes)
    assert numbers == [0] * 100
    assert not any(present[:20])


def test_who_leaves_in_company_is_not_followed() -> None:
    scenes = [[dancer(t), Figure(1, 400 + 9 * t, 115, 85, GREEN)] for t in range(90)]
    assert followed_over_the_clip(scenes)[1] == [0] * 90


def test_a_poster_that_never_moves_is_less_than_a_smaller_dancer() -> None:
    scenes = [[Figure(POSTER, 480, 120, 90, BLUE), dancer(t)] for t in range(60)]
    assert followed_over_the_clip(scenes)[1] == [0] * 60


def test_people_who_are_alone_one_after_another_are_all_followed() -> None:
    scenes = (
        [[dancer(t)] for t in range(50)] + [[]] * 16 + [[Figure(1, 400 + t / 2, 125, 75, GREEN)] for t in range(50)]
    )
    present, numbers = followed_over_the_clip(scenes)
    assert present == [True] * 50 + [False] * 16 + [True] * 50
    assert numbers == [0] * 50 + [1] * 50


def test_of_two_the_larger_one_is_followed_through_a_crossing() -> None:
    scenes = [[Figure(1, 560 - 5 * t, 120, 62, GREEN), Figure(0, 120 + 5 * t, 110, 80, RED)] for t in range(80)]
    present, numbers = followed_over_the_clip(scenes)
    assert set(numbers) == {0}
    assert sum(present) >= 76


def test_nobody_and_no_frames_leave_the_choice_open() -> None:
    assert survey(frames_of([[]] * 3), PersonDetector(DotReader())) == LARGEST
    assert survey([], PersonDetector(DotReader())) == LARGEST


def test_small_people_are_looked_for_where_a_quick_look_finds_nobody() -> None:
    scenes = [[Figure(0, 150 + t, 250, 26)] for t in range(40)]
    assert len(survey(frames_of(scenes)[::10], PersonDetector(DotReader())).sightings) >= 1


def test_frames_searched_side_by_side_tell_the_same_and_are_not_all_held() -> None:
    scenes = [[Figure(1, 560 - 5 * t, 120, 62, GREEN), Figure(0, 120 + 5 * t, 110, 80, RED)] for t in range(80)]
    frames, finder = frames_of(scenes)[::10], PersonDetector(DotReader())
    alone = survey(frames, finder)
    drawn: list[int] = []

    class Watched(PersonDetector):
        """Notes how many frames have been asked for when one is searched."""

        def find(self, *args: Any, **kwargs: Any) -> list[Detection]:
            most.append(len(drawn))
            return super().find(*args, **kwargs)

    most: list[int] = []
    beside = survey((drawn.append(frame.index) or frame for frame in frames), Watched(DotReader()), workers=2)
    assert len(beside.sightings) == len(alone.sightings) > 1
    for one, other in zip(alone.sightings, beside.sightings, strict=True):
        assert one.time_seconds == other.time_seconds
        np.testing.assert_array_equal(one.points, other.points)
    assert most[0] <= 3  # of eight


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_clip_on_its_side_is_told(degrees: int) -> None:
    upright = [draw([Figure(0, 200 + 3 * t, 120, 70)], 400, 400) for t in range(3)]
    # turned counter-clockwise by as much as it has to be turned back
    frames = [Frame(np.rot90(rgb, degrees // 90).copy(), index / FPS, index) for index, rgb in enumerate(upright)]
    assert upright_rotation(frames, PersonDetector(DotReader())) == degrees


def test_an_empty_clip_is_not_turned() -> None:
    assert upright_rotation(frames_of([[]] * 2), PersonDetector(DotReader())) == 0
