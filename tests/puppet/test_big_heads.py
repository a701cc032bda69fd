"""Drawn figures with large heads, moved by a grown-up: the head stays whole and as large as it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from big_heads import DARK, HAIR, HEIGHT, POSES, SKIN, WIDTH, grown_up, mascot, mascot_points

from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.pose import skeleton as sk
from motionwarp.pose.head_size import LARGE_HEAD, head_size
from motionwarp.pose.proportions import RATIO_HIGH, RATIO_LOW, compare, measure
from motionwarp.pose.retargeting import retarget_track
from motionwarp.puppet.joints import Joints
from motionwarp.types import PoseTrack

HEADS = (0.45, 0.6, 1.05)


def moved(head: float) -> PoseTrack:
    points = np.stack([grown_up(pose) for pose in POSES])
    track = PoseTrack(points, np.ones(len(points), dtype=np.bool_), np.arange(len(points)) / 5.0, WIDTH, HEIGHT)
    return retarget_track(track, mascot(head).pose).track


def span(points: np.ndarray, one: int, other: int) -> np.ndarray:
    return np.asarray(np.linalg.norm(points[..., one, :2] - points[..., other, :2], axis=-1))


@pytest.mark.parametrize("head", HEADS)
def test_bones_get_the_figures_lengths(head: float) -> None:
    source = mascot_points(head)
    size = head_size(source)
    assert size is not None
    assert size > LARGE_HEAD
    points = moved(head).points
    for bone in ((sk.NECK, sk.NOSE), (sk.LEFT_SHOULDER, sk.LEFT_ELBOW), (sk.RIGHT_HIP, sk.RIGHT_KNEE)):
        np.testing.assert_allclose(span(points, *bone), span(source, *bone), rtol=0.2)
    # the directions between eyes and ears are the grown-up's, so that these are a little smaller
    for pair in ((sk.RIGHT_EYE, sk.LEFT_EYE), (sk.RIGHT_EAR, sk.LEFT_EAR)):
        assert (span(points, *pair) > 0.6 * span(source, *pair)).all()


@pytest.mark.parametrize("head", HEADS)
def test_the_face_is_neither_squeezed_nor_cut(head: float) -> None:
    source, track = mascot(head), moved(head)
    engine = LayeredEngine()
    engine.prepare(source, RenderSettings(torch.device("cpu"), torch.float32, WIDTH, HEIGHT))
    motion = Motion(track.points)

    def counts(rgb: np.ndarray) -> np.ndarray:
        colors = np.array([HAIR, SKIN, DARK])
        return np.asarray((np.abs(rgb[..., None, :3].astype(int) - colors).max(axis=-1) < 25).sum(axis=(0, 1)))

    before = counts(source.rgb)
    for pose, layer in zip(POSES, engine.render(motion, engine.plan(motion)), strict=True):
        now = counts(np.where(layer.rgba[..., 3:] > 200, layer.rgba, 0))
        if pose != "up":  # hands are before the hair then
            assert (now[:2] > 0.75 * before[:2]).all(), pose
        assert 0.7 * before[2] < now[2] < 1.2 * before[2], pose  # both eyes, and the mouth


def test_people_are_bounded_as_ever() -> None:
    grown, other = grown_up("rest"), grown_up("rest")
    other[list(sk.HEAD_POINTS), :2] = grown[sk.NECK, :2] + 1.6 * (grown[list(sk.HEAD_POINTS), :2] - grown[sk.NECK, :2])
    source, driving = measure(other[None], "source"), measure(grown[None], "driving")
    assert source is not None
    assert driving is not None
    assert (source.head, driving.head) == (1.0, 1.0)
    ratios = compare(source, driving)
    assert all(RATIO_LOW <= ratio / ratios.scale <= RATIO_HIGH for ratio in ratios.ratios.values())
    assert ratios.ratios["neck"] / ratios.scale == pytest.approx(RATIO_HIGH)


def test_a_figure_can_drive_a_person() -> None:
    """The other way round the head of the person stays a person's."""
    points = np.stack([mascot_points(0.6)] * 3)
    track = PoseTrack(points, np.ones(3, dtype=np.bool_), np.arange(3) / 5.0, WIDTH, HEIGHT)
    person = mascot(0.6)
    source = grown_up("rest")
    result = retarget_track(track, type(person.pose)(source)).track.points
    np.testing.assert_allclose(span(result, sk.NECK, sk.NOSE), span(source, sk.NECK, sk.NOSE), rtol=0.1)


def test_half_of_the_ears_distance_needs_both() -> None:
    points = torch.from_numpy(np.stack([mascot_points(0.6)] * 2))
    points[1, sk.LEFT_EAR, 2] = 0
    found = Joints(points).half_ears()
    assert float(found[0]) == pytest.approx(float(points[0, sk.LEFT_EAR, 0] - points[0, sk.RIGHT_EAR, 0]) / 2, rel=1e-5)
    assert float(found[1]) == 0
