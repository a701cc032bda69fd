"""Where pictures of pairs lie, how results are named and fitted, and scores on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motionwarp.data.protocols import PairNames
from motionwarp.errors import InputError, OptionError
from motionwarp.evaluation.pairs.render import fitted, moved_points
from motionwarp.evaluation.pairs.score_cache import Score, ScoreCache, settings_key, stamp_of
from motionwarp.evaluation.pairs.systems import GeneratedFolder, PictureFolder, result_names

PAIR = PairNames("women/a.jpg", "women/b.v2.jpg")


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_pictures_are_found_by_name_and_with_another_ending(tmp_path: Path) -> None:
    exact, other = touch(tmp_path / "women" / "a.jpg"), touch(tmp_path / "b.v2.png")
    folder = PictureFolder(tmp_path)
    assert folder.path("women/a.jpg") == exact
    assert folder.path("women\\a.jpg") == exact
    assert folder.path("b.v2.jpg") == other
    assert folder.path("b.v2") == other
    for wrong in ("../secret.png", "/etc/passwd", "absent.png"):
        with pytest.raises(InputError):
            folder.path(wrong)
    with pytest.raises(InputError, match="no folder"):
        PictureFolder(tmp_path / "absent")


@pytest.mark.parametrize(
    "name",
    [
        "women_a_2_women_b.v2.png",
        "women_a___women_b.v2.jpg",
        "women_a.jpg___women_b.v2.jpg.png",
        "women_a_2_women_b.v2_vis.jpeg",
        "women_a.jpg___women_b.v2.jpg_vis.jpg",
    ],
)
def test_the_usual_names_of_results_are_known(tmp_path: Path, name: str) -> None:
    touch(tmp_path / name)
    assert GeneratedFolder(tmp_path).path(PAIR) == tmp_path / name


def test_a_pattern_of_one_s_own(tmp_path: Path) -> None:
    touch(tmp_path / "women_a to women_b.v2.webp")
    assert GeneratedFolder(tmp_path, "{source} to {target}").path(PAIR).suffix == ".webp"
    with pytest.raises(InputError, match="no result"):
        GeneratedFolder(tmp_path, "{source}-{target}.png").path(PAIR)
    for wrong in ("{source}.png", "{source}{other}{target}", "{source", "{source.__class__}{target}"):
        with pytest.raises(OptionError):
            GeneratedFolder(tmp_path, wrong)


def test_names_of_results_differ_even_without_cases() -> None:
    pairs = [PairNames("a/b.png", "c.png"), PairNames("a_b.jpg", "C.png"), PairNames("x" * 300 + ".png", "y.png")]
    names = result_names(pairs)
    assert names[0] == "a_b_2_c.png"
    assert len({name.lower() for name in names}) == 3
    assert max(len(name) for name in names) < 230
    assert result_names(pairs) == names


def picture(width: int, value: int) -> np.ndarray:
    columns = np.tile(np.arange(width, dtype=np.uint8), (4, 1))
    return np.dstack([columns, columns, np.full_like(columns, value)])


def test_widths_are_brought_together_as_asked() -> None:
    narrow, wide = picture(6, 1), picture(10, 2)
    assert fitted(wide, wide, "exact")[2] == (0, 0)
    with pytest.raises(InputError, match="the result is 6x4 and the truth 10x4"):
        fitted(narrow, wide, "exact")
    result, truth, moved = fitted(narrow, wide, "crop")
    assert truth[0, 0].tolist() == [2, 2, 2]
    assert result.shape == truth.shape == (4, 6, 3)
    assert moved == (-2, 0)
    result, truth, moved = fitted(narrow, wide, "pad")
    assert result[0].tolist()[:3] == [[255] * 3, [255] * 3, [0, 0, 1]]
    assert moved == (0, 0)
    assert fitted(wide, narrow, "pad")[2] == (2, 0)
    with pytest.raises(InputError, match="Scale the results"):
        fitted(picture(6, 1)[:3], wide, "pad")
    points = np.full((18, 3), 5, np.float32)
    np.testing.assert_array_equal(moved_points(points, (-2, 0))[0], [3, 5, 5])


def test_scores_stay_and_failures_are_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "scores.jsonl"
    with ScoreCache(path) as cache:
        cache.add("a > b", Score("1", {"ssim": 0.5, "local_ssim": float("nan")}))
        cache.add("a > c", Score("1", {}, "no such file"))
        # on disk before the block ends
        assert len(path.read_text().splitlines()) == 2
    again = ScoreCache(path)
    assert again.holds("a > b", "1")
    assert not again.holds("a > b", "2")
    assert not again.holds("a > c", "1")
    assert again.scores["a > b"].metrics["ssim"] == 0.5
    assert np.isnan(again.scores["a > b"].metrics["local_ssim"])
    assert "NaN" not in path.read_text()


def test_half_a_line_of_a_killed_run_costs_that_pair_only(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    row = json.dumps({"pair": "a > b", "stamp": "1", "figures": {"ssim": 1}})
    path.write_text(row + "\n" + row[:20].replace("a > b", "x > y"))
    with ScoreCache(path) as cache:
        assert list(cache.scores) == ["a > b"]
        cache.add("c > d", Score("1", {"ssim": 0.25}))
    assert ScoreCache(path).scores["c > d"].metrics == {"ssim": 0.25}


def test_stamps_and_keys_follow_what_they_are_of(tmp_path: Path) -> None:
    file = touch(tmp_path / "a.png")
    before = stamp_of(file, tmp_path / "absent.png")
    file.write_bytes(b"other content")
    assert stamp_of(file, tmp_path / "absent.png") != before
    assert "absent" in before
    assert settings_key({"a": 1, "b": 2}) == settings_key({"b": 2, "a": 1}) != settings_key({"a": 1, "b": 3})
