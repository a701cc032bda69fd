"""The analyzer's metrics over photos and clips, with a person at a known place and an estimator that is off."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from moving_box import BOX, BoxEstimator, scene, write_clip
from photo_folder import make_photo_folder

from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from motionwarp.data import ccp
from motionwarp.errors import InputError
from motionwarp.evaluation import calibration
from motionwarp.evaluation.perception import SeenPicture, draw_seen, evaluate_clips, evaluate_photos
from motionwarp.media.contact_sheet import Tile, sheet, write_sheet
from motionwarp.media.image import read_image

# the tags of the data set, and where each stands in its list
TAGS = [
    "null",
    "skin",
    "suit",
    *sorted({tag for tags in ccp._TAGS_OF_CLASS.values() for tag in tags} - {"null"}),
    *ccp._SHOE_TAGS,
]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = make_photo_folder(tmp_path / "data") / "ccp"
    (folder / "label_list.txt").write_text("\n".join(TAGS), encoding="utf-8")
    matte = cv2.imread(str(folder / "mattes" / "0007.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(folder / "labels" / "0007.png"), np.where(matte > 0, TAGS.index("sweater"), 0).astype(np.uint8))
    return folder


def test_an_estimator_without_error_gets_full_marks(photos: Path) -> None:
    report = evaluate_photos(BoxEstimator(), photos)
    metrics = report.metrics
    assert (metrics["pictures"], metrics["not_found"]) == (3, [])
    assert metrics["within_5_percent"] == 1
    assert metrics["matte_iou"] == pytest.approx(1, abs=0.01)
    assert metrics["parsing_classes_miou"] == pytest.approx(1, abs=0.01)
    by_class = metrics["parsing_classes_iou"]
    assert isinstance(by_class, dict)
    assert by_class["upper_clothes"] > 0.98
    assert by_class["dress"] is None  # no photo has one: there is nothing to be right about


def test_points_that_are_off_count_by_their_distance(photos: Path) -> None:
    height = 96 * (0.98 - 0.03)  # from the highest to the lowest point
    report = evaluate_photos(BoxEstimator(off=0.07 * height), photos)
    assert report.metrics["within_5_percent"] == 0
    assert report.metrics["within_10_percent"] == 1
    assert [seen.near for seen in report.worst(2)] == [0, 0]


def test_a_photo_without_anybody_is_told_and_counts_as_missed(photos: Path) -> None:
    cv2.imwrite(str(photos / "photos" / "0017.jpg"), scene(None))
    report = evaluate_photos(BoxEstimator(), photos)
    assert report.metrics["not_found"] == ["0017"]
    assert report.metrics["within_10_percent"] == pytest.approx(2 / 3)
    assert report.metrics["matte_iou"] == pytest.approx(2 / 3, abs=0.01)
    assert [seen.name for seen in report.worst(1)] == ["0017"]


def test_without_labels_of_pixels_there_is_no_figure_of_the_parsing(photos: Path) -> None:
    (photos / "labels" / "0007.png").unlink()
    metrics = evaluate_photos(BoxEstimator(), photos).metrics
    assert metrics["parsing_groups_miou"] is None
    assert metrics["parsing_classes_miou"] is None
    assert metrics["within_5_percent"] == 1


def test_a_split_without_a_photo_is_refused(photos: Path) -> None:
    with pytest.raises(InputError, match="no photo of the calibration split"):
        evaluate_photos(BoxEstimator(), photos, "calibration")


def test_clips_are_measured_frame_by_frame_where_there_are_labels(tmp_path: Path) -> None:
    write_clip(tmp_path, [10, None, 40, 60], name="one")
    write_clip(tmp_path, [10, 30], name="two")
    metrics = evaluate_clips(BoxEstimator(), tmp_path, ["one", "two"])
    assert set(metrics) == {"one", "two", "all"}
    for name in metrics:
        assert metrics[name]["within_5_percent"] == 1
    assert metrics["one"]["frames_lost"] == 0  # nobody is in the frame without labels
    assert metrics["one"]["matte_iou"] == pytest.approx(1, abs=0.01)


def test_frames_in_which_the_person_is_lost_are_counted(tmp_path: Path) -> None:
    write_clip(tmp_path, [10, 30, 50, 70])
    write_clip(tmp_path, [10, None, 50, 70], labeled=False)  # in one of them nobody is left
    metrics = evaluate_clips(BoxEstimator(), tmp_path, ["box"])["box"]
    assert metrics["frames_lost"] == 1
    assert metrics["within_5_percent"] == pytest.approx(3 / 4)
    assert metrics["matte_iou"] == pytest.approx(3 / 4, abs=0.01)


def test_what_was_seen_is_drawn_and_captioned(photos: Path) -> None:
    seen = evaluate_photos(BoxEstimator(), photos).seen[0]
    drawn = draw_seen(seen)
    assert drawn.caption == "0007: 1.00"
    assert drawn.rgb.shape[0] == 360
    assert (drawn.rgb != seen.rgb).any()
    nobody = draw_seen(SeenPicture("0017", 0.0, seen.rgb, None))
    assert nobody.caption == "0017: 0.00 not found"
    np.testing.assert_array_equal(nobody.rgb, seen.rgb)


def test_a_sheet_has_cells_of_the_largest_tile_in_rows_on_white(tmp_path: Path) -> None:
    tiles = [Tile(np.full((20, 30, 3), level, np.uint8), "") for level in (10, 20, 30)]
    tiles.append(Tile(np.full((40, 10, 3), 40, np.uint8), ""))
    page = sheet(tiles, columns=3)
    cell = 40 + 18
    assert page.shape == (2 * cell, 3 * 30, 3)
    for number, (top, left) in enumerate([(18, 0), (18, 30), (18, 60), (cell + 18, 0)]):
        assert (page[top, left] == 10 * (number + 1)).all()
    assert (page[cell + 18 :, 10:] == 255).all()
    write_sheet(tmp_path / "sheet.png", tiles, columns=3)
    np.testing.assert_array_equal(read_image(tmp_path / "sheet.png").rgb, page)


def test_calibrated_weights_hold_the_table_and_are_not_calibrated_twice(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "raw.safetensors", tmp_path / "calibrated.safetensors"
    save_checkpoint(source, {"weight": torch.ones(2)}, "analyser", {"width": 8})
    monkeypatch.setattr(calibration.BuiltinEstimator, "load", lambda *_: BoxEstimator(off=0.07 * 96))
    monkeypatch.setattr(calibration, "_FEWEST", 10)  # one photo has 18 points
    monkeypatch.setattr(
        "motionwarp.evaluation.perception.photo_names", lambda _, split: ["0028"] if split == "calibration" else []
    )
    knots = calibration.calibrate(source, photos, target, torch.device("cpu"), torch.float32)
    assert knots == [[0.0, 0.0], [1.0, 0.0]]  # sure of itself, and wrong every time
    made = load_checkpoint(target, "analyser")
    assert made.config == {"width": 8, "calibration": knots}
    assert made.tensors["weight"].tolist() == [1, 1]
    with pytest.raises(InputError, match="calibrated already"):
        calibration.calibrate(target, photos, tmp_path / "again.safetensors", torch.device("cpu"), torch.float32)
    assert not (tmp_path / "again.safetensors").exists()


def test_levels_with_too_few_points_give_no_knot() -> None:
    scores = np.concatenate([np.full(200, 0.9), np.full(3, 0.3)]).astype(np.float32)
    knots = calibration.calibration_knots(scores, scores > 0.5)
    assert knots == [[0.0, 0.0], [pytest.approx(0.9), 1.0], [1.0, 1.0]]


def test_the_boxes_of_the_photos_are_where_they_were_put(photos: Path) -> None:
    photo = next(ccp.read_photos(photos, ["0007"]))
    assert photo.matte.sum() == pytest.approx(BOX[0] * BOX[1], rel=0.01)
    assert photo.parsing is not None
    assert (photo.parsing > 0).sum() == pytest.approx(BOX[0] * BOX[1], rel=0.01)
