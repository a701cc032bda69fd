from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from small_scene import SHIRT, KnowingEstimator, Scene, standing, waving, write_clip, write_poses

import motionwarp
from motionwarp.errors import InputError, MediaError, NoPersonError, OptionError, OutputError, PoseFileError
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.pipeline.api import stream, transfer
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.progress import Progress, Stage

pytestmark = pytest.mark.usefixtures("knowing")


def frames_of(path: Path) -> list[Any]:
    with open_video(path) as reader:
        return list(reader)


def test_frames_and_times_are_the_driving_clips(scene: Scene, tmp_path: Path) -> None:
    result = transfer(scene.person, scene.dance, tmp_path / "out.mp4")
    made, driving = frames_of(tmp_path / "out.mp4"), frames_of(scene.dance)
    assert result.frames == len(made) == len(driving) == scene.frames
    assert [frame.pts_seconds for frame in made] == pytest.approx([frame.pts_seconds for frame in driving], abs=1e-4)
    assert made[0].rgb.shape == (160, 90, 3)
    assert result.duration_seconds == pytest.approx(2.0)
    assert result.warnings == ()


def test_the_arm_moves_and_the_rest_stays(scene: Scene) -> None:
    frames = [frame.rgb.astype(int) for frame in stream(scene.person, scene.dance, smooth=0.0)]
    raised = waving(0.5)[7, :2].astype(int)
    hanging = waving(0.0)[7, :2].astype(int)
    background, skin = frames[0][raised[1], raised[0]], frames[0][hanging[1] - 2, hanging[0]]
    assert np.abs(frames[12][raised[1], raised[0] - 2] - skin).max() < 40
    assert np.abs(frames[12][hanging[1], hanging[0]] - frames[0][hanging[1], 88]).max() < 40
    assert np.abs(background - skin).max() > 40
    # head, chest and legs do not move
    for x, y in ((45, 30), (45, 60), (37, 112)):
        assert np.abs(frames[12][y, x] - frames[0][y, x]).max() < 16


def test_streaming_gives_the_frames_of_the_file(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    transfer(scene.person, scene.dance, folder / "%03d.png", batch_size=5)
    for frame in stream(scene.person, scene.dance, batch_size=7):
        written = read_image(folder / f"{frame.index:03d}.png").rgb
        assert np.abs(written.astype(int) - frame.rgb).max() <= 1


def test_one_seed_gives_the_same_frames_twice(scene: Scene) -> None:
    first, second = (list(stream(scene.person, scene.dance, seed=3)) for _ in range(2))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, second, strict=True))


def test_sections_and_rates_are_kept(scene: Scene, tmp_path: Path) -> None:
    result = transfer(scene.person, scene.dance, tmp_path / "part.mp4", start=0.5, end=1.5)
    assert result.frames == 12
    result = transfer(scene.person, scene.dance, tmp_path / "fast.mp4", fps=30)
    assert result.frames == 60
    times = [frame.pts_seconds for frame in frames_of(tmp_path / "fast.mp4")]
    assert np.diff(times) == pytest.approx(np.full(59, 1 / 30), abs=1e-3)


def test_transparent_results_have_straight_alpha(scene: Scene, tmp_path: Path) -> None:
    first = next(iter(stream(scene.person, scene.dance, background="transparent")))
    assert first.alpha is not None
    assert first.alpha[60, 45] == 255
    assert first.alpha[5, 5] == 0
    assert np.abs(first.rgb[60, 45].astype(int) - SHIRT).max() < 20
    transfer(scene.person, scene.dance, tmp_path / "out.webm", background="transparent")
    assert frames_of(tmp_path / "out.webm")[0].alpha is not None


def test_colors_pictures_clips_and_the_driving_clip_can_lie_behind(scene: Scene, tmp_path: Path) -> None:
    assert tuple(next(iter(stream(scene.person, scene.dance, background="#102030"))).rgb[3, 3]) == (0x10, 0x20, 0x30)
    write_image(tmp_path / "green.png", np.full((40, 40, 3), (10, 200, 10), dtype=np.uint8))
    assert next(iter(stream(scene.person, scene.dance, background=str(tmp_path / "green.png")))).rgb[3, 3, 1] == 200
    behind = list(stream(scene.person, scene.dance, background=str(scene.dance)))
    assert len(behind) == scene.frames
    driving = list(stream(scene.person, scene.dance, background="driving", placement="driving"))
    # away from the persons the driving clip's own background is there
    assert np.abs(driving[3].rgb[5, 5].astype(int) - frames_of(scene.dance)[3].rgb[5, 5]).max() <= 2


@pytest.mark.parametrize(("size", "expected"), [(320, (180, 320)), ("100x100", (100, 100)), ("641x479", (641, 479))])
def test_sizes_are_as_asked(scene: Scene, size: Any, expected: tuple[int, int]) -> None:
    first = next(iter(stream(scene.person, scene.dance, size=size)))
    assert (first.rgb.shape[1], first.rgb.shape[0]) == expected


def test_source_driving_and_result_stand_side_by_side(scene: Scene, tmp_path: Path) -> None:
    result = transfer(scene.person, scene.dance, tmp_path / "out.mp4", side_by_side=True)
    assert (result.width, result.height) == (270, 160)
    with pytest.raises(OptionError, match="cannot be transparent"):
        transfer(scene.person, scene.dance, tmp_path / "o.webm", side_by_side=True, background="transparent")


