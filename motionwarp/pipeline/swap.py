"""The person of one photo in the clothes of another one: what `motionwarp swap` and `motionwarp.swap` do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from motionwarp.engines.avatar.making import with_avatar
from motionwarp.errors import OutputError
from motionwarp.media.atomic import check_target
from motionwarp.media.image import write_image
from motionwarp.media.metadata import TAGGED_ENDINGS
from motionwarp.options import changed
from motionwarp.perception.base import Estimator
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.avatar_options import AvatarOptions
from motionwarp.pipeline.avatars import write_turntable
from motionwarp.pipeline.dressing import dressed, looking_options, read_clothes, seen_again
from motionwarp.pipeline.provenance import swap_provenance
from motionwarp.pipeline.source import PreparedSource, prepare_source, read_source
from motionwarp.pipeline.swap_options import SwapOptions

PICTURE_ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")

OnStep = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SwapResult:
    """The summary of a change of clothes.

    Attributes
    ----------
    output : Path
    width, height : int
        Size of the output in pixels.
    frames : int
        1 for a picture.
    engine, what : str
    seconds : float
    warnings : tuple of str
    """

    output: Path
    width: int
    height: int
    frames: int
    engine: str
    what: str
    seconds: float
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {**asdict(self), "output": str(self.output), "warnings": list(self.warnings)}


def swap(
    person: str | PathLike[str],
    clothes: str | PathLike[str],
    output: str | PathLike[str],
    options: SwapOptions | None = None,
    *,
    progress: OnStep | None = None,
    **changes: Any,
) -> SwapResult:
    """Dress the person of a photo in what another photo's person wears.

    Parameters
    ----------
    person : path
        A picture, or a video of which the first frame is taken; its head, hands and surroundings stay.
    clothes : path
        A picture of one person in the clothes.
    output : path
        A picture; or a video, in which the dressed person turns once.
    options : SwapOptions, optional
    progress : callable, optional
        Called with the stage's name, the number of finished steps and of all.
    **changes
        Single options by name, such as `what="upper"`, in place of those in `options`.

    Returns
    -------
    SwapResult

    Raises
    ------
    InputError
        One of its kinds, if an input, an option or the output is at fault; nothing is written then.
    """
    options = changed(options or SwapOptions(), changes)
    begin = time.perf_counter()
    target = Path(output)
    on_step = progress or _silent
    turntable = _turntable(target, options, [Path(person), Path(clothes)])
    estimator = load_estimator(looking_options(options))
    on_step("clothes", 0, 1)
    wearer, notes = read_clothes(Path(clothes), options, estimator)
    on_step("clothes", 1, 1)
    prepared = _read_person(Path(person), options, estimator)
    on_step("swap", 0, 1)
    made, engine = dressed(prepared.person, wearer, options, Path(person))
    on_step("swap", 1, 1)
    warnings = [*prepared.notes, *notes]
    height, width = made.rgb.shape[:2]
    frames = 1
    if turntable is None:
        tags = swap_provenance(engine) if target.suffix.lower() in TAGGED_ENDINGS else None
        write_image(target, made.rgb, overwrite=options.overwrite, metadata=tags)
        if tags is None:
            warnings.append(f"{target.suffix} files cannot say that they are synthesized; tell it otherwise")
    else:
        again = seen_again(prepared, made, Path(person), looking_options(options), estimator)
        avatar = with_avatar(again.person).avatar
        frames, lost = write_turntable(
            avatar, turntable, [Path(person)], lambda done, total: on_step("turntable", done, total)
        )
        warnings += lost
    return SwapResult(target, width, height, frames, engine, options.what, time.perf_counter() - begin, tuple(warnings))


def _read_person(path: Path, options: SwapOptions, estimator: Estimator) -> PreparedSource:
    looking = looking_options(options)
    return prepare_source(read_source(path, looking), looking, estimator)


def _turntable(target: Path, options: SwapOptions, inputs: list[Path]) -> AvatarOptions | None:
    """Check the output before any work is done, and return the options of a turntable if it is a video."""
    if target.suffix.lower() in PICTURE_ENDINGS:
        check_target(target, overwrite=options.overwrite, inputs=inputs)
        return None
    if not target.suffix:
        raise OutputError(
            "is no picture or video", subject=target, remedy=f"Use {', '.join(PICTURE_ENDINGS)}, or .mp4 for a turn"
        )
    check_target(target, overwrite=options.overwrite, inputs=inputs)
    return AvatarOptions(turntable=target, overwrite=options.overwrite)


def _silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""
