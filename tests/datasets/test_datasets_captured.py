"""Data sets of motion capture: found in folders, seen without an estimator, kept whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from made_motions import captured, write_captured

from motionwarp.datasets.analysis_cache import AnalysisCache
from motionwarp.datasets.items import read_items
from motionwarp.datasets.storage.factory import open_storage
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
