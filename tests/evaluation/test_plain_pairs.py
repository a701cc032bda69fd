from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from moving_box import BOX, BoxEstimator, points_of, red, write_clip
from photo_folder import make_photo_folder

from motionwarp.data.protocols import PairNames, read_annotations, read_pairs
from motionwarp.data.splits import VALIDATION_CLIPS
from motionwarp.errors import InputError, OptionError, OutputError
from motionwarp.evaluation.options import PairsSettings, PlainPairsSettings
from motionwarp.evaluation.pairs.run import PairsRun
from motionwarp.evaluation.plain_pairs import make_plain_pairs
from motionwarp.media.image import read_image

# frames of a clip at 10 a second; nobody is in the sixth
CLIP = [20, 30, 42, 60, 81, None, 118, 130, 139]
EVERY = 0.19


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    folder = make_photo_folder(tmp_path / "data")
    for clip in VALIDATION_CLIPS:
        write_clip(folder / "video", CLIP, name=clip)
    return folder


def test_pairs_are_files_that_the_evaluation_takes(data_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    settings = PlainPairsSettings(photos=2, pairs_per_clip=3, every_seconds=EVERY, seed=1)
    steps: list[tuple[str, int, int | None]] = []
    made = make_plain_pairs(data_folder, output, settings, BoxEstimator(), progress=lambda *step: steps.append(step))
    assert (made.reverse, made.of_clips, made.photos_left_out) == (2, 6, 0)
    listed = read_pairs(output / "pairs.csv").pairs
    assert list(listed) == made.pairs
    # photos of the validation split only, each the target of what was made from it
    assert {pair.target for pair in listed[:2]} < {"photo_0007.png", "photo_0017.png", "photo_0027.png"}
    assert [pair.source for pair in listed[:2]] == [pair.target.replace(".png", "_made.png") for pair in listed[:2]]
    # two frames at least two apart of one clip, never the one without anybody
    frames = {f"{clip}_{index:06d}.png" for clip in VALIDATION_CLIPS for index in (0, 2, 4, 6, 8)}
    assert {name for pair in listed[2:] for name in (pair.source, pair.target)} <= frames
    assert all(pair.source != pair.target and pair.source[:8] == pair.target[:8] for pair in listed[2:])
    details = json.loads((output / "pairs.json").read_text(encoding="utf-8"))
    assert (details["seed"], details["reverse_pairs"], details["clip_pairs"]) == (1, 2, 6)
    assert ("photos", 2, 2) in steps
    result = PairsRun(
        PairsSettings(
            output / "pairs.csv",
            output / "images",
            tmp_path / "report",
            annotations=output / "annotation.csv",
            engines=("copy",),
            families=("pictures",),
        )
    ).run(lambda *step: None)
    assert len(result.pairs) == 8
    assert not result.excluded


def test_pictures_lie_over_plain_gray_and_points_where_they_were(data_folder: Path, tmp_path: Path) -> None:
    settings = PlainPairsSettings(photos=0, pairs_per_clip=20, every_seconds=EVERY)
    made = make_plain_pairs(data_folder, tmp_path / "out", settings, BoxEstimator())
    poses = read_annotations(tmp_path / "out" / "annotation.csv")
    assert poses.keys() == {name for pair in made.pairs for name in (pair.source, pair.target)}
    # the box fills 85 % of the height and stands in the middle
    height = 0.85 * 256
    width = height * BOX[0] / BOX[1]
    expected = points_of(96 - width / 2, 128 - height / 2, width, height)
    for name, pose in poses.items():
        rgb = read_image(tmp_path / "out" / "images" / name).rgb
        assert rgb.shape == (256, 192, 3)
        assert red(rgb).sum() == pytest.approx(width * height, rel=0.04)
        outside = np.ones(rgb.shape[:2], bool)
        outside[
            int(128 - height / 2) - 3 : int(128 + height / 2) + 4, int(96 - width / 2) - 3 : int(96 + width / 2) + 4
        ] = False
        assert (rgb[outside] == 127).all()
        assert np.abs(pose.xy - expected[:, :2]).max() < 1.6


def test_guesses_and_points_outside_are_missing(data_folder: Path, tmp_path: Path) -> None:
    for clip in VALIDATION_CLIPS:
        path = data_folder / "video" / f"{clip}.keypoints18.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        for frame in content["frames"]:
            if frame is not None:
                frame[4][2] = 0.4
        path.write_text(json.dumps(content), encoding="utf-8")
    make_plain_pairs(data_folder, tmp_path / "out", PlainPairsSettings(photos=0, every_seconds=EVERY), BoxEstimator())
    for pose in read_annotations(tmp_path / "out" / "annotation.csv").values():
        assert np.flatnonzero(pose.points[:, 2] == 0).tolist() == [4]


def test_the_seed_decides_and_more_photos_keep_the_first(data_folder: Path, tmp_path: Path) -> None:
    def made(name: str, photos: int, seed: int) -> tuple[list[PairNames], bytes]:
        settings = PlainPairsSettings(photos, 4, EVERY, seed)
        pairs = make_plain_pairs(data_folder, tmp_path / name, settings, BoxEstimator()).pairs
        return pairs, (tmp_path / name / "images" / pairs[0].source).read_bytes()

    one, again, more, other = made("one", 1, 3), made("again", 1, 3), made("more", 3, 3), made("other", 1, 4)
    assert one == again
    assert more[0][0] == one[0][0]
    assert more[1] == one[1]
    assert one[0][1:] != other[0][1:]


def test_unusable_photos_are_replaced_and_counted(data_folder: Path, tmp_path: Path) -> None:
    path = data_folder / "ccp" / "keypoints18.json"
    points = json.loads(path.read_text(encoding="utf-8"))
    points["0017"] = (np.array(points["0017"]) * (1, 1, 0.2)).tolist()
    path.write_text(json.dumps(points), encoding="utf-8")
    made = make_plain_pairs(
        data_folder, tmp_path / "out", PlainPairsSettings(photos=3, pairs_per_clip=0), BoxEstimator()
    )
    assert (made.reverse, made.photos_left_out) == (2, 1)
    assert "photo_0017.png" not in {pair.target for pair in made.pairs}


def test_what_is_there_is_kept_unless_asked(data_folder: Path, tmp_path: Path) -> None:
    settings = PlainPairsSettings(photos=1, pairs_per_clip=0)
    make_plain_pairs(data_folder, tmp_path / "out", settings, BoxEstimator())
    with pytest.raises(OutputError, match=r"pairs\.csv already"):
        make_plain_pairs(data_folder, tmp_path / "out", settings, BoxEstimator())
    made = make_plain_pairs(
        data_folder, tmp_path / "out", PlainPairsSettings(photos=2, pairs_per_clip=0), BoxEstimator(), overwrite=True
    )
    assert len(read_pairs(tmp_path / "out" / "pairs.csv").pairs) == made.reverse == 2


def test_wrong_settings_and_labels_are_refused(data_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no pairs"):
        PlainPairsSettings(photos=0, pairs_per_clip=0)
    with pytest.raises(OptionError, match="out of range"):
        PlainPairsSettings(every_seconds=-1)
    path = data_folder / "video" / f"{VALIDATION_CLIPS[0]}.keypoints18.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["frames"] = content["frames"][:4]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="labels end"):
        make_plain_pairs(
            data_folder, tmp_path / "out", PlainPairsSettings(photos=0, every_seconds=EVERY), BoxEstimator()
        )
    assert not (tmp_path / "out" / "pairs.csv").exists()
