"""Videos and animations that must not be larger than so many bytes, as chats ask of stickers."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.errors import OutputError
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.media.encoders import Codec, EncodeOptions
from motionwarp.media.gif_writer import GifPalette, shared_palette
from motionwarp.media.image import encoded_image
from motionwarp.media.writer_base import VideoWriter
from motionwarp.types import ByteArray

_CRF_STEPS: Final = 5  # from the codec's own quality to its worst
_WEBP_CRFS: Final = (14, 22, 30, 38, 46, 54)
_GIF_COLORS: Final = (256, 256, 128, 64, 32)  # the first spreads errors, which looks best and takes most
_SHORTEST_SIDE: Final = 48  # pixels; nobody is seen in less
_MOST_SIZES: Final = 8
_SPOOLED_BYTES: Final = 64_000_000
_SPOOL_NAME: Final = Path("frame.png")


@dataclass(frozen=True)
class Attempt:
    """One way to encode, which the result may turn out too large for.

    Attributes
    ----------
    path : Path
        Where to write.
    width, height : int
        Of the frames, in pixels.
    options : EncodeOptions
    palette : GifPalette or None
    """

    path: Path
    width: int
    height: int
    options: EncodeOptions
    palette: GifPalette | None


@dataclass(frozen=True)
class _Level:
    """One quality: `crf` of codecs and WebP, or colors of a GIF; None and None for what has only one."""

    crf: float | None = None
    colors: int | None = None
    ordered: bool = False

    @property
    def text(self) -> str:
        if self.colors is not None:
            return f"{self.colors} colors"
        return "" if self.crf is None else f"crf {self.crf:g}"


def quality_levels(ending: str, codec: Codec | None, options: EncodeOptions) -> list[_Level]:
    """Return the qualities to try from the best to the worst; none is better than what `options` asks for."""
    if ending == ".gif":
        return [_Level(colors=count, ordered=number > 0) for number, count in enumerate(_GIF_COLORS)]
    if ending == ".webp":
        steps: Sequence[float] = _WEBP_CRFS
    elif codec is not None and codec.default_crf is not None:
        worst = codec.crf_range[1] - 4
        steps = [
            round(codec.default_crf + (worst - codec.default_crf) * step / _CRF_STEPS) for step in range(_CRF_STEPS + 1)
        ]
    else:
        return [_Level()]
    if options.crf is not None:
        steps = [options.crf, *(step for step in steps if step > options.crf)]
    return [_Level(crf=step) for step in steps]


class SizeLimitedWriter(VideoWriter):
    """Keeps the frames, and encodes them at the end: as well as fits, smaller if it must.

    Parameters
    ----------
    pending : PendingFile
        The result.
    opened : callable
        Opens a writer for an `Attempt`.
    levels : list
        Of `quality_levels`.
    options : EncodeOptions
        With `max_bytes`.
    width, height : int
        Size of the frames, in pixels.
    frame_rate, time_base : Fraction
    alpha : bool

    Raises
    ------
    OutputError
        When closed: if not even the smallest attempt fits.
    """

    def __init__(
        self,
        pending: PendingFile,
        opened: Callable[[Attempt], VideoWriter],
        levels: list[_Level],
        options: EncodeOptions,
        *,
        width: int,
        height: int,
        frame_rate: Fraction,
        time_base: Fraction,
        alpha: bool,
    ) -> None:
        super().__init__(pending.target, width, height, alpha, Fraction(time_base), Fraction(frame_rate))
        assert options.max_bytes is not None
        self._limit = options.max_bytes
        self._pending, self._opened, self._levels, self._options = pending, opened, levels, options
        self._spool = tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # noqa: SIM115 - closed with the writer
        self._kept: list[tuple[int, int, int, int]] = []  # place, size, first and last tick of each
        # beside the target, with its ending, by which containers are chosen
        self._trial = Path(f"{pending.path}{pending.target.suffix}")

    def _prepared(self, picture: ByteArray) -> bytes:
        return encoded_image(_SPOOL_NAME, np.ascontiguousarray(picture))

    def _encode(self, prepared: bytes, ticks: int, end_ticks: int) -> None:
        try:
            place = self._spool.seek(0, 2)
            self._spool.write(prepared)
        except OSError as error:
            raise write_failure(error, self.path) from error
        self._kept.append((place, len(prepared), ticks, end_ticks))

    def _finish(self) -> None:
        level, size = self._best()
        width, height = size
        if level is not self._levels[0] or size != (self.width, self.height):
            resized = "" if size == (self.width, self.height) else f"{width}x{height} pixels"
            told = " and ".join(part for part in (level.text, resized) if part)
            self.warnings.append(f"to stay within {self._limit} bytes it was encoded with {told}")
        try:
            self._trial.replace(self._pending.path)
        except OSError as error:
            raise write_failure(error, self.path) from error
        self._pending.commit()
        self._spool.close()

    def _best(self) -> tuple[_Level, tuple[int, int]]:
        """Encode in the best way that fits, and return it."""
        whole = self.width, self.height
        if self._bytes(self._levels[0], whole) <= self._limit:
            return self._levels[0], whole
        fits, too_large = len(self._levels), 0
        smallest = math.inf
        while fits - too_large > 1:
            middle = (fits + too_large) // 2
            count = self._bytes(self._levels[middle], whole)
            fits, too_large = (middle, too_large) if count <= self._limit else (fits, middle)
            smallest = min(smallest, count)
        if fits < len(self._levels):
            self._bytes(self._levels[fits], whole)
            return self._levels[fits], whole
        return self._reduced()

    def _reduced(self) -> tuple[_Level, tuple[int, int]]:
        # at the middle quality: a sharp small picture shows more than a large smeared one
        level = self._levels[len(self._levels) // 2]
        scale = 1.0
        count = self._bytes(level, (self.width, self.height))
        for _ in range(_MOST_SIZES if self._options.may_shrink else 0):
            scale *= min(0.9, 0.97 * math.sqrt(self._limit / count))
            size = max(round(self.width * scale), 1), max(round(self.height * scale), 1)
            if min(size) < min(_SHORTEST_SIDE, self.width, self.height):
                break
            count = self._bytes(level, size)
            if count <= self._limit:
                return level, size
        remedy = "Give fewer frames (`fps`, `end`) or a larger limit"
        if not self._options.may_shrink:
            remedy = "Give a smaller size, fewer frames (`fps`, `end`) or a larger limit"
        raise OutputError(
            f"{self.frame_count} frames do not fit into {self._limit} bytes", subject=self.path, remedy=remedy
        )

    def _bytes(self, level: _Level, size: tuple[int, int]) -> int:
        """Encode in one way and return the bytes of the file."""
        palette = None
        if level.colors is not None:
            palette = shared_palette(self._pictures(size), level.colors, ordered=level.ordered)
        options = replace(self._options, crf=self._options.crf if level.crf is None else level.crf, max_bytes=None)
        self._trial.unlink(missing_ok=True)
        with self._opened(Attempt(self._trial, *size, options, palette)) as writer:
            for picture, (_, _, ticks, _) in zip(self._pictures(size), self._kept, strict=True):
                writer.write(picture, float(ticks * self._time_base))
            writer.end_at(float(self._kept[-1][3] * self._time_base))
        self.warnings = list(writer.warnings)
        return self._trial.stat().st_size

    def _pictures(self, size: tuple[int, int]) -> Iterator[ByteArray]:
        for place, count, _, _ in self._kept:
            self._spool.seek(place)
            content = np.frombuffer(self._spool.read(count), np.uint8)
            picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
            assert picture is not None  # our own
            code = cv2.COLOR_BGRA2RGBA if self.alpha else cv2.COLOR_BGR2RGB
            rgb = np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)
            yield rgb if size == (self.width, self.height) else reduced_picture(rgb, size)

    def _discard(self) -> None:
        self._spool.close()
        self._trial.unlink(missing_ok=True)
        self._pending.discard()


def reduced_picture(picture: ByteArray, size: tuple[int, int]) -> ByteArray:
    """Return a smaller picture, uint8 (height, width, 3 or 4), whose transparent pixels' colors touch no others."""
    if picture.shape[2] == 3:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    alpha = picture[..., 3:].astype(np.float32) / 255
    premultiplied = np.concatenate([picture[..., :3] * alpha, 255 * alpha], axis=-1)
    small = cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA)
    cover = small[..., 3:] / 255
    colors = np.divide(small[..., :3], cover, out=np.zeros_like(small[..., :3]), where=cover > 0)
    return np.asarray(np.rint(np.concatenate([colors.clip(0, 255), small[..., 3:]], axis=-1)), dtype=np.uint8)
