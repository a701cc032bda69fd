"""Estimators by name or file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import torch

from motionwarp.errors import OptionError
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Estimator

ESTIMATOR_NAMES: Final = ("builtin", "mediapipe", "dwpose")


def make_estimator(name_or_file: str, device: torch.device, dtype: torch.dtype) -> Estimator:
    """Make an estimator.

    Parameters
    ----------
    name_or_file : str
        'builtin', 'mediapipe', 'dwpose', or a file: weights of the analyzer (.safetensors), an RTMPose or DWPose
        network (.onnx), or poses (JSON, or a folder of OpenPose's JSON).
    device : torch.device
    dtype : torch.dtype
        Precision of the bundled network.

    Raises
    ------
    OptionError
        If it is neither a name nor a file.
    MissingExtraError
        If the estimator needs an extra that is not installed.
    WeightsError
        If weights are missing or damaged.
    """
    builtin = partial(BuiltinEstimator.load, device, dtype)
    if name_or_file == "builtin":
        return builtin()
    if name_or_file == "mediapipe":
        # imported where they are asked for: extras stay optional, and start-up quick
        from motionwarp.perception.backends.mediapipe import MediapipeEstimator

        return MediapipeEstimator(builtin)
    if name_or_file == "dwpose":
        from motionwarp.perception.backends.dwpose import DwposeEstimator

        return DwposeEstimator.load(builtin(), device)
    path = Path(name_or_file)
    if not path.exists():
        raise OptionError(
            "is neither an estimator nor a file",
            values={"pose_estimator": name_or_file},
            remedy=f"Choose one of {', '.join(ESTIMATOR_NAMES)}, or give a file of poses or weights",
        )
    if path.suffix == ".safetensors":
        return builtin(path)
    if path.suffix == ".onnx":
        from motionwarp.perception.backends.dwpose import DwposeEstimator

        return DwposeEstimator.load(builtin(), device, path)
    from motionwarp.perception.backends.pose_file import FileEstimator

    return FileEstimator(path, builtin)
