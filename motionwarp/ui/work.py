"""What the page has done in processes of their own: looks, transfers, comparisons, avatars, clothes, data sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from motionwarp.pipeline.avatar_options import AvatarOptions
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.swap_options import SwapOptions
from motionwarp.ui.job_process import Tell

if TYPE_CHECKING:
    from motionwarp.datasets.generate import RunSummary
    from motionwarp.pipeline.api import TransferResult
    from motionwarp.pipeline.check.report import CheckReport
    from motionwarp.pipeline.progress import Progress, ProgressCallback
    from motionwarp.pipeline.swap import SwapResult

PREVIEW_FRAMES: Final = 3


def _on_progress(tell: Tell, prefix: str = "") -> ProgressCallback:
    def told(progress: Progress) -> None:
        tell(prefix + progress.stage.value, progress.done, progress.total)

    return told


def _set_up() -> None:
    from motionwarp.devices import set_threads
    from motionwarp.runtime import keep_freed_memory

    keep_freed_memory()
    set_threads()


@dataclass(frozen=True)
class LookWork:
    """A quick check with a few frames beside their results.

    Attributes
    ----------
    source, driving : Path
    options : TransferOptions
    sheet : Path
        A PNG that is written.
    """

    source: Path
    driving: Path
    options: TransferOptions
    sheet: Path

    def run(self, tell: Tell) -> CheckReport:
        """Look; see `motionwarp.check`."""
        from motionwarp.pipeline.check.report import check

        _set_up()
        return check(
            self.source,
            self.driving,
            self.options,
            quick=True,
            preview=self.sheet,
            pictures=PREVIEW_FRAMES,
            progress=_on_progress(tell),
        )


@dataclass(frozen=True)
class TransferWork:
    """A transfer.

    Attributes
    ----------
    source, driving, output : Path
    options : TransferOptions
    """

    source: Path
    driving: Path
    output: Path
    options: TransferOptions

    def run(self, tell: Tell) -> TransferResult:
        """Make it; see `motionwarp.transfer`."""
        from motionwarp.pipeline.api import transfer

        _set_up()
        return transfer(self.source, self.driving, self.output, self.options, progress=_on_progress(tell))


@dataclass(frozen=True)
class CompareWork:
    """The same transfer by several engines.

    Attributes
    ----------
    source, driving : Path
    outputs : dict of str to Path
        By the engine's name.
    options : TransferOptions
    """

    source: Path
    driving: Path
    outputs: dict[str, Path]
    options: TransferOptions

    def run(self, tell: Tell) -> list[TransferResult]:
        """Make them one after the other."""
        return [
            self._by(engine, output, f"{number + 1} of {len(self.outputs)}: ", tell)
            for number, (engine, output) in enumerate(self.outputs.items())
        ]

    def _by(self, engine: str, output: Path, prefix: str, tell: Tell) -> TransferResult:
        from motionwarp.pipeline.api import transfer

        _set_up()
        options = replace(self.options, engine=engine)
        return transfer(self.source, self.driving, output, options, progress=_on_progress(tell, prefix))


@dataclass(frozen=True)
class MadeAvatar:
    """What came of an avatar.

    Attributes
    ----------
    file, model : Path
        To use again, and for other programs.
    turntable : Path
    triangles : int
    warnings : list of str
    """

    file: Path
    model: Path
    turntable: Path
    triangles: int
    warnings: list[str]


@dataclass(frozen=True)
class AvatarWork:
    """An avatar as a file, as a model and turning.

    Attributes
    ----------
    photos : tuple of Path
        Of one person; the files are named after the first.
    folder : Path
    options : AvatarOptions
        Where the turntable goes is not taken from here.
    """

    photos: tuple[Path, ...]
    folder: Path
    options: AvatarOptions

    def run(self, tell: Tell) -> MadeAvatar:
        """Make it; see `motionwarp avatar`."""
        from motionwarp.pipeline.avatars import check_outputs, read_or_make_avatar, write_avatar, write_turntable

        _set_up()
        stem = self.photos[0].stem
        file, model = self.folder / f"{stem}.safetensors", self.folder / f"{stem}.glb"
        turntable = self.folder / f"{stem}.{'mp4' if self.options.color else 'webm'}"
        options = replace(self.options, turntable=turntable)
        check_outputs(self.photos, [file, model], options)
        tell("avatar", 0, 1)
        made = read_or_make_avatar(self.photos, options)
        tell("avatar", 1, 1)
        for path in (file, model):
            write_avatar(made, path, options)
        avatar = made.person.avatar
        _, lost = write_turntable(avatar, options, self.photos, lambda done, total: tell("turntable", done, total))
        return MadeAvatar(file, model, turntable, len(avatar.sheets.faces), [*made.notes, *lost])


@dataclass(frozen=True)
class SwapWork:
    """A change of clothes.

    Attributes
    ----------
    person, clothes, output : Path
    options : SwapOptions
    """

    person: Path
    clothes: Path
    output: Path
    options: SwapOptions

    def run(self, tell: Tell) -> SwapResult:
        """Make it; see `motionwarp swap`."""
        from motionwarp.pipeline.swap import swap

        _set_up()
        return swap(self.person, self.clothes, self.output, self.options, progress=tell)


@dataclass(frozen=True)
class DatasetWork:
    """A data set of some people and some motions; one that was begun goes on.

    Attributes
    ----------
    people, motions : Path
        Folders of pictures and clips.
    output : Path
        The set's folder.
    pairs : str
        As `ClipOptions.pairs`.
    options : TransferOptions
    workers : int
    """

    people: Path
    motions: Path
    output: Path
    pairs: str
    options: TransferOptions
    workers: int = 1

    def run(self, tell: Tell) -> RunSummary:
        """Make it, or what is left of it; see `motionwarp dataset generate`."""
        from motionwarp.datasets.config import DatasetConfig
        from motionwarp.datasets.generate import generate
        from motionwarp.datasets.items import read_items
        from motionwarp.datasets.options import ExecutorChoice, RunSettings

        return generate(
            read_items("source", str(self.people)),
            read_items("driving", str(self.motions)),
            DatasetConfig(replace(self.options, audio=False), pairs=self.pairs),
            str(self.output),
            RunSettings(executor=ExecutorChoice(workers=self.workers), resume=True, retry_failed=True),
            progress=tell,
        )
