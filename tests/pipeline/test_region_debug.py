"""The video of what the engine decides."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from small_scene import Scene

from motionwarp.errors import OptionError, OutputError
from motionwarp.pipeline.api import transfer


def test_the_regions_have_a_frame_for_every_frame(scene: Scene, tmp_path: Path) -> None:
    result = transfer(scene.person, scene.dance, tmp_path / "out.mp4", region_debug=tmp_path / "regions.mp4")
    times = {}
    for name in ("out.mp4", "regions.mp4"):
        with av.open(str(tmp_path / name)) as container:
            frames = list(container.decode(video=0))
        times[name] = [float(frame.time or 0) for frame in frames]
    assert len(times["regions.mp4"]) == result.frames
    assert times["regions.mp4"] == pytest.approx(times["out.mp4"], abs=1e-3)
    assert (frames[0].width, frames[0].height) == (768, 552)
    assert frames[0].to_ndarray(format="rgb24").std() > 20


def test_an_engine_without_regions_says_so_before_anything_is_written(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no regions to show"):
        transfer(
            scene.person, scene.dance, tmp_path / "out.mp4", engine="layered", region_debug=tmp_path / "regions.mp4"
        )
    assert list(tmp_path.iterdir()) == []


def test_further_outputs_that_exist_are_kept_and_told_of_before_any_work(scene: Scene, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", region_debug=mine)
    with pytest.raises(OutputError, match="exists"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", save_poses=mine)
    assert mine.read_bytes() == b"mine"
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_the_regions_are_not_written_over_an_input_or_the_output(scene: Scene, tmp_path: Path) -> None:
    before = scene.dance.read_bytes()
    with pytest.raises(OutputError, match="also an input"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", region_debug=scene.dance, overwrite=True)
    assert scene.dance.read_bytes() == before
