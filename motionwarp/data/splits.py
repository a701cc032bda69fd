"""Which real pictures and clips may be trained on; the one place that knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Split = Literal["train", "calibration", "validation"]

VALIDATION_CLIPS: Final = ("tfjs_squats", "tfjs_pose1")
TRAINING_CLIPS: Final = ("muse_dance", "iper_akun", "mmhuman3d_single")
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
