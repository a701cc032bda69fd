from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from motionwarp.data.pack import LabeledPicture, PackReader, PackWriter, open_pack, union_box
from motionwarp.errors import InputError, OutputError


def picture(seed: int, height: int = 60, width: int = 40) -> LabeledPicture:
    rng = np.random.default_rng(seed)
    smooth = cv2.resize(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8), (width, height))
    matte = np.zeros((height, width), dtype=np.uint8)
    matte[20:50, 10:30] = 255
    parsing = rng.integers(0, 20, (height, width), dtype=np.uint8)
    points = (rng.random((18, 3)) * (width, height, 1)).astype(np.float32)
    return LabeledPicture(smooth, matte, parsing, points, f"picture/{seed}")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    writer = PackWriter()
    for seed, size in enumerate([(60, 40), (33, 57), (80, 20)]):
        writer.add(picture(seed, *size) if size[0] > 50 and size[1] > 30 else picture(seed, 60, 57))
    size = writer.write(tmp_path / "a.pack")
    assert size == (tmp_path / "a.pack").stat().st_size
    pack = PackReader(tmp_path / "a.pack")
    assert len(pack) == 3
    for seed in range(3):
        expected, got = picture(seed, *(pack[seed].rgb.shape[:2])), pack[seed]
        assert got.name == expected.name
        np.testing.assert_array_equal(got.parsing, expected.parsing)
        np.testing.assert_array_equal(got.points, expected.points)
        np.testing.assert_array_equal(got.matte, expected.matte)
        assert np.abs(got.rgb.astype(int) - expected.rgb).mean() < 6


def test_an_empty_pack_and_a_foreign_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nothing to pack"):
        PackWriter().write(tmp_path / "empty.pack")
    (tmp_path / "foreign.pack").write_bytes(b"not a pack at all")
    with pytest.raises(InputError, match="no pack"):
        PackReader(tmp_path / "foreign.pack")
    assert not list(tmp_path.glob("*.part"))


def test_labels_of_another_size_are_refused() -> None:
    good = picture(0)
    with pytest.raises(ValueError, match="do not belong together"):
        LabeledPicture(good.rgb, good.matte[1:], good.parsing, good.points, "bad")


def test_box_covers_matte_and_seen_points() -> None:
    sample = picture(0)
    points = np.zeros((18, 3), dtype=np.float32)
    points[0] = (35, 5, 1.0)
    points[1] = (-50, -50, 0.1)  # not seen
    assert union_box(sample.matte, points) == (10, 5, 35, 49)
    assert union_box(np.zeros((9, 9), np.uint8), np.zeros((18, 3), np.float32)) is None


def test_facing_is_kept_where_it_is_known(tmp_path: Path) -> None:
    rgb, plane = np.zeros((8, 6, 3), dtype=np.uint8), np.zeros((8, 6), dtype=np.uint8)
    points = np.zeros((18, 3), dtype=np.float32)
    writer = PackWriter()
    for facing in ((0.6, -0.8), None):
        writer.add(LabeledPicture(rgb, plane, plane, points, "somebody", facing))
    writer.write(tmp_path / "two.pack")
    reader = PackReader(tmp_path / "two.pack")
    assert reader[0].facing == pytest.approx((0.6, -0.8))
    assert reader[1].facing is None


def test_a_folder_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder, no pack of faces") as caught:
        open_pack(tmp_path, form="motionwarp-pack-1", holds="faces", rows=(), streams=())
    assert "dataset pack" in str(caught.value)
