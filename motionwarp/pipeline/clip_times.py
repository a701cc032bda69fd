"""Times and sections of a clip as text, in the form that `--start` and `--end` take."""

from __future__ import annotations

import math
from typing import Final

from motionwarp.pipeline.driving_facts import Span

_TENTHS: Final = 10  # of a second, as finely as times are told
# a section shorter than this is not worth cutting to
_SHORTEST_SECTION: Final = 1 * _TENTHS
# containers round times to their own ticks
_ROUNDED: Final = 0.01


def time_text(seconds: float) -> str:
    """Return a time as '0:03.2', '0:03' or '1:02:03.5'."""
    tenths = round(seconds * _TENTHS)
    whole, rest = divmod(tenths, _TENTHS)
    hours, minutes = whole // 3600, whole // 60 % 60
    fraction = f".{rest}" if rest else ""
    clock = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{clock}:{whole % 60:02d}{fraction}"


def span_text(span: Span) -> str:
    """Return a stretch of the clip as '0:02-0:03.5 (frames 48-83)'."""
    frames = f"frame {span.first}" if span.first == span.last else f"frames {span.first}-{span.last}"
    return f"{time_text(span.start_seconds)}-{time_text(span.end_seconds)} ({frames})"


def section_options(span: Span) -> str | None:
    """Return the options that cut to a stretch, such as '--start 0:03 --end 0:11'; None if little of it would be left."""
    # rounded inwards, so that nothing of what lies beside comes along
    start, end = math.ceil(span.start_seconds * _TENTHS - _ROUNDED), math.floor(span.end_seconds * _TENTHS + _ROUNDED)
    if end - start < _SHORTEST_SECTION:
        return None
    return f"--start {time_text(start / _TENTHS)} --end {time_text(end / _TENTHS)}"
