"""Avatars made of photos, and shown: what `motionwarp avatar` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.completion import Completer
from motionwarp.avatar.files import save_avatar
from motionwarp.avatar.gltf import save_glb
from motionwarp.avatar.person import AvatarPerson, StoredAvatar
from motionwarp.avatar.turntable import Turntable
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.errors import OptionError, OutputError
from motionwarp.media.atomic import check_target
from motionwarp.media.writer import VideoWriter, open_writer
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.avatar_options import AvatarOptions
from motionwarp.pipeline.compositing import composite, cut_out
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.provenance import avatar_provenance
from motionwarp.pipeline.source import is_avatar, prepare_source, read_source
from motionwarp.types import PersonLayer

FILE_ENDINGS: Final = (".safetensors", ".glb")
FRAME_RATE: Final = 25
_TRIAL_SIZE: Final = (64, 64)

OnFrame = Callable[[int, int], None]


def read_or_make_avatar(photos: Sequence[Path], options: AvatarOptions) -> StoredAvatar:
    """Return the avatar of a person, or the one that a file holds.

    Parameters
    ----------
    photos : sequence of Path
        Pictures of one person, or videos whose first frames are taken: the first as the avatar is at rest, the others
        from other sides. Or one .safetensors file that `save_avatar` has written.
    options : AvatarOptions

    Raises
    ------
    InputError
        One of its kinds, if a photo, the file or an option is at fault, or nobody is seen.
    """
    first, *others = photos
    completer = None if options.completion is None else Completer.load(Path(options.completion))
    if completer is not None and (others or is_avatar(first)):
        raise OptionError(
            "a back is repainted when an avatar is made of one photo",
            values={"completion": str(options.completion)},
            remedy="Leave it out, or give one photo",
        )
    looking = TransferOptions(
        device=options.device,
        precision=options.precision,
        pose_estimator=options.pose_estimator,
        person=options.person,
        also=tuple(others),
    )
    source = read_source(first, looking)
    if source.avatar is not None:
        return source.avatar
    prepared = prepare_source(source, looking, load_estimator(looking))
    person = prepared.person
    if not isinstance(person, AvatarPerson):
        person = with_avatar(person, completer=completer)
    return StoredAvatar(person, prepared.plate, prepared.notes, prepared.score, prepared.matte_given, prepared.photos)


def check_outputs(photos: Sequence[Path], outputs: list[Path], options: AvatarOptions) -> None:
    """Refuse outputs that cannot be written, before any work is done.

    Raises
    ------
    OutputError
        If one has an unknown ending, exists without `overwrite`, is a photo, or its folder is missing.
    """
    for output in outputs:
        if output.suffix.lower() not in FILE_ENDINGS:
            raise OutputError(
                "is no file of an avatar",
                subject=output,
                remedy=f"Give a name that ends in {' or '.join(FILE_ENDINGS)}",
            )
        check_target(output, overwrite=options.overwrite, inputs=photos)
    if options.turntable is not None:
        # opened on trial: what is wrong with a name or a container shows before the avatar is made
        _turntable_writer(options, photos, _TRIAL_SIZE).abort()


def write_avatar(stored: StoredAvatar, output: Path, options: AvatarOptions) -> None:
    """Write an avatar in the form that the name's ending says: .safetensors, or .glb for other programs."""
    if output.suffix.lower() == ".glb":
        save_glb(output, stored.person.avatar, tags=avatar_provenance("avatar"), overwrite=options.overwrite)
    else:
        save_avatar(output, stored, avatar_provenance("avatar"))


def write_turntable(
    avatar: Avatar, options: AvatarOptions, photos: Sequence[Path], on_frame: OnFrame
) -> tuple[int, list[str]]:
    """Write the clip of an avatar that turns once, whole or not at all.

    Returns
    -------
    frames, warnings
        How many there are, and what the container could not keep.
    """
    table = Turntable(avatar, options.height)
    width, height = table.size
    color = options.color
    count = max(1, round(options.seconds * FRAME_RATE))
    canvas = np.empty((height, width, 3), dtype=np.uint8)
    canvas[:] = color or (0, 0, 0)
    with _turntable_writer(options, photos, table.size) as writer:
        for index, picture in enumerate(table.turn(count)):
            layer = PersonLayer(np.rint(picture).clip(0, 255).astype(np.uint8), 0, 0)
            shown = cut_out(layer, width, height) if color is None else composite(layer, canvas.copy())
            writer.write(shown, index / FRAME_RATE)
            on_frame(index + 1, count)
    return count, writer.warnings


def _turntable_writer(options: AvatarOptions, photos: Sequence[Path], size: tuple[int, int]) -> VideoWriter:
    if options.turntable is None:
        raise ValueError("a turntable needs the option `turntable`")
    return open_writer(
        options.turntable,
        width=size[0],
        height=size[1],
        frame_rate=Fraction(FRAME_RATE),
        alpha=options.color is None,
        metadata=avatar_provenance("video"),
        overwrite=options.overwrite,
        inputs=photos,
    )
