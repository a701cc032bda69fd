"""Finding and reading the published weights of feature networks, or saying why a metric cannot be had without them.

They are pickles, as their publishers give them, so they are read with `weights_only=True`, after their sha256 was
compared with the recorded one. They are looked for in the folder of `--features-dir`, then among fetched weights
(`motionwarp weights pull`).
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from motionwarp.checkpoints.registry import file_sha256, registry
from motionwarp.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class FeatureFile:
    """One published file.

    Attributes
    ----------
    name : str
        In the registry of weights.
    file : str
        As its publisher calls it.
    sha256 : str
    """

    name: str
    file: str
    sha256: str


FEATURE_FILES: Final = {
    file.name: file
    for file in (
        FeatureFile(
            "inception",
            "pt_inception-2015-12-05-6726825d.pth",
            "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        ),
        FeatureFile("alexnet", "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02"),
        FeatureFile("vgg16", "vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
        FeatureFile("squeezenet", "squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b"),
        FeatureFile("lpips-alex", "lpips_alex.pth", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
        FeatureFile("lpips-vgg", "lpips_vgg.pth", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
        FeatureFile("lpips-squeeze", "lpips_squeeze.pth",
        "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"),
    )
}  # fmt: skip


class FeatureWeights:
    """Where weights of feature networks lie on this machine.

    Parameters
    ----------
    folder : Path or None
        A folder that holds them under their publishers' names; the cache of fetched weights is looked at in any case.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise WeightsError(
                "is no folder", subject=folder, remedy="Give the folder that holds the published weights."
            )
        self.folder = folder

    def missing(self, *names: str) -> str | None:
        """Return why a metric that needs these weights cannot be had, or None if it can."""
        absent = [name for name in names if self._place(name) is None]
        if not absent:
            return None
        pulled = [name for name in absent if name in registry()]
        by_hand = [FEATURE_FILES[name].file for name in absent if name not in registry()]
        ways = [f"`motionwarp weights pull {' '.join(pulled)}`"] if pulled else []
        ways += [f"`features_dir` with {' and '.join(by_hand)}"] if by_hand else ["`features_dir`"]
        return f"weights not here: {', '.join(absent)}; get them with {' or '.join(ways)}"

    def read(self, name: str) -> dict[str, Tensor]:
        """Read weights after comparing their checksum.

        Parameters
        ----------
        name : str
            One of `FEATURE_FILES`.

        Raises
        ------
        WeightsError
            If they are not here, have another sha256, or hold anything but tensors.
        """
        import torch

        path, expected = self._place(name), FEATURE_FILES[name].sha256
        if path is None:
            raise WeightsError(self.missing(name) or "the weights are not here", subject=name)
        digest = file_sha256(path)
        if digest != expected:
            raise WeightsError(
                f"has sha256 {digest} and the published file has {expected}",
                subject=path,
                remedy="Delete it and fetch it again.",
            )
        try:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
            raise WeightsError(f"is damaged or no file of weights ({error})", subject=path) from error
        if not isinstance(tensors, dict):
            raise WeightsError("holds something else than named tensors", subject=path)
        return dict(tensors)

    def _place(self, name: str) -> Path | None:
        paths = [] if self.folder is None else [self.folder / FEATURE_FILES[name].file]
        if name in registry():
            paths.append(registry().path(name))
        return next((place for place in paths if place.is_file()), None)
