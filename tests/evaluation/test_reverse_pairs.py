from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from moving_box import BOX, BoxEngine, BoxEstimator, BoxReader
from photo_folder import make_photo_folder

from motionwarp.errors import InputError, OptionError
from motionwarp.evaluation.options import ReverseSettings
from motionwarp.evaluation.reverse_pairs import chosen_photos, evaluate_reverse_pairs, reverse_pairs


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return make_photo_folder(tmp_path)


def test_photos_are_of_the_validation_split_and_chosen_by_seed(data_folder: Path) -> None:
    assert chosen_photos(data_folder, ReverseSettings(count=10)) == ["0007", "0017", "0027"]
    assert len(chosen_photos(data_folder, ReverseSettings(count=2))) == 2


def test_the_target_is_the_real_photo_and_the_source_is_made_from_it(data_folder: Path) -> None:
    settings = ReverseSettings(count=3, seed=3)  # by which neither takes the other's pose: theirs are the same here
    pairs = list(reverse_pairs(data_folder, ["0007", "0017"], settings, BoxEstimator()))
    assert [pair.name for pair in pairs] == ["0007", "0017"]
    for pair in pairs:
        assert pair.target.rgb.shape == (256, 192, 3)
        assert (pair.target.matte > 0.5).sum() == pytest.approx((0.85 * 256) ** 2 * BOX[0] / BOX[1], rel=0.03)
        person = pair.source.person
        # the whole person, with room around, at one and a half times a crop's resolution
        shown = [np.flatnonzero((person.matte > 0.1).any(axis=axis)) for axis in (1, 0)]
        assert [along[0] > 0 for along in shown] == [True, True]
        assert [along[-1] < length - 1 for along, length in zip(shown, person.matte.shape, strict=True)] == [True, True]
        assert 0.5 * 384 < np.ptp(shown[0]) < 1.1 * 384
        # another pose: its points relative to each other are not the photo's
        spans = [np.ptp(points[:, :2], axis=0) for points in (person.pose.points, pair.target.pose.points)]
        shapes = [pose / span for pose, span in zip((person.pose.xy, pair.target.pose.xy), spans, strict=True)]
        shapes = [shape - shape[1] for shape in shapes]
        assert np.abs(shapes[0] - shapes[1]).max() > 0.02
        assert (person.rgb[person.matte == 0] == 127).all()
    again = next(iter(reverse_pairs(data_folder, ["0017"], settings, BoxEstimator())))
    np.testing.assert_array_equal(again.source.person.rgb, pairs[1].source.person.rgb)


def test_figures_of_photos(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motionwarp.evaluation.systems.make_engine", lambda name: BoxEngine())
    steps: list[tuple[str, int, int | None]] = []
    report = evaluate_reverse_pairs(
        data_folder,
        ["box", "copy"],
        ReverseSettings(count=3, seed=1, rows=2),
        estimator=BoxEstimator(),
        reader=BoxReader(),
        progress=lambda *step: steps.append(step),
    )
    assert [record.frame for record in report.records] == ["0007", "0017", "0027"]
    assert report.details == {"photos_left_out": 0}
    assert steps[-1] == ("photos", 3, 3)
    means = report.means()
    assert means["box"]["matte_iou"] > 0.97
    assert means["box"]["ssim"] > means["copy"]["ssim"]
    assert report.rows[0].source is not None


def test_what_cannot_be_used_is_told(data_folder: Path) -> None:
    with pytest.raises(OptionError, match="out of range"):
        ReverseSettings(count=0)
    points = {name: (np.array(value) * (1, 1, 0.2)).tolist() for name, value in json.loads(
        (data_folder / "ccp" / "keypoints18.json").read_text(encoding="utf-8")
    ).items()}  # fmt: skip
    (data_folder / "ccp" / "keypoints18.json").write_text(json.dumps(points), encoding="utf-8")
    with pytest.raises(InputError, match="no photo"):
        evaluate_reverse_pairs(data_folder, ["copy"], estimator=BoxEstimator(), reader=BoxReader())