def test_poses_and_matte_from_files_take_the_place_of_the_estimators(
    scene: Scene, tmp_path: Path, knowing: KnowingEstimator
) -> None:
    knowing.clip = [None] * scene.frames
    given = {"driving_poses": scene.dance_poses, "source_poses": scene.person_poses, "matte": scene.matte}
    result = transfer(scene.person, scene.dance, tmp_path / "out.mp4", save_poses=tmp_path / "saved.json", **given)
    assert result.frames == scene.frames
    saved = json.loads((tmp_path / "saved.json").read_text())
    np.testing.assert_allclose(saved["frames"], [waving(index / 24) for index in range(24)], atol=0.01)


def test_missing_people_are_filled_and_told_by_frame(scene: Scene, tmp_path: Path, knowing: KnowingEstimator) -> None:
    for index in range(10, 15):
        knowing.clip[index] = None
    result = transfer(scene.person, scene.dance, tmp_path / "out.mp4")
    assert result.frames == scene.frames
    assert any("10" in warning and "14" in warning for warning in result.warnings)


def test_nobody_in_the_clip_is_an_error_and_leaves_nothing(
    scene: Scene, tmp_path: Path, knowing: KnowingEstimator
) -> None:
    knowing.clip = [None] * scene.frames
    with pytest.raises(NoPersonError, match="in any frame"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_nobody_in_the_picture_is_an_error(scene: Scene, tmp_path: Path) -> None:
    write_image(tmp_path / "empty.png", np.full((60, 40, 3), 90, dtype=np.uint8))
    with pytest.raises(NoPersonError, match=r"empty\.png"):
        transfer(tmp_path / "empty.png", scene.dance, tmp_path / "out.mp4")


def test_poses_for_another_clip_are_refused(scene: Scene, tmp_path: Path) -> None:
    write_poses(tmp_path / "short.json", [standing()] * 5)
    with pytest.raises(PoseFileError, match="5 frames, but the clip has 24"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", driving_poses=tmp_path / "short.json")
    broken = standing().tolist()
    broken[3][0] = float("nan")
    (tmp_path / "nan.json").write_text(json.dumps({"width": 90, "height": 160, "fps": 12, "frames": [broken] * 24}))
    with pytest.raises(PoseFileError):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", driving_poses=tmp_path / "nan.json")


def test_a_clip_of_one_frame_and_an_odd_size_work(scene: Scene, tmp_path: Path, knowing: KnowingEstimator) -> None:
    write_clip(tmp_path / "one.mp4", [standing()], size=(91, 161))
    result = transfer(scene.person, tmp_path / "one.mp4", tmp_path / "out.mp4")
    assert result.frames == 1


def test_waist_up_people_drive_and_are_driven(scene: Scene, tmp_path: Path, knowing: KnowingEstimator) -> None:
    half = [waving(index / 24) for index in range(24)]
    for points in half:
        points[[9, 10, 12, 13], 2] = 0
    knowing.clip = list(half)
    full = list(stream(scene.person, scene.dance, background="#000000"))
    # the legs that the clip does not show stay where the source has them
    assert full[12].rgb[112, 37].max() > 60
    source = standing()
    source[[9, 10, 12, 13], 2] = 0
    write_poses(tmp_path / "half.json", [source])
    upper = list(stream(scene.person, scene.dance, background="#000000", source_poses=tmp_path / "half.json"))
    assert upper[12].rgb[60, 45].max() > 60


def test_an_output_that_exists_or_is_an_input_is_not_touched(scene: Scene, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    output.write_bytes(b"precious")
    with pytest.raises(OutputError):
        transfer(scene.person, scene.dance, output)
    assert output.read_bytes() == b"precious"
    with pytest.raises(OutputError):
        transfer(scene.person, scene.dance, scene.dance, overwrite=True)
    transfer(scene.person, scene.dance, output, overwrite=True)
    assert len(frames_of(output)) == scene.frames


def test_a_run_that_is_stopped_leaves_nothing_behind(scene: Scene, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage is Stage.RENDER and progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_file_says_that_it_is_synthetic(scene: Scene, tmp_path: Path) -> None:
    transfer(scene.person, scene.dance, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["synthetic"] == "true"
        assert f"motionwarp {motionwarp.__version__}, engine warping_gan" in container.metadata["comment"]


@pytest.mark.parametrize("name", ["missing.png", "empty.png", "text.png", "folder"])
def test_unreadable_sources_are_named(scene: Scene, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("this is no picture")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=name):
        transfer(tmp_path / name, scene.dance, tmp_path / "out.mp4")
    with pytest.raises(MediaError, match=name):
        transfer(scene.person, tmp_path / name, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_a_matte_of_another_shape_is_refused(scene: Scene, tmp_path: Path) -> None:
    write_image(tmp_path / "wide.png", np.zeros((50, 100, 3), dtype=np.uint8))
    with pytest.raises(MediaError, match="another shape"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", matte=tmp_path / "wide.png")


def test_keywords_are_the_options() -> None:
    with pytest.raises(
        OptionError,
        match=r"backgroud='#000000': is not an option. Perhaps `background` is meant; known are also, ",
    ):
        transfer("person.png", "dance.mp4", "out.mp4", backgroud="#000000")
    with pytest.raises(OptionError, match=r"smooth='much': is out of range. Give a number from 0 to 1"):
        next(stream("person.png", "dance.mp4", smooth="much"))
    assert TransferOptions(fps="30000/1001").frame_rate == Fraction(30000, 1001)
    assert motionwarp.transfer is transfer
