"""Choosing one person among several, and the text that says whom."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_people import Figure
from hypothesis import given
from hypothesis import strategies as st

from motionwarp.errors import NoPersonError, OptionError
from motionwarp.perception.framing import crop_around, visible_box
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.types import Person, Pose


def person(x: float, y: float, torso: float) -> Person:
    points = Figure(0, x, y, torso).points()
    return Person(Pose(points), crop_around(visible_box(points)))


SMALL, LARGE, MIDDLE = person(100, 100, 30), person(320, 80, 90), person(520, 100, 60)
PEOPLE = [SMALL, LARGE, MIDDLE]


def test_the_largest_is_meant_where_nothing_is_said() -> None:
    assert LARGEST.pick(PEOPLE) is LARGE


@pytest.mark.parametrize(("index", "meant"), [(0, LARGE), (1, MIDDLE), (2, SMALL)])
def test_numbers_go_by_size(index: int, meant: Person) -> None:
    assert PersonChoice(index=index).pick(PEOPLE) is meant
    assert PersonChoice(index=index).pick(PEOPLE[::-1]) is meant


def test_a_number_nobody_has() -> None:
    with pytest.raises(NoPersonError, match=r"only 3 were found.*from 0 to 2"):
        PersonChoice(index=3).pick(PEOPLE)


def test_nobody_to_choose_from() -> None:
    with pytest.raises(NoPersonError):
        LARGEST.pick([])


@pytest.mark.parametrize(("point", "meant"), [((110, 130), SMALL), ((320, 250), LARGE), ((560, 160), MIDDLE)])
def test_a_place_on_or_near_somebody(point: tuple[float, float], meant: Person) -> None:
    assert PersonChoice(point=point).pick(PEOPLE) is meant


def test_a_place_in_two_boxes_goes_to_the_nearer_limbs() -> None:
    spread = Figure(0, 300, 100, 90, arms_degrees=80)
    wide = Person(Pose(spread.points()), crop_around(visible_box(spread.points())))
    beside = person(385, 200, 45)
    x, y = beside.pose.xy[8]
    assert PersonChoice(point=(float(x), float(y))).pick([wide, beside]) is beside


def test_a_place_far_from_everybody_names_where_people_are() -> None:
    with pytest.raises(NoPersonError, match=r"People were found at 320,\d+; 520,\d+; 100,\d+"):
        PersonChoice(point=(2000, 2000)).pick(PEOPLE)


def test_people_without_points_are_nobody() -> None:
    unseen = Person(Pose(np.zeros((18, 3), dtype=np.float32)), SMALL.crop)
    with pytest.raises(NoPersonError, match="no person at this place"):
        PersonChoice(point=(1, 1)).pick([unseen])


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("largest", PersonChoice()),
        (" Largest ", PersonChoice()),
        ("0", PersonChoice(index=0)),
        ("12", PersonChoice(index=12)),
        ("320,240", PersonChoice(point=(320, 240))),
        ("1.5 , 2", PersonChoice(point=(1.5, 2))),
    ],
)
def test_texts(text: str, choice: PersonChoice) -> None:
    assert PersonChoice.parse(text) == choice


@pytest.mark.parametrize("text", ["", "smallest", "-1", "1,2,3", "1,", "nan,2", "1e3,2", "99999", "-5,3"])
def test_texts_that_say_nothing(text: str) -> None:
    with pytest.raises(OptionError, match="person="):
        PersonChoice.parse(text)


def test_choices_that_make_no_sense() -> None:
    with pytest.raises(OptionError, match="not by both"):
        PersonChoice(index=1, point=(2, 3))
    with pytest.raises(OptionError, match="from 0"):
        PersonChoice(index=-1)


places = st.integers(0, 9999).map(float)


@given(
    st.one_of(
        st.just(PersonChoice()),
        st.integers(0, 9999).map(lambda index: PersonChoice(index=index)),
        st.tuples(places, places).map(lambda point: PersonChoice(point=point)),
    )
)
def test_text_and_back(choice: PersonChoice) -> None:
    assert PersonChoice.parse(str(choice)) == choice
