"""Clothes that are changed between drawn people, whose colors and outlines are known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motionwarp.avatar.assembly import make_avatar
from motionwarp.avatar.clothing import PosedBody, mirrored_limbs, unposed, worn_by
from motionwarp.data.synthetic import BodyPose, Camera, body_points, frame_body, place, render, sample_person
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.engines.avatar.swapping import AvatarSwapper, hidden_sleeves
from motionwarp.engines.registry import make_swapper, swapper_choices
from motionwarp.engines.swapping import DressedPicture
from motionwarp.errors import NoPersonError, OptionError
from motionwarp.parsing import labels
from motionwarp.parsing.garments import GARMENT_CLASSES, GarmentChoice, divided_at_waist
from motionwarp.puppet import parts
from motionwarp.types import FloatArray, SourcePerson

_ARMS, _LEGS = (14.0, 2.0, 8.0, 12.0), (6.0, 0.0, -8.0, 4.0)
STANDING = BodyPose(right_arm=_ARMS, left_arm=_ARMS, right_leg=_LEGS, left_leg=_LEGS)
WAVING = BodyPose(right_arm=(60.0, 2.0, 20.0, 12.0), left_arm=_ARMS, right_leg=_LEGS, left_leg=_LEGS)


def drawn(seed: int, pose: BodyPose = STANDING) -> SourcePerson:
    """Somebody upright, their upper garment repainted red and their lower one green."""
    person = sample_person(np.random.default_rng(seed))
    camera = frame_body(
        body_points(place(person.proportions, pose)), Camera(4.2, 0.1, 0.0, 1.0, 0.0, 0.0), 320, 240,
        share=0.86, middle_x=0.5, middle_y=0.52,
    )  # fmt: skip
    backdrop = np.random.default_rng(7).integers(90, 150, (320, 240, 3)).astype(np.uint8)
    view = render(person, pose, camera, backdrop, 320, 240)
    return SourcePerson(view.rgb, view.matte, view.pose, view.parsing)


def painted(person: SourcePerson, upper: tuple[int, int, int], lower: tuple[int, int, int]) -> SourcePerson:
    parsing = divided_at_waist(person.parsing, person.pose.points)
    rgb = person.rgb.copy()
    for choice, color in (("upper", upper), ("lower", lower)):
        rgb[np.isin(parsing, GARMENT_CLASSES[choice])] = color  # type: ignore[index]
    return replace(person, rgb=rgb)


RED, GREEN = (200, 30, 30), (30, 160, 60)


@pytest.fixture(scope="module")
def person() -> SourcePerson:
    return drawn(3)


@pytest.fixture(scope="module")
def clothes() -> SourcePerson:
    return painted(drawn(8), RED, GREEN)


@pytest.fixture(scope="module")
def dressed(person: SourcePerson, clothes: SourcePerson) -> dict[GarmentChoice, DressedPicture]:
    choices: tuple[GarmentChoice, ...] = ("upper", "lower", "all")
    return {choice: AvatarSwapper().dress(person, clothes, choice) for choice in choices}


def worn(person: SourcePerson, choice: GarmentChoice) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.isin(divided_at_waist(person.parsing, person.pose.points), GARMENT_CLASSES[choice])


@pytest.mark.parametrize("choice", ["upper", "lower", "all"])
def test_outside_of_both_clothes_the_photo_stays(
    choice: GarmentChoice, person: SourcePerson, dressed: dict[GarmentChoice, DressedPicture]
) -> None:
    made = dressed[choice]
    away = made.changed == 0
    assert (made.rgb[away] == person.rgb[away]).all()
    assert 0.3 < away.mean() < 0.98
    head = np.isin(person.parsing, (labels.HAIR, labels.HAT)) & (person.matte > 0.9)
    error = np.square(made.rgb[head].astype(float) - person.rgb[head]).mean()
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 40


def test_colors_of_the_clothes_are_kept(person: SourcePerson, dressed: dict[GarmentChoice, DressedPicture]) -> None:
    made = dressed["all"].rgb.astype(float)
    covered = dressed["all"].garment > 0.95
    upper, lower = worn(person, "upper") & covered, worn(person, "lower") & covered
    assert upper.sum() > 500
    assert lower.sum() > 500
    assert np.abs(np.median(made[upper], axis=0) - RED).max() < 12
    assert np.abs(np.median(made[lower], axis=0) - GREEN).max() < 12


def test_old_clothes_are_gone(person: SourcePerson, dressed: dict[GarmentChoice, DressedPicture]) -> None:
    old = worn(person, "all") & (person.matte > 0.9)
    assert (dressed["all"].changed[old] > 0.5).mean() > 0.97


def test_only_what_is_asked_for_is_changed(person: SourcePerson, dressed: dict[GarmentChoice, DressedPicture]) -> None:
    for choice, other in (("upper", "lower"), ("lower", "upper")):
        kept = worn(person, other) & (person.matte > 0.95)  # type: ignore[arg-type]
        same = (dressed[choice].rgb == person.rgb).all(axis=2)[kept].mean()  # type: ignore[index]
        assert same > 0.6, (choice, same)
        assert (dressed["all"].rgb == person.rgb).all(axis=2)[kept].mean() < 0.3


def test_one_s_own_clothes_are_nearly_the_photo(person: SourcePerson) -> None:
    made = AvatarSwapper().dress(person, person, "all")
    inside = worn(person, "all") & (made.garment > 0.95)
    assert inside.sum() > 0.6 * worn(person, "all").sum()
    assert np.abs(made.rgb[inside].astype(float) - person.rgb[inside]).mean() < 25


def test_arms_may_be_elsewhere(clothes: SourcePerson) -> None:
    waving = drawn(3, WAVING)
    made = AvatarSwapper().dress(waving, clothes, "upper")
    assert (made.garment > 0.9).sum() > 500
    hands = np.isin(waving.parsing, (labels.RIGHT_ARM,)) & (waving.matte > 0.9)
    x, y = waving.pose.points[4, :2].astype(int)
    assert hands.any()
    assert (made.rgb[y - 2 : y + 3, x - 2 : x + 3] == waving.rgb[y - 2 : y + 3, x - 2 : x + 3]).all()


def test_who_is_hardly_seen_is_refused(person: SourcePerson) -> None:
    points = person.pose.points.copy()
    points[:, 2] = 0
    unseen = replace(person, pose=type(person.pose)(points))
    with pytest.raises(NoPersonError, match="neither both shoulders"):
        AvatarSwapper().dress(unseen, person, "all")
    with pytest.raises(NoPersonError, match="neither both shoulders"):
        AvatarSwapper().dress(person, unseen, "all")


def test_the_same_body_moves_nothing_and_a_larger_one_moves_clothes_out(person: SourcePerson) -> None:
    body = SourceBody.of_photo(person.pose.points)
    avatar = make_avatar(person, body.surface, body.rest)
    own = body.wearing(body.shape)
    same = worn_by(avatar, own, own, body.surface.parts).sheets.positions
    limbs = np.isin(part_of_vertices(avatar.sheets.layers, avatar.sheets.faces, len(same)), LIMB_PARTS)
    assert np.abs(same - avatar.sheets.positions)[~limbs].max() < 1e-5
    assert np.abs(same - avatar.sheets.positions)[limbs].max() < 0.081
    larger = PosedBody(own.vertices * 1.2, own.joints * 1.2)
    grown = worn_by(avatar, own, larger, body.surface.parts).sheets.positions[~limbs]
    ratio = np.ptp(grown[:, 1]) / np.ptp(avatar.sheets.positions[~limbs][:, 1])
    assert 1.1 < ratio < 1.3


LIMB_PARTS = [part for limb in parts.LIMBS for part in limb.parts[:2]]


def part_of_vertices(layers: np.ndarray, faces: np.ndarray, count: int) -> np.ndarray:
    part = np.zeros(count, dtype=int)
    part[faces.ravel()] = np.repeat(layers // 2, 3)
    return part


def test_the_pose_that_all_share_and_back_is_the_photo(person: SourcePerson) -> None:
    body = SourceBody.of_photo(person.pose.points)
    avatar = make_avatar(person, body.surface, body.rest)
    at_ease = unposed(avatar, body.at_ease(body.shape))
    assert np.allclose(at_ease.rotations, np.eye(3))
    back = at_ease.transforms(avatar.rotations, avatar.joints)
    size = (320, 240)
    camera = np.array([avatar.scale, *avatar.shift], dtype=np.float32)
    there = avatar.render(avatar.transforms(avatar.rotations, avatar.joints), camera, size)[0]
    again = at_ease.render(back, camera, size)[0]
    covered = (there[..., 3] > 250) & (again[..., 3] > 250)
    assert covered.sum() > 0.9 * (there[..., 3] > 250).sum()
    assert np.abs(there - again)[covered].mean() < 6


def test_a_mirrored_sleeve_lies_on_the_other_side(person: SourcePerson) -> None:
    body = SourceBody.of_photo(person.pose.points)
    at_ease = unposed(make_avatar(person, body.surface, body.rest), body.at_ease(body.shape))
    mirrored = mirrored_limbs(at_ease, [parts.RIGHT_ARM])

    def middle(sheets: object, part: int) -> FloatArray:
        chosen = sheets.faces[sheets.layers // 2 == part]  # type: ignore[attr-defined]
        found: FloatArray = sheets.positions[np.unique(chosen)].mean(axis=0)  # type: ignore[attr-defined]
        return found

    right = middle(mirrored.sheets, parts.RIGHT_FOREARM)
    left = middle(at_ease.sheets, parts.LEFT_FOREARM)
    assert right == pytest.approx(left * np.array([-1, 1, 1]), abs=1e-4)
    before = middle(at_ease.sheets, parts.RIGHT_FOREARM)
    assert np.linalg.norm(right - before) < 0.15
    assert middle(mirrored.sheets, parts.LEFT_FOREARM) == pytest.approx(left, abs=1e-6)


def test_a_sleeve_that_is_not_seen_is_taken_from_the_other_arm(clothes: SourcePerson) -> None:
    assert hidden_sleeves(clothes) == []
    parsing = clothes.parsing.copy()
    right = clothes.pose.points[[2, 3, 4], 0].max() + 3
    assert right < 120
    parsing[:, : int(right)][np.isin(parsing[:, : int(right)], GARMENT_CLASSES["upper"])] = labels.RIGHT_ARM
    assert hidden_sleeves(replace(clothes, parsing=parsing)) == [parts.RIGHT_ARM]


def test_engines_that_change_clothes_are_found_by_name() -> None:
    assert "avatar" in swapper_choices()
    assert isinstance(make_swapper("avatar"), AvatarSwapper)
    with pytest.raises(OptionError, match="changes no clothes"):
        make_swapper("layered")
    with pytest.raises(OptionError, match="no such engine"):
        make_swapper("nobody")


def test_a_dressed_picture_checks_itself() -> None:
    rgb, mask = np.zeros((4, 5, 3), dtype=np.uint8), np.zeros((4, 5), dtype=np.float32)
    DressedPicture(rgb, mask, mask)
    with pytest.raises(ValueError, match="masks of a"):
        DressedPicture(rgb, mask[:3], mask)
    with pytest.raises(ValueError, match="uint8"):
        DressedPicture(rgb.astype(np.float32), mask, mask)  # type: ignore[arg-type]
