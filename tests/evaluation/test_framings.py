"""Nine framings of a clip whose person is a red box, by an engine that follows the points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moving_box import BOX, HEIGHT, PLACES, TOP, WIDTH, BoxEngine, BoxEstimator, points_of, write_clip

from motionwarp.engines.base import Motion
from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.evaluation.framings import (
    Framing,
    cut_below,
    evaluate_framings,
    framings_summary,
    framings_tiles,
    read_framed_clip,
)
from motionwarp.evaluation.options import FramingsSettings
from motionwarp.types import FloatArray

LEFTS = [60, 60, 62, 60, 58, 60, 61]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path, LEFTS)


def test_framings_end_at_knees_and_below_the_hips_of_the_source_frame(clip: Path) -> None:
    framed = read_framed_clip(clip, FramingsSettings(every=2, frames=2), BoxEstimator())
    assert (framed.source, framed.evaluated) == (0, (2, 4))
    assert framed.bottoms[Framing.FULL] == HEIGHT
    assert framed.bottoms[Framing.KNEE] == pytest.approx(TOP + 0.75 * BOX[1], abs=1.5)
    torso = (PLACES[8, 1] - PLACES[1, 1]) * BOX[1]
    assert framed.bottoms[Framing.WAIST] == pytest.approx(TOP + 0.55 * BOX[1] + 0.12 * torso, abs=1.5)
    assert framed.bottoms[Framing.CHEST] == pytest.approx(TOP + PLACES[1, 1] * BOX[1] + 0.55 * torso, abs=1.5)
    assert set(framed.frames) == {0, 2, 4}


def test_points_below_a_cut_are_missing() -> None:
    points = points_of(60, TOP, *BOX)
    kept = cut_below(points, round(TOP + 0.7 * BOX[1]))
    assert (kept[[9, 10, 12, 13]] == 0).all()
    np.testing.assert_array_equal(kept[:9], points[:9])


def test_figures_of_every_framing(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motionwarp.pipeline.setup.make_engine", lambda name: BoxEngine())
    steps: list[tuple[str, int, int | None]] = []
    settings = FramingsSettings(engines=("avatar",), every=2, frames=3, size=WIDTH)
    cells = evaluate_framings(clip, settings, lambda *step: steps.append(step), BoxEstimator())
    assert [(cell.source, cell.driving) for cell in cells] == [(one, other) for one in Framing for other in Framing]
    assert steps[-1] == ("box.mp4", 16, 16)
    for cell in cells:
        # the clip's own person, at the clip's own places and as large
        # of the chest a handful of pixels between the shoulders tells it
        is_short = Framing.CHEST in (cell.source, cell.driving)
        assert cell.figures.size == pytest.approx(1, abs=0.05 if is_short else 0.03)
        assert cell.figures.apart < 0.12
    whole = cells[0].figures
    assert whole.matte_iou > 0.85
    assert whole.psnr > 15
    assert all(cell.figures.cut_seen == 0 for cell in cells if cell.source is Framing.FULL)
    summary = framings_summary(cells)
    assert list(summary) == ["avatar"]
    assert len(summary["avatar"]["framings"]) == 16
    assert summary["avatar"]["mean"]["size"] == pytest.approx(1, abs=0.03)
    tiles = framings_tiles(cells)
    assert len(tiles) == 32
    assert tiles[0].caption == "full by full, true"


def test_an_end_within_the_picture_is_seen(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shortening(BoxEngine):
        """Draws people who end above their hips."""

        def plan(self, motion: Motion) -> FloatArray:
            theta = super().plan(motion)
            theta[:, 3] = 50
            return theta

    monkeypatch.setattr("motionwarp.pipeline.setup.make_engine", lambda name: Shortening())
    settings = FramingsSettings(engines=("avatar",), every=3, frames=2, size=WIDTH)
    cells = evaluate_framings(clip, settings, lambda *step: None, BoxEstimator())
    # below the chest's framing they end out of sight
    seen = {Framing.FULL: 0, Framing.KNEE: 1, Framing.WAIST: 1, Framing.CHEST: 0}
    assert all(cell.figures.cut_seen == seen[cell.source] for cell in cells)


def test_what_cannot_be_used_is_told(clip: Path) -> None:
    with pytest.raises(OptionError, match="each once"):
        FramingsSettings(engines=("avatar", "avatar"))
    with pytest.raises(InputError, match="no frames"):
        read_framed_clip(clip, FramingsSettings(every=50), BoxEstimator())
    with pytest.raises(NoPersonError, match="no frame"):
        read_framed_clip(write_clip(clip.parent, [None, None], name="empty"), FramingsSettings(), BoxEstimator())
