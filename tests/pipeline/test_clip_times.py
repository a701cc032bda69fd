"""Times and sections as text are read back by the command line."""

from __future__ import annotations

import pytest

from motionwarp.pipeline.check.driving import Span, section_options, span_text, time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00"),
        (3.0, "0:03"),
        (3.24, "0:03.2"),
        (3.96, "0:04"),
        (59.99, "1:00"),
        (95.5, "1:35.5"),
        (3723.5, "1:02:03.5"),
    ],
)
def test_times_have_minutes_and_tenths(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_stretches_name_their_frames() -> None:
    assert span_text(Span(48, 83, 2.0, 3.5)) == "0:02-0:03.5 (frames 48-83)"
    assert span_text(Span(7, 7, 0.29, 0.33)) == "0:00.3-0:00.3 (frame 7)"


def test_sections_are_rounded_inwards_and_short_ones_not_worth_it() -> None:
    assert section_options(Span(0, 0, 3.01, 11.09)) == "`start=0:03.1` `end=0:11`"
    assert section_options(Span(0, 0, 1 / 3, 17 / 12)) == "`start=0:00.4` `end=0:01.4`"
    assert section_options(Span(0, 0, 1.2000001, 2.1999999)) == "`start=0:01.2` `end=0:02.2`"
    assert section_options(Span(0, 0, 0.0, 0.98)) is None
