from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionwarp.data.person_window import FILL, window_around
from motionwarp.types import PersonCrop

HEIGHT, WIDTH = 720, 1280


def seen(crop: PersonCrop, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A box of the frame in the window, as shares of its width and height."""
    across, down = crop.scale * crop.width, crop.scale * crop.height
    return (
        (box[0] - crop.left) / across, (box[1] - crop.top) / down, (box[2] - crop.left) / across,
        (box[3] - crop.top) / down
    )  # fmt: skip


def test_a_tall_person_fills_the_height_in_the_middle() -> None:
    box = (600.0, 100.0, 700.0, 500.0)
    left, top, right, bottom = seen(window_around(box, HEIGHT, WIDTH), box)
    assert bottom - top == pytest.approx(FILL)
    assert top + bottom == pytest.approx(1)
    assert left + right == pytest.approx(1)
    assert right - left < FILL


def test_a_wide_person_fills_the_width() -> None:
    box = (200.0, 300.0, 800.0, 500.0)
    left, top, right, bottom = seen(window_around(box, HEIGHT, WIDTH), box)
    assert right - left == pytest.approx(FILL)
    assert bottom - top < FILL


def test_a_person_cut_at_the_waist_fills_the_window_with_what_is_left() -> None:
    cut = window_around((540.0, 400.0, 740.0, 1500.0), HEIGHT, WIDTH)
    assert cut == window_around((540.0, 400.0, 740.0, float(HEIGHT)), HEIGHT, WIDTH)
    _, top, _, bottom = seen(cut, (540.0, 400.0, 740.0, float(HEIGHT)))
    assert bottom - top == pytest.approx(FILL)


def test_another_fill() -> None:
    box = (600.0, 100.0, 700.0, 500.0)
    assert window_around(box, HEIGHT, WIDTH, fill=0.47).scale == pytest.approx(
        2 * window_around(box, HEIGHT, WIDTH, fill=0.94).scale
    )


@pytest.mark.parametrize(
    "box",
    [
        (0.0, 0.0, 0.0, 0.0),
        (640.0, 360.0, 640.0, 360.0),
        (-900.0, -900.0, -800.0, -800.0),
        (5000.0, 100.0, 5200.0, 400.0),
    ],
)
def test_nobody_and_people_outside_of_the_frame_still_have_a_window(box: tuple[float, float, float, float]) -> None:
    crop = window_around(box, HEIGHT, WIDTH)
    assert np.isfinite([crop.left, crop.top, crop.scale]).all()
    assert crop.scale > 0


@given(
    st.tuples(*(st.floats(-2000, 3000) for _ in range(2))),
    st.tuples(*(st.floats(1, 2500) for _ in range(2))),
)
def test_what_is_visible_is_in_the_window(corner: tuple[float, float], size: tuple[float, float]) -> None:
    box = (corner[0], corner[1], corner[0] + size[0], corner[1] + size[1])
    crop = window_around(box, HEIGHT, WIDTH)
    visible = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(WIDTH)), min(box[3], float(HEIGHT)))
    if visible[2] - visible[0] >= 8 and visible[3] - visible[1] >= 8:
        left, top, right, bottom = seen(crop, visible)
        assert min(left, top) >= 0.5 * (1 - FILL) - 1e-6
        assert max(right, bottom) <= 0.5 * (1 + FILL) + 1e-6
        assert max(right - left, bottom - top) == pytest.approx(FILL)
