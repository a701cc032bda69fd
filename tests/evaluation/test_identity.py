"""Identity: figures of photos against themselves, and the two laws of rest over real photos."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.engines.avatar.engine import AvatarEngine
from motionwarp.engines.base import RenderSettings
from motionwarp.errors import InputError, OptionError
from motionwarp.evaluation.identity import PhotoIdentity, evaluate_identity, identity_summary
from motionwarp.evaluation.options import IdentitySettings, Way
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source import prepare_source, read_source
from motionwarp.types import FloatArray, PoseTrack, SourcePerson

CPU = torch.device("cpu")
# two of the photos that nothing is trained on
PHOTOS = ("0027", "0037")


def test_means_and_least_values_are_by_engine_and_way() -> None:
    results = [
        PhotoIdentity("x", "avatar", Way.OWN, 40.0, 50.0),
        PhotoIdentity("y", "avatar", Way.OWN, 30.0, 44.0),
        PhotoIdentity("x", "layered", Way.DEFAULT, 20.0, 22.0),
    ]
    summary = identity_summary(results)
    own = summary["engines"]["avatar"]["own"]
    assert own == {"photos": 2, "matte_psnr_mean": 35.0, "matte_psnr_least": 30.0, "psnr_mean": 47.0}
    assert list(summary["engines"]["avatar"]) == ["own"]
    assert summary["photos"][2] == {
        "photo": "x", "engine": "layered", "way": "default", "matte_psnr": 20.0, "psnr": 22.0,
    }  # fmt: skip


def test_engines_are_named_once_and_given_ways_need_labels(tmp_path: Path, repository_root: Path) -> None:
    for engines in ((), ("avatar", "avatar")):
        with pytest.raises(OptionError):
            IdentitySettings(engines=engines)
    assert IdentitySettings().ways == (Way.OWN, Way.DEFAULT)
    settings = IdentitySettings(labels=tmp_path, device="cpu")
    with pytest.raises(InputError, match="no such labels"):
        evaluate_identity([repository_root / "examples" / "person.jpg"], settings, lambda _done, _all: None)


@pytest.fixture(scope="module", params=PHOTOS)
def given(request: pytest.FixtureRequest, shared_data: Path) -> SourcePerson:
    """A real photo with its points and matte."""
    labels = shared_data / "ccp"
    options = TransferOptions(
        source_poses=labels / "keypoints18.json", matte=labels / "mattes" / f"{request.param}.png", device="cpu"
    )
    source = read_source(labels / "photos" / f"{request.param}.jpg", options)
    return prepare_source(source, options, make_estimator("builtin", CPU, torch.float32)).person


@pytest.mark.shared_data
def test_at_rest_it_is_the_photo_and_small_motion_is_small_change(given: SourcePerson) -> None:
    height, width = given.matte.shape
    engine = AvatarEngine()
    rest = np.eye(2, 3, dtype=np.float32)
    engine.prepare(given, RenderSettings(CPU, torch.float32, width, height, photo_to_frame=rest))
    inside = given.matte > 0.5

    def at(move: float) -> FloatArray:
        points = given.pose.points.copy()
        points[points[:, 2] > 0, 0] += move
        motion = engine.follow(PoseTrack(points[None], np.ones(1, np.bool_), np.zeros(1), width, height))
        layer = engine.render(motion, engine.plan(motion))[0]
        frame = np.zeros((height, width, 4), dtype=np.float32)
        rows, columns = layer.rgba.shape[:2]
        frame[layer.top : layer.top + rows, layer.left : layer.left + columns] = layer.rgba
        return np.asarray(frame[..., :3] + (1 - frame[..., 3:] / 255) * given.rgb, dtype=np.float32)

    moves = (0.0, 0.5, 1.0, 2.0, 3.0)
    frames = [at(move) for move in moves]
    errors = [float(np.square(frame - given.rgb)[inside].mean()) for frame in frames]
    assert 10 * np.log10(255**2 / max(errors[0], 1e-6)) >= 40
    assert all(former <= latter for former, latter in pairwise(errors)), errors
    # nothing appears or vanishes: no step is larger than that of the photo moved along by as much
    steps = [float(np.sqrt(np.square(one - other)[inside].mean())) for one, other in pairwise(frames)]
    rolled = np.roll(given.rgb.astype(np.float32), 1, axis=1)
    assert max(steps) < 2.0 * float(np.sqrt(np.square(rolled - given.rgb)[inside].mean())), steps


def test_a_missing_photo_is_told_before_any_is_moved(tmp_path: Path, repository_root: Path) -> None:
    photos = [repository_root / "examples" / "person.jpg", tmp_path / "nobody.jpg"]
    done: list[int] = []
    with pytest.raises(InputError, match="there is no such file"):
        evaluate_identity(photos, IdentitySettings(engines=("layered",)), lambda now, _: done.append(now))
    assert done == []
