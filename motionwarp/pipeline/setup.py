"""What is known of a transfer before any work is done, so that most mistakes are found at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.base import Engine
from motionwarp.engines.registry import AUTO, make_engine
from motionwarp.errors import OptionError
from motionwarp.media.probe import VideoInfo
from motionwarp.pipeline.captured_driving import CONTAINER as CAPTURE_CONTAINER
from motionwarp.pipeline.compositing import scaled_width
from motionwarp.pipeline.layout import output_size
from motionwarp.pipeline.options import BackgroundKind, TransferOptions

_OF_SEVERAL_PHOTOS: Final = "avatar"


@dataclass(frozen=True, eq=False)
class TransferSetup:
    """The frame, the engine and the device of a transfer.

    Attributes
    ----------
    source, driving : Path
        The second is read again where its pictures are shown or its sound is taken.
    options : TransferOptions
    info : VideoInfo
        The driving clip's headers.
    frame : (int, int)
        Width and height in pixels of the picture that the person is drawn in.
    width, height : int
        Size of the output's frames in pixels, pictures beside the result included.
    engine : Engine
        Not prepared yet.
    device : torch.device
    dtype : torch.dtype
        What is computed with, as long as the device's memory suffices.
    """

    source: Path
    driving: Path
    options: TransferOptions
    info: VideoInfo
    frame: tuple[int, int]
    width: int
    height: int
    engine: Engine
    device: torch.device
    dtype: torch.dtype

    @property
    def alpha(self) -> bool:
        """Whether frames are RGBA."""
        return self.options.background_choice.kind is BackgroundKind.TRANSPARENT

    @property
    def needs_plate(self) -> bool:
        """Whether the clip's background without its person is needed."""
        return self.options.background_choice.kind is BackgroundKind.DRIVING

    def files(self) -> list[Path]:
        """Return all files that the transfer reads, which no output may replace."""
        options = self.options
        given = (
            options.source_poses,
            options.driving_poses,
            options.matte,
            options.clothes,
            options.background_choice.path,
        )
        cast = [member.photo for member in options.cast_members]
        return [self.source, self.driving, *options.also, *cast, *(Path(path) for path in given if path is not None)]


def _engine_name(options: TransferOptions) -> str:
    """Return the engine asked for; only one with a body has a use for photos from other sides."""
    if not options.also:
        return options.engine
    if options.engine not in (AUTO, _OF_SEVERAL_PHOTOS):
        raise OptionError(
            f"is of use to the engine {_OF_SEVERAL_PHOTOS} alone",
            values={"also": ", ".join(map(str, options.also)), "engine": options.engine},
            remedy=f"Use `engine={_OF_SEVERAL_PHOTOS}`, or leave `also` out",
        )
    return _OF_SEVERAL_PHOTOS


def set_up(
    source: Path, driving: Path, options: TransferOptions, source_size: tuple[int, int], info: VideoInfo
) -> TransferSetup:
    """Choose frame, engine and device of a transfer.

    Parameters
    ----------
    source, driving : Path
    options : TransferOptions
    source_size : (int, int)
        Width and height of the source picture.
    info : VideoInfo
        The driving clip's headers.

    Raises
    ------
    OptionError
        If options do not go together, or there is no such engine.
    DeviceError
        If this machine does not have the device, or the device not the precision.
    """
    device = resolve_device(options.device)
    dtype = resolve_precision(options.precision, device)
    engine = make_engine(_engine_name(options))
    kind = options.background_choice.kind
    # several people stand where their dancers stand, so that the frame has the clip's shape
    shaped_by = BackgroundKind.DRIVING if options.cast else kind
    frame = output_size(source_size, (info.width, info.height), shaped_by, options.output_size)
    if options.side_by_side and kind is BackgroundKind.TRANSPARENT:
        raise OptionError(
            "pictures beside each other cannot be transparent",
            values={"side_by_side": True, "background": "transparent"},
            remedy="Choose another background or leave out `side_by_side`",
        )
    if options.region_debug is not None and not engine.explains:
        raise OptionError(
            f"the engine {engine.name} has no regions to show",
            values={"region_debug": str(options.region_debug)},
            remedy="Use `engine=warping_gan`, or leave the option out",
        )
    _refuse_views(engine, options, info)
    width, height = frame
    if options.side_by_side:
        width += scaled_width(*source_size, height) + scaled_width(info.width, info.height, height)
    return TransferSetup(source, driving, options, info, frame, width, height, engine, device, dtype)


def _refuse_views(engine: Engine, options: TransferOptions, info: VideoInfo) -> None:
    """Refuse other sides of a person of whom only the picture plane is known, and ways to go that a clip has itself."""
    if info.container == CAPTURE_CONTAINER:
        return
    if options.turns and not engine.has_body:
        raise OptionError(
            f"the engine {engine.name} has no body to see from other sides",
            values={name: getattr(options, name) for name in ("view", "orbit") if getattr(options, name)},
            remedy="Use `engine=avatar`, or motion capture as DRIVING",
        )
    if options.travel != "auto":
        raise OptionError(
            "is for motion capture only; a clip's person goes as they do in it",
            values={"travel": options.travel},
            remedy="Leave the option out",
        )
