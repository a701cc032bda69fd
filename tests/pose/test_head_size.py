"""Heads of people and of drawn figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_poses import standing

from motionwarp.pose import skeleton as sk
from motionwarp.pose.head_size import LARGE_HEAD, head_size

HEAD = (sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE, sk.RIGHT_EAR, sk.LEFT_EAR)


def with_head(times: float) -> np.ndarray:
    points = standing()
    points[list(HEAD), :2] = points[sk.NECK, :2] + times * (points[list(HEAD), :2] - points[sk.NECK, :2])
    return points


def test_a_head_is_measured_by_its_body() -> None:
    usual = head_size(with_head(1))
    assert usual is not None
    assert 0.7 < usual < 1.3
    larger = head_size(with_head(2.5))
    assert larger == pytest.approx(2.5 * usual, rel=1e-4)
    assert larger > LARGE_HEAD
    scaled = with_head(2.5)
    scaled[:, :2] *= 3
    assert head_size(scaled) == pytest.approx(larger, rel=1e-4)


def test_what_was_not_seen_is_not_measured() -> None:
    points = standing()
    points[[sk.LEFT_SHOULDER], 2] = 0
    assert head_size(points) is None
    points = standing()
    points[list(HEAD), 2] = 0
    assert head_size(points) is None


@pytest.mark.shared_data
def test_no_street_photo_has_a_large_head(shared_data: Path) -> None:
    people = json.loads((shared_data / "ccp" / "keypoints18.json").read_text())
    sizes = [head_size(np.asarray(points, dtype=np.float32)) for points in people.values()]
    known = np.array([size for size in sizes if size is not None])
    assert len(known) > 1900
    assert known.max() < LARGE_HEAD
