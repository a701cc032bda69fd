"""The parts of a live run: the newest thing alone, a clip as a camera, poses held and eased, the mark."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from motionwarp.errors import DeviceError, MediaError, MissingExtraError, OptionError
from motionwarp.live.camera import ClipCamera, DeviceCamera, open_camera
from motionwarp.live.mark import draw_mark
from motionwarp.live.newest import Newest
from motionwarp.live.options import LiveOptions
from motionwarp.live.output import VirtualCameraOutput, WindowOutput
from motionwarp.live.steadying import EasedPose, SteadyPose
from motionwarp.pose.kinematics import VISIBLE_SCORE


def pose(shift: float = 0.0) -> np.ndarray:
    points = np.ones((18, 3), dtype=np.float32)
    points[:, 0] = 100 + shift + 5 * np.arange(18)
    points[:, 1] = 50 + 10 * np.arange(18)
    return points


def test_only_the_newest_is_handed_on() -> None:
    place = Newest[int]()
    assert place.take(0.01) is None
    for number in range(5):
        place.put(number)
    assert (place.take(), place.dropped) == (4, 4)
    threading.Timer(0.05, lambda: place.put(7)).start()
    assert place.take() == 7
    place.put(8)
    place.close()
    assert (place.take(), place.take()) == (8, None)


def test_a_clip_comes_in_its_own_time(repository_root: Path) -> None:
    begin = time.monotonic()
    taken = []
    for frame in ClipCamera(repository_root / "examples" / "dance.mp4").frames():
        assert frame.captured_seconds <= time.monotonic()
        taken.append(frame.captured_seconds - begin)
        if len(taken) == 12:
            break
    steps = np.diff(taken)
    assert steps.sum() == pytest.approx(11 / 25, rel=0.3)


def test_cameras_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="camera 77: there is no such camera"):
        DeviceCamera(77)
    with pytest.raises(MediaError, match="no such file"):
        open_camera(str(tmp_path / "gone.mp4"))


def test_hidden_points_stay_on_the_body_for_a_moment() -> None:
    steady = SteadyPose()
    steady(pose(), 0.0)
    hidden = pose(shift=20.0)
    hidden[4, 2] = 0.0
    held = steady(hidden, 0.1)
    assert held[4, 2] == pytest.approx(VISIBLE_SCORE)
    assert (held[4, :2] - held[1, :2]).tolist() == pytest.approx((pose()[4, :2] - pose()[1, :2]).tolist(), abs=0.5)
    for step in range(2, 8):
        held = steady(hidden, 0.1 * step)
    assert held[4, 2] == 0.0  # no longer known


def test_without_strength_points_are_what_is_seen() -> None:
    steady = SteadyPose(0.0)
    for step in range(5):
        assert (steady(pose(3.0 * step * step), step / 30)[:, :2] == pose(3.0 * step * step)[:, :2]).all()


def test_a_lost_person_stands_still_and_comes_back_without_a_jump() -> None:
    eased = EasedPose(pose())
    assert (eased(None, 0.0) == pose()).all()
    shown = [eased(pose(100.0), 1.0 + step / 30)[0, 0] for step in range(15)]
    assert shown[0] == 100.0
    assert np.diff(shown).max() < 20
    assert shown[-1] == 200.0
    assert (eased(None, 3.0) == pose(100.0)).all()
    assert eased(pose(0.0), 3.1)[0, 0] == pytest.approx(200.0)


@pytest.mark.parametrize("size", [(512, 384), (64, 64), (20, 30)])
def test_the_mark_is_small_and_in_the_corner(size: tuple[int, int]) -> None:
    plain = np.full((*size, 3), 120, dtype=np.uint8)
    marked = draw_mark(plain.copy())
    changed = (marked != plain).any(axis=-1)
    assert changed.any()
    if min(size) > 100:
        assert changed.mean() < 0.04
        assert not changed[: size[0] // 2].any()
        assert not changed[:, : size[1] // 2].any()
        assert marked.max() > 240  # letters


def test_options_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for background in ("transparent", "driving"):
        with pytest.raises(OptionError, match="no background of a live picture"):
            LiveOptions(background=background)
    monkeypatch.setitem(__import__("sys").modules, "pyvirtualcam", None)
    with pytest.raises(MissingExtraError, match=r"motionwarp\[camera\]"):
        VirtualCameraOutput(64, 64)
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DeviceError, match="to=page"):
        WindowOutput(64, 64)


def test_a_virtual_camera_is_sent_every_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[np.ndarray] = []

    class Camera:
        device = "/dev/video9"

        def __init__(self, *, width: int, height: int, fps: float) -> None:
            assert (width, height) == (8, 6)

        def send(self, picture: np.ndarray) -> None:
            sent.append(picture)

        def close(self) -> None:
            sent.append(np.zeros(0))

    module = type("Module", (), {"Camera": Camera})
    monkeypatch.setitem(__import__("sys").modules, "pyvirtualcam", module)
    output = VirtualCameraOutput(8, 6)
    assert output.place == "the camera '/dev/video9'"
    output.show(np.full((6, 8, 3), 9, np.uint8), 0.0)
    output.close()
    assert [picture.size for picture in sent] == [144, 0]
