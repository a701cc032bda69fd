"""Rendered people moved by engines: what is drawn, and that the truth is worth something."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.data.avatars.packing import load_cast
from motionwarp.errors import InputError, OptionError
from motionwarp.evaluation.options import RenderedSettings
from motionwarp.evaluation.rendered_people import evaluate_rendered, rendered_pairs
from motionwarp.perception.backends.builtin import BuiltinEstimator


@pytest.mark.shared_data
def test_front_profile_and_back_in_turn_of_the_same_person_each(shared_data: Path) -> None:
    settings = RenderedSettings(count=3, seed=1)
    estimator = BuiltinEstimator.load(torch.device("cpu"), torch.float32)
    cast = load_cast(shared_data, "validation", settings.seed)
    pairs = list(rendered_pairs(cast, settings, estimator))
    assert [pair.view for pair in pairs] == ["front", "profile", "back"]
    for pair in pairs:
        assert pair.target.rgb.shape == pair.source.framed.rgb.shape == (256, 192, 3)
        assert (pair.target.rgb[pair.target.matte == 0] == settings.background).all()
        assert (pair.source.person.rgb[pair.source.person.matte == 0] == settings.background).all()
        assert (pair.target.pose.scores > 0).sum() >= 12
        assert (pair.target.matte > 0.5).sum() > 1000
    # a pair depends on the seed and its number alone
    again = next(iter(rendered_pairs(cast, RenderedSettings(count=1, seed=1), estimator)))
    np.testing.assert_array_equal(again.target.rgb, pairs[0].target.rgb)


@pytest.mark.shared_data
def test_figures_by_view(shared_data: Path) -> None:
    report = evaluate_rendered(shared_data, ["copy", "avatar"], RenderedSettings(count=3, seed=0, rows=2))
    assert [record.view for record in report.records] == ["front", "profile", "back"]
    assert set(report.by_view()) == {"front", "profile", "back"}
    means = report.means()
    assert means["avatar"]["matte_iou"] > means["copy"]["matte_iou"] + 0.1
    assert means["avatar"]["psnr"] > means["copy"]["psnr"]
    assert report.rows


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="out of range"):
        RenderedSettings(count=0)
    with pytest.raises(InputError):
        evaluate_rendered(tmp_path, ["copy"], estimator=object(), reader=object())  # type: ignore[arg-type]
