"""Fields of the page as options of a transfer."""

from __future__ import annotations

import pytest

from motionwarp.errors import OptionError
from motionwarp.pipeline.options import TransferOptions
from motionwarp.ui.form import TransferForm, engine_labels, hex_color


def test_an_untouched_page_means_the_defaults() -> None:
    assert TransferForm().options() == TransferOptions(source_person="largest", driving_person="largest")
    assert TransferForm().ending == ".mp4"


def test_every_field_arrives() -> None:
    form = TransferForm(
        background="color", color="rgba(18.0, 52, 255.4, 1)", engine="layered", placement="driving",
        source_person="1", driving_person="12,30", start="0:01", end="2.5", size="512", smooth=0, audio=False,
    )  # fmt: skip
    assert form.options() == TransferOptions(
        background="#1234ff", engine="layered", placement="driving", source_person="1", driving_person="12,30",
        start=1.0, end=2.5, size="512", smooth=0.0, audio=False,
    )  # fmt: skip


def test_a_transparent_result_needs_a_container_that_can_hold_it() -> None:
    form = TransferForm(background="transparent")
    assert (form.options().background, form.ending) == ("transparent", ".webm")
    assert TransferForm(background="transparent", file=".webp").ending == ".webp"
    assert TransferForm(file=".gif").ending == ".gif"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (TransferForm(background="file"), "no file"),
        (TransferForm(start="soon"), "not a time"),
        (TransferForm(start="3", end="2"), "after the start"),
        (TransferForm(background="color", color="rgb(1, 2"), "not a color"),
        (TransferForm(second_photo="bob.jpg", second_dancer="left"), "no dancer"),
        (TransferForm(second_photo="bob.jpg", third_photo="carol.jpg", third_dancer=" 1"), "cannot be two people"),
    ],
)
def test_what_makes_no_sense_is_refused(form: TransferForm, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        form.options()


def test_further_people_take_the_places_of_further_dancers() -> None:
    assert TransferForm().options().cast == ()
    form = TransferForm(
        background="file", background_file="beach.jpg", second_photo="bob.jpg", second_dancer=" 320, 240 ",
        fourth_photo="dave.jpg",
    )  # fmt: skip
    assert form.options().cast == ("320, 240=bob.jpg", "3=dave.jpg")
    assert form.files == ["beach.jpg", "bob.jpg", "dave.jpg"]


def test_colors_come_as_pickers_give_them() -> None:
    assert hex_color("#a0B0c0") == "#a0B0c0"
    assert hex_color("rgb(0, 255, 300)") == "#00ffff"


def test_every_engine_is_offered_once() -> None:
    names = [name for _, name in engine_labels()]
    assert names[0] == "auto"
    assert len(set(names)) == len(names) >= 4
