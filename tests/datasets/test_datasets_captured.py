"""Data sets of motion capture: found in folders, seen without an estimator, kept whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_motions import captured, write_captured

from motionwarp.checkpoints.registry import registry
from motionwarp.datasets.analysis_cache import AnalysisCache
from motionwarp.datasets.config import CONFIG_NAME, DatasetConfig, encoded
from motionwarp.datasets.generate import check_ready, stored_set
from motionwarp.datasets.items import Item, read_items
from motionwarp.datasets.options import RunSettings
from motionwarp.datasets.plan import make_plan
from motionwarp.datasets.storage.factory import open_storage
from motionwarp.errors import OutputError
from motionwarp.pipeline.driving import observe_driving, probe_driving
from motionwarp.pipeline.options import TransferOptions


def test_motion_capture_in_a_folder_is_taken(tmp_path: Path) -> None:
    write_captured(tmp_path / "walk.bvh")
    (tmp_path / "more").mkdir()
    write_captured(tmp_path / "more" / "run.bvh.gz")
    items = read_items("driving", str(tmp_path))
    assert [item.path.rsplit("/", 1)[-1] for item in items] == ["run.bvh.gz", "walk.bvh"]
    assert len({item.id for item in items}) == 2


def test_what_was_seen_of_motion_capture_is_kept_whole(tmp_path: Path) -> None:
    path = write_captured(tmp_path / "walk.bvh", captured(8, 24.0))
    options = TransferOptions(device="cpu")
    clip = probe_driving(path, options)
    motion = observe_driving(clip, options, None, with_plate=False)  # type: ignore[arg-type]
    (tmp_path / "set").mkdir()
    cache = AnalysisCache(open_storage(str(tmp_path / "set")))
    cache.save_motion("ab" * 32, motion, clip.info)
    kept, info = cache.load_motion("ab" * 32, path)
    assert kept.capture is not None
    assert motion.capture is not None
    np.testing.assert_array_equal(kept.capture.turns, motion.capture.turns)
    np.testing.assert_array_equal(kept.track.points, motion.track.points)
    assert kept.capture.frame_rate == motion.capture.frame_rate
    assert info.container == "motion capture"


@pytest.mark.parametrize("changed", ["body", "lifter"])
def test_other_weights_of_the_body_are_noticed(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # of motion capture with an engine that has no body: the points are the body's, and bodies are fitted to them
    walk = Item("driving", "walk", str(write_captured(tmp_path / "walk.bvh")))
    ann = Item("source", "ann", str(tmp_path / "ann.png"))
    config = DatasetConfig(TransferOptions(engine="layered", audio=False, device="cpu"))
    output = str(tmp_path / "set")
    form = stored_set((ann,), (walk,), config, make_plan((ann,), (walk,), config))
    open_storage(output).write(CONFIG_NAME, encoded(form))
    resume = RunSettings(resume=True)
    check_ready((ann,), (walk,), config, output, resume)
    known = {name: registry()[name] for name in ("analyser", "body", "lifter")}
    known[changed] = replace(known[changed], sha256="0" * 64)
    monkeypatch.setattr("motionwarp.datasets.dependencies.registry", lambda: known)
    with pytest.raises(OutputError, match="body_weights was"):
        check_ready((ann,), (walk,), config, output, resume)
