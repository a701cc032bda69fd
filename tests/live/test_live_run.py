"""A live run with a clip played as the camera, watched as a browser watches it."""

from __future__ import annotations

import http.client
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from motionwarp.errors import InputError, OptionError
from motionwarp.live.output import LiveOutput
from motionwarp.live.run import live


class Viewer(threading.Thread):
    """Reads the page's stream as long as it lasts."""

    def __init__(self, place: str) -> None:
        super().__init__(daemon=True)
        self.address = place.removeprefix("http://").rstrip("/")
        self.pictures: list[np.ndarray] = []
        self.ages: list[float] = []
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request("GET", "/stream")
        answer = connection.getresponse()
        assert (answer.getheader("Content-Type") or "").startswith("multipart/x-mixed-replace")
        size = 0
        while line := answer.readline():
            name, _, value = line.decode().strip().partition(": ")
            if name == "Content-Length":
                size = int(value)
            elif name == "X-Age-Milliseconds":
                self.ages.append(float(value))
            elif not name and size:
                content, size = answer.read(size), 0
                self.pictures.append(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))


@pytest.fixture(scope="module")
def example(repository_root: Path) -> tuple[Path, Path]:
    return repository_root / "examples" / "person.jpg", repository_root / "examples" / "dance.mp4"


def test_a_clip_before_the_camera_moves_the_person_on_the_page(example: tuple[Path, Path]) -> None:
    person, dance = example
    viewers: list[Viewer] = []
    told: list[tuple[int, str]] = []

    def look(place: str) -> None:
        assert place.startswith("http://127.0.0.1:")
        viewers.append(Viewer(place))
        connection = http.client.HTTPConnection(viewers[0].address, timeout=30)
        for path, host in (
            ("/", "127.0.0.1:1"),
            ("/status", "localhost:1"),
            ("/other", "localhost:1"),
            ("/", "evil.example:80"),
        ):
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            told.append((answer.status, answer.read().decode()))

    summary = live(person, camera=str(dance), size=256, device="cpu", on_ready=look)
    assert [status for status, _ in told] == [200, 200, 404, 403]
    assert "/stream" in told[0][1]
    assert "latency_ms" in told[1][1]
    [viewer] = viewers
    viewer.join(10)
    assert summary.pictures >= 5
    assert summary.camera_frames == 96
    # dropped, never queued: the run ends with the clip, however slow this machine is
    assert summary.seconds < 96 / 25 + 3
    assert summary.pictures + summary.dropped <= summary.camera_frames
    assert 3 <= len(viewer.pictures) <= summary.pictures + 1
    assert max(viewer.pictures[0].shape) == 256
    first, last = viewer.pictures[1].astype(int), viewer.pictures[-1].astype(int)
    assert np.abs(first - last).mean() > 0.5  # the person has moved
    corner = (slice(-24, None), slice(-60, None))
    assert np.abs(first[corner] - last[corner]).mean() < 3  # and the mark has not


class Gallery(LiveOutput):
    place = "memory"

    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []

    def show(self, rgb: np.ndarray, captured_seconds: float) -> None:
        self.pictures.append(rgb.copy())


def test_before_anybody_comes_the_photo_is_shown(
    example: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    for number in range(4):
        cv2.imwrite(str(tmp_path / "empty" / f"{number}.png"), np.full((120, 90, 3), 90, np.uint8))
    gallery = Gallery()
    monkeypatch.setattr("motionwarp.live.run._opened", lambda *_: gallery)
    summary = live(example[0], camera=str(tmp_path / "empty"), size=192, device="cpu", mark=False)
    assert summary.lost >= 1
    photo = cv2.resize(cv2.imread(str(example[0])), gallery.pictures[0].shape[1::-1], interpolation=cv2.INTER_AREA)
    for picture in gallery.pictures:
        assert np.abs(picture[..., ::-1].astype(int) - photo).mean() < 6


def test_it_ends_when_it_is_told_to(example: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motionwarp.live.run._opened", lambda *_: Gallery())
    stop = threading.Event()
    summary = live(example[0], camera=str(example[1]), size=128, device="cpu", on_ready=lambda _: stop.set(), stop=stop)
    assert summary.pictures <= 1


def test_what_cannot_be_live_is_refused(example: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="fits a body to a whole clip"):
        live(example[0], camera=str(example[1]), engine="avatar", device="cpu")
    with pytest.raises(InputError, match="no such file"):
        live(tmp_path / "nobody.jpg", camera=str(example[1]), device="cpu")
