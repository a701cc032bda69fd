"""Whatever goes wrong around a transfer.

The documented exit code, one message, and nothing half written, left over or running on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.api import stream

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")

SIZE = (96, 160)
FRAMES = 10
STAGES = [("source", 0), ("motion", 0), ("plan", 1), ("render", 1), ("render", FRAMES), ("finish", 0)]


@dataclass(frozen=True)
class Scene:
    """Small files: a person, a clip of `FRAMES` frames with sound, poses of both, and a matte."""

    person: Path
    dance: Path
    person_poses: Path
    dance_poses: Path
    matte: Path

    def options(self) -> dict[str, Any]:
        return {
            "source_poses": str(self.person_poses), "driving_poses": str(self.dance_poses), "matte": str(self.matte),
            "engine": "layered", "device": "cpu",
        }  # fmt: skip

    def words(self, command: str = "transfer") -> list[str]:
        given = [word for name, value in self.options().items() for word in (f"--{name.replace('_', '-')}", value)]
        return [command, str(self.person), str(self.dance), *given]


def small(rgb: Any) -> Any:
    return cv2.resize(rgb, SIZE, interpolation=cv2.INTER_AREA)


def write_points(path: Path, points: list[Any], width: int, height: int) -> Path:
    factor = np.array([SIZE[0] / width, SIZE[1] / height, 1.0])
    frames = [(np.asarray(each) * factor).tolist() for each in points]
    path.write_text(json.dumps({"width": SIZE[0], "height": SIZE[1], "fps": 10, "frames": frames}))
    return path


def make_scene(folder: Path, examples: Path) -> Scene:
    folder.mkdir()
    picture = read_image(examples / "person.jpg")
    write_image(folder / "person.png", small(picture.rgb))
    write_image(folder / "matte.png", np.full((*SIZE[::-1], 3), 255, np.uint8))
    still = json.loads((examples / "person.keypoints18.json").read_text())["frames"]
    moving = json.loads((examples / "dance.keypoints18.json").read_text())["frames"]
    with open_video(examples / "dance.mp4") as reader:
        width, height = reader.info.width, reader.info.height
        with open_writer(folder / "dance.mp4", width=SIZE[0], height=SIZE[1], frame_rate=Fraction(10)) as writer:
            for index, frame in zip(range(FRAMES), reader, strict=False):
                writer.write(small(frame.rgb), index / 10)
    return Scene(
        folder / "person.png",
        folder / "dance.mp4",
        write_points(folder / "person.json", still[:1], picture.width, picture.height),
        write_points(folder / "dance.json", moving[:FRAMES], width, height),
        folder / "matte.png",
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Scene:
    return make_scene(tmp_path_factory.mktemp("faults") / "scene", repository_root / "examples")


class Runner:
    """Runs `motionwarp` with faults; see fault_runner.py."""

    def __init__(self, folder: Path, repository_root: Path) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        environment = {
            **os.environ,
            "PYTHONPATH": str(repository_root),
            "TMPDIR": str(self.temporary),
            "OMP_NUM_THREADS": "1",
        }
        program = Path(__file__).with_name("fault_runner.py")
        self.process = subprocess.Popen(
            [sys.executable, str(program)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, folder: Path, arguments: list[str], **faults: list[Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(
            json.dumps({"folder": str(folder), "arguments": arguments, "faults": faults}),
            file=self.process.stdin,
            flush=True,
        )
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Iterator[Runner]:
    made = Runner(tmp_path_factory.mktemp("runner"), repository_root)
    yield made
    assert made.process.stdin is not None
    made.process.stdin.close()
    made.process.wait(30)


def check_clean(answer: dict[str, Any], code: int, folder: Path, runner: Runner) -> None:
    assert answer["code"] == code, answer["stderr"]
    assert "Traceback" not in answer["stderr"]
    assert not answer["orphans"]
    assert list(folder.iterdir()) == []
    # PyTorch makes a folder for compiled code when it is imported
    assert [file for file in runner.temporary.iterdir() if not file.name.startswith("torchinductor")] == []


def test_without_a_fault_all_is_well(runner: Runner, scene: Scene, tmp_path: Path) -> None:
    answer = runner.run(tmp_path, [*scene.words(), "-o", "out.mp4", "--json"])
    assert answer["code"] == 0, answer["stderr"]
    assert json.loads(answer["stdout"])["frames"] == FRAMES
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]
    assert not answer["orphans"]


@pytest.mark.parametrize("stage", STAGES, ids=str)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_at_every_stage(
    runner: Runner, scene: Scene, tmp_path: Path, stage: tuple[str, int], number: signal.Signals, code: int
) -> None:
    answer = runner.run(tmp_path, [*scene.words(), "-o", "out.mp4"], end_at=[*stage, int(number)])
    check_clean(answer, code, tmp_path, runner)


def test_a_terminal_that_is_closed_ends_it_as_well(runner: Runner, scene: Scene, tmp_path: Path) -> None:
    answer = runner.run(tmp_path, [*scene.words(), "-o", "out.mp4"], end_at=["render", 1, int(signal.SIGHUP)])
    check_clean(answer, 129, tmp_path, runner)


@pytest.mark.parametrize("stage", STAGES, ids=str)
def test_a_kill_at_every_stage_leaves_at_most_a_hidden_part(
    runner: Runner, scene: Scene, tmp_path: Path, stage: tuple[str, int]
) -> None:
    words = [*scene.words(), "-o", "out.mp4"]
    answer = runner.run(tmp_path, words, end_at=[*stage, int(signal.SIGKILL)])
    assert answer["code"] == -signal.SIGKILL
    assert not answer["orphans"]
    left = [file.name for file in tmp_path.iterdir()]
    assert all(name.startswith(".out.mp4.") and name.endswith(".part") for name in left)
    assert len(left) <= 1
    # which is in nobody's way
    assert runner.run(tmp_path, words)["code"] == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == [*left, "out.mp4"]


@pytest.mark.parametrize("stage", STAGES[:-1], ids=str)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_check_that_is_ended_leaves_nothing(
    runner: Runner, scene: Scene, tmp_path: Path, stage: tuple[str, int], number: signal.Signals, code: int
) -> None:
    answer = runner.run(tmp_path, [*scene.words("check"), "--preview", "seen.png"], end_at=[*stage, int(number)])
    check_clean(answer, code, tmp_path, runner)


def test_poses_that_are_saved_are_whole_or_not_there(runner: Runner, scene: Scene, tmp_path: Path) -> None:
    words = [*scene.words(), "--save-poses", "poses.json", "-o", "out.mp4"]
    check_clean(runner.run(tmp_path, words, full_disk=[1000]), 2, tmp_path, runner)
    assert runner.run(tmp_path, words, end_at=["render", 1, int(signal.SIGTERM)])["code"] == 143
    assert [file.name for file in tmp_path.iterdir()] == ["poses.json"]
    assert len(json.loads((tmp_path / "poses.json").read_text())["frames"]) == FRAMES


@pytest.mark.parametrize("output", ["out.mp4", "out.gif", "frames/%03d.png", "out.webm"])
def test_signals_leave_nothing_of_any_kind_of_output(runner: Runner, scene: Scene, tmp_path: Path, output: str) -> None:
    (tmp_path / "out").mkdir()
    answer = runner.run(tmp_path / "out", [*scene.words(), "-o", output], end_at=["render", 4, int(signal.SIGTERM)])
    check_clean(answer, 143, tmp_path / "out", runner)


@pytest.mark.parametrize("size", [100, 1000])
@pytest.mark.parametrize("output", ["out.mp4", "out.gif", "%03d.png"])
def test_full_disks(runner: Runner, scene: Scene, tmp_path: Path, output: str, size: int) -> None:
    answer = runner.run(tmp_path, [*scene.words(), "-o", output], full_disk=[size])
    check_clean(answer, 2, tmp_path, runner)
    assert "disk is full" in answer["stderr"]


def test_an_output_that_was_there_survives(runner: Runner, scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"precious")
    words = [*scene.words(), "-o", "out.mp4", "--overwrite"]
    for faults in ({"full_disk": [1000]}, {"end_at": ["finish", 0, int(signal.SIGTERM)]}):
        assert runner.run(tmp_path, words, **faults)["code"] in (2, 143)
        assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("out.mp4", b"precious")]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that nobody may write to")
def test_places_that_nobody_may_write_to(runner: Runner, scene: Scene, tmp_path: Path) -> None:
    answer = runner.run(tmp_path, [*scene.words(), "-o", "/proc/out.mp4"])
    check_clean(answer, 2, tmp_path, runner)
    assert "/proc/out.mp4" in answer["stderr"]


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_folders_that_may_not_be_written_to(runner: Runner, scene: Scene, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    answer = runner.run(tmp_path, [*scene.words(), "-o", "out.mp4"])
    tmp_path.chmod(0o700)
    check_clean(answer, 2, tmp_path, runner)
    assert "may not be written to" in answer["stderr"]


@pytest.fixture
def own_scene(tmp_path: Path, repository_root: Path) -> Scene:
    """A scene of which files may be damaged."""
    return make_scene(tmp_path / "scene", repository_root / "examples")


def test_an_input_that_vanishes(runner: Runner, own_scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    words = [*own_scene.words(), "--side-by-side", "-o", "out.mp4"]
    answer = runner.run(tmp_path / "out", words, vanish_at=["plan", 1, str(own_scene.dance)])
    check_clean(answer, 2, tmp_path / "out", runner)
    assert "dance.mp4: there is no such file" in answer["stderr"]


def test_an_input_that_shrinks(runner: Runner, own_scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    words = [*own_scene.words(), "--side-by-side", "-o", "out.mp4"]
    half = own_scene.dance.stat().st_size // 2
    answer = runner.run(tmp_path / "out", words, shrink_at=["plan", 1, str(own_scene.dance), half])
    check_clean(answer, 2, tmp_path / "out", runner)
    assert "dance.mp4" in answer["stderr"]


@pytest.mark.parametrize("faults", [{"jumping_clock": [1e6]}, {"standing_clock": [5.0]}])
def test_clocks_that_jump_or_stand_still(
    runner: Runner, scene: Scene, tmp_path: Path, faults: dict[str, list[float]]
) -> None:
    answer = runner.run(tmp_path, [*scene.words(), "-o", "out.mp4", "--json"], **faults)
    assert answer["code"] == 0, answer["stderr"]
    summary = json.loads(answer["stdout"])
    assert summary["seconds"] >= 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert times == pytest.approx([index / 10 for index in range(FRAMES)], abs=1e-3)


def test_the_same_frames_twice_to_the_bit(scene: Scene) -> None:
    first, second = ([frame.rgb for frame in stream(scene.person, scene.dance, **scene.options())] for _ in range(2))
    assert len(first) == FRAMES
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_all_that_ships_gives_the_same_frames_twice_and_in_any_batches(repository_root: Path) -> None:
    """The analyzer sees both inputs and the Warping-GAN draws, as in a plain transfer."""
    inputs = (repository_root / "examples" / "person.jpg", repository_root / "examples" / "dance.mp4")
    options: dict[str, Any] = {"engine": "warping_gan", "device": "cpu", "size": 240, "end": 0.2}
    first, second, one_by_one = (
        [frame.rgb for frame in stream(*inputs, batch_size=size, **options)] for size in (3, 3, 1)
    )
    assert len(first) > 3
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert max(int(np.abs(one.astype(int) - other).max()) for one, other in zip(first, one_by_one, strict=True)) <= 1


def test_batches_change_frames_by_a_level_at_most(scene: Scene) -> None:
    options = scene.options()
    by_batch = [
        [frame.rgb.astype(int) for frame in stream(scene.person, scene.dance, batch_size=size, **options)]
        for size in (1, 3, FRAMES)
    ]
    for frames in by_batch[1:]:
        assert max(int(np.abs(one - other).max()) for one, other in zip(by_batch[0], frames, strict=True)) <= 1
