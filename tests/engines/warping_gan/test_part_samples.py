from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from motionwarp.data.pairs import PersonPair
from motionwarp.data.synthetic import BodyPose, Camera, body_points, frame_body, place, render, sample_person
from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.engines.warping_gan.data import (
    NO_PART,
    PartPackReader,
    PartPackWriter,
    PartSample,
    part_sample,
    parts_in_front,
)
from motionwarp.errors import InputError, OutputError
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.types import Pose, SourcePerson


def posed_pair(pose: BodyPose, seed: int = 3) -> PersonPair:
    """A drawn person who is seen whole in a window of his own."""
    person = sample_person(np.random.default_rng(seed))
    points = body_points(place(person.proportions, pose))
    camera = frame_body(points, Camera(4.0, 0.1, 0.0, 1.0, 0.0, 0.0), 256, 192, share=0.9, middle_x=0.5, middle_y=0.5)
    view = render(person, pose, camera, np.full((256, 192, 3), 200, dtype=np.uint8), 256, 192)
    source = SourcePerson(view.rgb, view.matte, view.pose, view.parsing)
    return PersonPair(
        source, view.rgb, view.matte, view.parsing, view.pose, np.ones((256, 192), dtype=np.bool_), "posed"
    )


def damaged(path: Path, sample: int) -> None:
    """Overwrite some of a sample's stream."""
    tensors = load_file(path)
    with safe_open(path, framework="np") as opened:
        metadata = opened.metadata()
    start = int(tensors["samples_ends"][sample - 1]) if sample else 0
    stream = tensors["samples_bytes"].copy()
    stream[start + 1000 : start + 1400] ^= 0x5A
    save_file({**tensors, "samples_bytes": stream}, path, metadata)


def test_samples_have_the_shapes_they_say(drawn_samples: list[PartSample]) -> None:
    for sample in drawn_samples:
        assert (sample.layers.shape, sample.layers.dtype) == ((16, 256, 192, 4), np.uint8)
        assert sample.classes.shape == sample.matte.shape == sample.parsing.shape == sample.inside.shape == (256, 192)
        assert (sample.in_front.shape, sample.rgb.shape) == ((64, 48), (256, 192, 3))
        assert (sample.points.shape, sample.theta_affine.shape) == ((18, 3), (15, 2, 3))
        # colors are multiplied by alpha, so they never exceed it by more than rounding
        assert (sample.layers[..., :3].astype(int) <= sample.layers[..., 3:].astype(int) + 1).all()
        assert set(np.unique(sample.inside)) <= {0, 1}
        assert set(np.unique(sample.in_front)) <= {*range(NO_PART + 1), labels.IGNORE}
        assert (sample.classes[sample.layers[-1, ..., 3] == 0] == 0).all()


def test_the_last_layer_is_what_the_layered_engine_draws(
    drawn_pairs: list[PersonPair], drawn_samples: list[PartSample]
) -> None:
    for pair, sample in zip(drawn_pairs, drawn_samples, strict=True):
        engine = LayeredEngine()
        engine.prepare(pair.source, RenderSettings(torch.device("cpu"), torch.float32, 192, 256))
        poses = pair.pose.points[None]
        layer = engine.render(Motion(poses), engine.plan(Motion(poses)))[0]
        frame = np.zeros((256, 192, 4), dtype=int)
        height, width = layer.rgba.shape[:2]
        frame[layer.top : layer.top + height, layer.left : layer.left + width] = layer.rgba
        assert np.abs(frame - sample.layers[-1]).max() <= 1


def test_its_own_pose_makes_every_part_cover_its_place() -> None:
    pair = posed_pair(BodyPose(right_arm=(50, 0, 0, 10), left_arm=(50, 0, 0, 10)))
    sample = part_sample(pair)
    assert sample is not None
    np.testing.assert_allclose(sample.theta_affine[:, :, :2], np.broadcast_to(np.eye(2), (15, 2, 2)), atol=0.02)
    inside = pair.matte > 0.99
    assert np.abs(sample.layers[-1][inside].astype(int)[:, :3] - pair.rgb[inside]).mean() < 4
    np.testing.assert_array_equal(sample.rgb, pair.rgb)
    # carried classes are the source's own
    assert (sample.classes == pair.parsing)[inside].mean() > 0.9


def test_a_person_without_an_upper_body_or_out_of_the_window_makes_no_sample(drawn_pairs: list[PersonPair]) -> None:
    pair = drawn_pairs[0]
    blind = replace(pair.source, pose=Pose(np.zeros((18, 3), dtype=np.float32)))
    assert part_sample(replace(pair, source=blind)) is None
    away = pair.pose.points.copy()
    away[:, 0] += 5000
    assert part_sample(replace(pair, pose=Pose(away))) is None


