"""The driving clip's light on the photo's person: within limits, and none at all where there is no difference."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from small_scene import draw, standing

from motionwarp.parsing import labels
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.relighting import driving_light, light_change, person_light, relit_person
from motionwarp.types import ByteArray, Person, PersonCrop, Pose, SourcePerson


def person(gain: float = 1.0, tint: tuple[float, float, float] = (1, 1, 1)) -> SourcePerson:
    rgb, parsing = draw(standing(), (90, 160))
    noise = np.random.default_rng(0).normal(0, 8, rgb.shape[:2])[..., None]
    lit = np.clip((rgb.astype(float) + noise) * gain * np.array(tint), 0, 255).astype(np.uint8)
    return SourcePerson(lit, (parsing > 0).astype(np.float32), Pose(standing()), parsing)


def skin_of(rgb: ByteArray, parsing: ByteArray) -> np.ndarray:
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(float)
    return np.median(lab[np.isin(parsing, (labels.FACE, labels.LEFT_ARM, labels.RIGHT_ARM))], axis=0)


def test_one_light_changes_nothing() -> None:
    own = person()
    light = person_light(own.rgb, own.parsing)
    assert set(light.means) >= {"skin", "clothes"}
    assert not light_change(light, light).is_seen
    assert relit_person(own, light) is own


@pytest.mark.parametrize("gain", [0.55, 0.8, 1.15])
def test_the_person_goes_part_of_the_way_to_the_other_light(gain: float) -> None:
    own, other = person(), person(gain)
    relit = relit_person(own, person_light(other.rgb, other.parsing))
    before, after, wanted = (skin_of(each.rgb, own.parsing)[0] for each in (own, relit, other))
    assert 0.3 < (after - before) / (wanted - before) < 0.7 or abs(after - before) == pytest.approx(22, abs=3)
    assert abs(after - before) <= 25
    np.testing.assert_array_equal(relit.parsing, own.parsing)
    np.testing.assert_array_equal(relit.matte, own.matte)


def test_tints_are_limited() -> None:
    own, other = person(), person(tint=(1.0, 0.7, 0.4))
    change = light_change(person_light(own.rgb, own.parsing), person_light(other.rgb, other.parsing))
    assert max(map(abs, change.shift[1:])) == pytest.approx(5, abs=1e-6)
    assert all(1 / 1.15 - 1e-9 <= factor <= 1.15 + 1e-9 for factor in change.contrasts.values())


def test_other_clothes_are_no_other_light() -> None:
    own = person()
    changed = own.rgb.copy()
    changed[own.parsing == labels.UPPER_CLOTHES] = (250, 250, 250)
    change = light_change(person_light(own.rgb, own.parsing), person_light(changed, own.parsing))
    assert change.shift == (0.0, 0.0, 0.0)


def test_a_clips_light_is_the_middle_of_its_frames() -> None:
    lit = [person(gain) for gain in (0.7, 0.72, 1.2)]
    # the parsing of a crop that is the picture itself
    crop = PersonCrop(0.0, 0.0, 1.0, 90, 160)
    frames = [(each.rgb, Person(each.pose, crop, each.parsing)) for each in lit]
    light = driving_light(frames)
    assert light is not None
    assert light.means["skin"][0] == pytest.approx(person_light(lit[1].rgb, lit[1].parsing).means["skin"][0], abs=3)
    assert driving_light([(lit[0].rgb, Person(lit[0].pose, crop))]) is None
    assert driving_light([]) is None


def test_by_default_people_stand_in_the_place_that_is_shown() -> None:
    assert TransferOptions().placement_choice == "source"
    assert TransferOptions(background="driving").placement_choice == "driving"
    assert TransferOptions(background="driving", placement="source").placement_choice == "source"


def test_where_people_stand_follows_a_background_that_is_given_later() -> None:
    assert replace(TransferOptions(), background="driving").placement_choice == "driving"
    assert replace(TransferOptions(background="driving"), background="#808080").placement_choice == "source"
