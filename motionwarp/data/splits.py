"""Which real pictures and clips may be trained on; the one place that knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Split = Literal["train", "calibration", "validation"]

Tier = Literal["first", "A", "B"]

VALIDATION_CLIPS: Final = ("tfjs_squats", "tfjs_pose1")
TRAINING_CLIPS: Final = ("muse_dance", "iper_akun", "mmhuman3d_single")
# clips that were added later, by how sure it is whose footage they are: A published by its own makers, B under a free
# license of a repository that does not say where the footage comes from. A frame from `HELD_OUT_FROM` on is never
# trained on
TRAINING_CLIPS_OF_TIER: Final[Mapping[Tier, tuple[str, ...]]] = {
    "first": TRAINING_CLIPS,
    "A": (
        "intel_one_by_one",
        "pose2sim_cam01",
        "pose2sim_cam02",
        "pose2sim_cam03",
        "pose2sim_cam04",
        "gaitlab_follow",
        "sam2_juggle",
    ),
    "B": ("xdyna_1", "xdyna_2", "animatex_dance_1", "animatex_dance_3", "steady_00002"),
}
VALIDATION_CLIPS_OF_TIER: Final[Mapping[Tier, tuple[str, ...]]] = {
    "first": VALIDATION_CLIPS,
    "A": ("intel_one_by_one",),
    "B": ("lhm_demo", "animatex_dance_2", "hybrik_taiji"),
}
HELD_OUT_FROM: Final[Mapping[str, int]] = {"intel_one_by_one": 1000}
CLIPS: Final[Mapping[Split, tuple[str, ...]]] = {
    "train": TRAINING_CLIPS,
    "calibration": (),
    "validation": VALIDATION_CLIPS,
}


def photo_split(name: str) -> Split:
    """Return the split of a CCP photo by its number.

    Numbers that end in 7 are for validation. Of the rest, numbers that end in 50 are kept from training too: scores are
    calibrated on them, which must not be done on either of the other two.

    Parameters
    ----------
    name : str
        Four digits, such as '0123'.
    """
    if name.endswith("7"):
        return "validation"
    return "calibration" if name.endswith("50") else "train"