@pytest.mark.parametrize("seed", [3, 8, 12])
def test_the_part_in_front_at_the_middle_of_a_bone_is_the_bones(seed: int) -> None:
    pair = posed_pair(
        BodyPose(right_arm=(70, 0, 0, 10), left_arm=(70, 0, 0, 10), right_leg=(12, 0, 0, 2), left_leg=(12, 0, 0, 2)),
        seed,
    )
    in_front = parts_in_front(pair)
    for limb in parts.LIMBS[:2]:
        for part, (start, end) in zip(limb.parts[:2], zip(limb.points[:2], limb.points[1:], strict=True), strict=True):
            column, row = np.rint((pair.pose.xy[start] + pair.pose.xy[end]) / 2).astype(int) // 4
            assert in_front[row, column] == part, parts.PART_NAMES[part]
    column, row = np.rint(pair.pose.xy[sk.NOSE]).astype(int) // 4
    assert in_front[row, column] == parts.HEAD
    column, row = (
        np.rint(0.5 * (pair.pose.xy[sk.NECK] + pair.pose.xy[[sk.RIGHT_HIP, sk.LEFT_HIP]].mean(axis=0))).astype(int) // 4
    )
    assert in_front[row, column] == parts.TORSO
    for limb in parts.LIMBS[2:]:
        column, row = np.rint((pair.pose.xy[limb.points[1]] + pair.pose.xy[limb.points[2]]) / 2).astype(int) // 4
        assert in_front[row, column] in (limb.parts[1], parts.GARMENT)


def test_parts_with_classes_of_their_own_are_told_by_them(drawn_pairs: list[PersonPair]) -> None:
    """Heads, bare arms and bare legs of drawn people, whose classes are exact."""
    arms = {labels.RIGHT_ARM: parts.RIGHT_ARM.parts, labels.LEFT_ARM: parts.LEFT_ARM.parts}
    legs = {labels.RIGHT_LEG: parts.RIGHT_LEG.parts, labels.LEFT_LEG: parts.LEFT_LEG.parts}
    tested = 0
    for pair in drawn_pairs:
        in_front = parts_in_front(pair)
        classes = pair.parsing[2::4, 2::4]
        solid = pair.matte.reshape(64, 4, 48, 4).mean(axis=(1, 3)) > 0.9
        told = solid & (in_front != labels.IGNORE)
        for label, own, share in (
            (labels.FACE, (parts.HEAD,), 0.9),
            *((label, own, 0.6) for label, own in arms.items()),
            *((label, (*own, parts.GARMENT), 0.85) for label, own in legs.items()),
        ):
            cells = told & (classes == label)
            if cells.sum() >= 10:
                assert np.isin(in_front[cells], own).mean() >= share, labels.NAMES[label]
                tested += 1
    assert tested >= 6


def test_nothing_is_in_front_beside_the_person_and_unknown_pixels_stay_unknown(drawn_pairs: list[PersonPair]) -> None:
    for pair in drawn_pairs:
        coverage = pair.matte.reshape(64, 4, 48, 4).mean(axis=(1, 3))
        np.testing.assert_array_equal(parts_in_front(pair) == NO_PART, coverage <= 0.5)
        unknown = replace(pair, parsing=np.full_like(pair.parsing, labels.IGNORE))
        assert (parts_in_front(unknown)[coverage > 0.5] == labels.IGNORE).all()
        nobody = replace(pair, pose=Pose(np.zeros((18, 3), dtype=np.float32)))
        assert (parts_in_front(nobody)[coverage > 0.5] == labels.IGNORE).all()


def test_what_is_packed_is_read_back_to_the_byte(drawn_samples: list[PartSample], tmp_path: Path) -> None:
    writer = PartPackWriter()
    # one with an empty layer everywhere but for a corner pixel, the smallest box there is
    lone = np.zeros_like(drawn_samples[0].layers)
    lone[4, 255, 191] = (1, 2, 3, 4)
    samples = [*drawn_samples, replace(drawn_samples[0], layers=lone, name="lone")]
    for sample in samples:
        writer.add(sample)
    assert len(writer) == 4
    size = writer.write(tmp_path / "deeper" / "parts.pack")
    assert size == (tmp_path / "deeper" / "parts.pack").stat().st_size
    reader = PartPackReader(tmp_path / "deeper" / "parts.pack")
    assert len(reader) == 4
    for index in (2, 0, 3, 1):
        got, wanted = reader[index], samples[index]
        for field in fields(PartSample):
            one, other = getattr(got, field.name), getattr(wanted, field.name)
            np.testing.assert_array_equal(one, other, err_msg=field.name)
            if isinstance(other, np.ndarray):
                assert one.dtype == other.dtype, field.name
    assert not list(tmp_path.rglob("*.part"))


def test_damaged_foreign_and_empty_packs_are_named(drawn_samples: list[PartSample], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nothing to pack"):
        PartPackWriter().write(tmp_path / "empty.pack")
    writer = PartPackWriter()
    for sample in drawn_samples:
        writer.add(sample)
    path = tmp_path / "some.pack"
    writer.write(path)
    whole = path.read_bytes()
    damaged(path, 1)
    reader = PartPackReader(path)
    assert reader[0].name == drawn_samples[0].name
    with pytest.raises(InputError, match=r"some\.pack.*sample 1 .*damaged"):
        reader[1]
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"some\.pack.*no pack"):
        PartPackReader(path)
    (tmp_path / "text.pack").write_text("not a pack at all")
    for name in ("text.pack", "absent.pack"):
        with pytest.raises(InputError, match=name):
            PartPackReader(tmp_path / name)
    save_file({"points": np.zeros(3, dtype=np.float32)}, tmp_path / "other.pack", {"format": "motionwarp-pack-1"})
    with pytest.raises(InputError, match=r"other\.pack.*motionwarp-pack-1"):
        PartPackReader(tmp_path / "other.pack")
