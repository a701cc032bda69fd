from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from motionwarp.data.loader import resumable_batches
from motionwarp.data.pairs import PersonPair
from motionwarp.engines.warping_gan.data import (
    PartPackWriter,
    PartSample,
    PartSamples,
    as_tensors,
    batch_quarter_inputs,
    part_sample,
)
from motionwarp.engines.warping_gan.inputs import part_maps, pose_change
from motionwarp.errors import OptionError
from motionwarp.parsing.labels import IGNORE, LEFT_ARM, RIGHT_ARM
from motionwarp.parsing.labels import mirrored as mirrored_parsing
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.training.pack_samples import PackShare
from motionwarp.types import Pose, SourcePerson

TWIN = list(parts.TWIN)


@pytest.fixture(scope="module")
def pack(drawn_samples: list[PartSample], tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = PartPackWriter()
    for sample in drawn_samples:
        writer.add(sample)
    path = tmp_path_factory.mktemp("packs") / "drawn.pack"
    writer.write(path)
    return path


def mirrored_sample(sample: PartSample) -> PartSample:
    """What a sample's whole-size planes look like in a mirror, made plane by plane."""
    flipped = as_tensors(sample, mirror=True)
    part_table = np.arange(256, dtype=np.uint8)
    part_table[:15] = TWIN
    return replace(
        sample,
        layers=np.ascontiguousarray(sample.layers[[*TWIN, 15], :, ::-1]),
        classes=mirrored_parsing(sample.classes),
        rgb=np.ascontiguousarray(sample.rgb[:, ::-1]),
        matte=np.ascontiguousarray(sample.matte[:, ::-1]),
        parsing=mirrored_parsing(sample.parsing),
        in_front=part_table[sample.in_front[:, ::-1]],
        inside=np.ascontiguousarray(sample.inside[:, ::-1]),
        points=flipped["points"].numpy(),
        theta_affine=flipped["theta_affine"].numpy(),
    )


def mirrored_pair(pair: PersonPair) -> PersonPair:
    """The pair as a camera would have seen it in a mirror."""

    def points(pose: Pose, width: int) -> Pose:
        turned = pose.points[list(sk.MIRROR)].copy()
        turned[:, 0] = width - 1 - turned[:, 0]
        return Pose(turned)

    source = pair.source
    return PersonPair(
        SourcePerson(
            np.ascontiguousarray(source.rgb[:, ::-1]),
            np.ascontiguousarray(source.matte[:, ::-1]),
            points(source.pose, source.rgb.shape[1]),
            mirrored_parsing(source.parsing),
        ),
        np.ascontiguousarray(pair.rgb[:, ::-1]),
        np.ascontiguousarray(pair.matte[:, ::-1]),
        mirrored_parsing(pair.parsing),
        points(pair.pose, 192),
        np.ascontiguousarray(pair.inside[:, ::-1]),
        pair.name,
    )


def test_tensors_are_what_the_networks_want(drawn_samples: list[PartSample]) -> None:
    for sample in drawn_samples:
        tensors = as_tensors(sample, mirror=False)
        shapes = {name: tuple(value.shape) for name, value in tensors.items()}
        assert shapes == {
            "layers": (16, 4, 128, 96),
            "classes": (64, 48),
            "rgb": (3, 128, 96),
            "matte": (1, 128, 96),
            "inside": (1, 128, 96),
            "parsing": (64, 48),
            "in_front": (64, 48),
            "points": (18, 3),
            "theta_affine": (15, 2, 3),
            "body": (5, 128, 96),
            "body_part": (128, 96),
            "body_turn": (6,),
        }
        # means over 2 x 2 pixels, rounded
        for got, plane in (
            (tensors["rgb"], sample.rgb),
            (tensors["layers"][3], sample.layers[3]),
            (tensors["layers"][15], sample.layers[15]),
        ):
            means = plane.reshape(128, 2, 96, 2, -1).astype(np.float64).mean(axis=(1, 3))
            assert np.abs(got.permute(1, 2, 0).numpy() - means).max() <= 0.51
        assert set(tensors["inside"].unique().tolist()) <= {0, 128, 127, 255, 64, 191, 63, 192}
        np.testing.assert_array_equal(tensors["points"], sample.points)


def test_mirroring_twice_is_the_identity(drawn_samples: list[PartSample]) -> None:
    for sample in drawn_samples:
        straight, twice = as_tensors(sample, mirror=False), as_tensors(mirrored_sample(sample), mirror=True)
        for name in ("layers", "rgb", "matte", "inside", "in_front", "points", "theta_affine"):
            np.testing.assert_allclose(straight[name], twice[name], atol=1e-4, err_msg=name)  # type: ignore[literal-required]
        # a cell's class is that of one pixel beside its middle: of the other one in a mirror
        for name in ("classes", "parsing"):
            assert (straight[name] == twice[name]).float().mean() > 0.97  # type: ignore[literal-required]


def test_mirrored_parts_follow_mirrored_points(drawn_samples: list[PartSample]) -> None:
    """Whatever is drawn from mirrored points is the mirror of what was drawn from the points, sides swapped."""
    straight, mirrored = (
        torch.stack([as_tensors(sample, mirror=mirror)["points"] for sample in drawn_samples])
        for mirror in (False, True)
    )
    for height, width, stride in ((64, 48, 4), (128, 96, 2)):
        maps, others = (part_maps(points, height, width, stride) for points in (straight, mirrored))
        assert maps.amax(dim=(2, 3)).gt(0.5).sum() > 20
        torch.testing.assert_close(others, maps[:, TWIN].flip(-1), atol=1e-4, rtol=0)


def test_a_mirrored_sample_is_the_sample_of_the_mirrored_pair(drawn_pairs: list[PersonPair]) -> None:
    """Cutting, warping and fitting a mirrored person gives what mirroring the result gives."""
    pair = drawn_pairs[0]
    sample, other = part_sample(pair), part_sample(mirrored_pair(pair))
    assert sample is not None
    assert other is not None
    mirrored, made = as_tensors(sample, mirror=True), as_tensors(other, mirror=False)
    torch.testing.assert_close(mirrored["points"], made["points"], atol=1e-3, rtol=0)
    torch.testing.assert_close(mirrored["theta_affine"][..., :2], made["theta_affine"][..., :2], atol=2e-3, rtol=0)
    change, wanted = (pose_change(tensors["theta_affine"][None]) for tensors in (mirrored, made))
    torch.testing.assert_close(change, wanted, atol=5e-3, rtol=0)
    difference = (mirrored["layers"].float() - made["layers"].float()).abs()
    # cloth and with it the composite differ a little more: labels are reduced by taking the nearest, which has no
    # mirror
    bounds = torch.full((16,), 0.3)
    bounds[[parts.GARMENT, 15]] = 1.3
    assert (difference.mean(dim=(1, 2, 3)) < bounds).all(), "a layer lies elsewhere"
    apart = (mirrored["layers"].float() - made["layers"].float()[[*TWIN, 15]]).abs()
    assert (apart.mean(dim=(1, 2, 3)) > bounds).sum() >= 4, "this person's sides look the same, so nothing was tested"
    for name in ("rgb", "matte", "inside"):
        torch.testing.assert_close(mirrored[name], made[name], atol=1, rtol=0)  # type: ignore[literal-required]
    for name, share in (("classes", 0.95), ("parsing", 0.95), ("in_front", 0.95)):
        assert (mirrored[name] == made[name]).float().mean() > share, name  # type: ignore[literal-required]


def test_mirrored_pose_change_turns_the_other_way(drawn_samples: list[PartSample]) -> None:
    for sample in drawn_samples:
        one, other = (
            pose_change(as_tensors(sample, mirror=mirror)["theta_affine"][None])[0] for mirror in (False, True)
        )
        matrices, turned = one.view(15, 2, 2), other.view(15, 2, 2)
        signs = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
        torch.testing.assert_close(turned, matrices[TWIN] * signs, atol=1e-5, rtol=0)
        assert matrices.abs().max() > 0.05


def test_sides_of_classes_are_swapped() -> None:
    plane = np.zeros((256, 192), dtype=np.uint8)
    plane[:, :96], plane[:, 100:] = LEFT_ARM, IGNORE
    in_front = np.full((64, 48), 255, dtype=np.uint8)
    in_front[:, :24] = parts.RIGHT_HAND
    sample = PartSample(
        np.zeros((16, 256, 192, 4), np.uint8),
        plane,
        np.zeros((256, 192, 3), np.uint8),
        plane,
        plane,
        in_front,
        np.ones((256, 192), np.uint8),
        np.zeros((18, 3), np.float32),
        np.zeros((15, 2, 3), np.float32),
        "sides",
    )
    mirrored = as_tensors(sample, mirror=True)
    assert (mirrored["parsing"][:, 24:] == RIGHT_ARM).all()
    assert (mirrored["parsing"][:, :22] == IGNORE).all()
    assert (mirrored["in_front"][:, 24:] == parts.LEFT_HAND).all()
    assert (mirrored["in_front"][:, :24] == 255).all()
    assert (mirrored["inside"] == 255).all()


def test_batches_go_on_by_number(pack: Path) -> None:
    samples = PartSamples([PackShare(pack, 1.0)], seed=5)
    whole = list(resumable_batches(samples, samples.seed, 2, 0, 4, 0))
    rest = list(resumable_batches(PartSamples([PackShare(pack, 1.0)], seed=5), 5, 2, 2, 4, 0))
    assert (len(whole), len(rest)) == (4, 2)
    assert whole[0]["layers"].shape == (2, 16, 4, 128, 96)
    for one, other in zip(whole[2:], rest, strict=True):
        for name, value in one.items():
            assert torch.equal(value, other[name]), name  # type: ignore[literal-required, arg-type]
    # half of them are mirrored, so more pictures come than there are samples
    pictures = {
        plane.numpy().tobytes()
        for batch in resumable_batches(samples, samples.seed, 4, 0, 8, 0)
        for plane in batch["rgb"]
    }
    assert len(pictures) == 6
    other_seed = next(resumable_batches(PartSamples([PackShare(pack, 1.0)], seed=6), 6, 4, 0, 1, 0))
    first = next(resumable_batches(samples, samples.seed, 4, 0, 1, 0))
    assert not torch.equal(other_seed["points"], first["points"])


def test_workers_give_the_same_batches(pack: Path) -> None:
    samples = PartSamples([PackShare(pack, 1.0)], seed=5)
    alone, helped = (list(resumable_batches(samples, samples.seed, 2, 0, 2, workers)) for workers in (0, 1))
    for one, other in zip(alone, helped, strict=True):
        assert torch.equal(one["layers"], other["layers"])
    assert cv2.getNumThreads() >= 1


def test_shares_decide_how_often_a_pack_is_drawn_from(
    pack: Path, drawn_samples: list[PartSample], tmp_path: Path
) -> None:
    writer = PartPackWriter()
    writer.add(replace(drawn_samples[0], rgb=np.full((256, 192, 3), 9, dtype=np.uint8)))
    writer.write(tmp_path / "nine.pack")
    samples = PartSamples([PackShare(pack, 1.0), PackShare(tmp_path / "nine.pack", 3.0)], seed=0)
    nines = [bool((samples[index]["rgb"] == 9).all()) for index in range(120)]
    assert 0.6 < np.mean(nines) < 0.88
    only = PartSamples([PackShare(pack, 0.0), PackShare(tmp_path / "nine.pack", 1.0)], seed=0)
    assert all((only[index]["rgb"] == 9).all() for index in range(10))


def test_packs_without_weight_are_refused(pack: Path) -> None:
    for shares in ([], [PackShare(pack, 0.0)]):
        with pytest.raises(OptionError, match="at least one pack"):
            PartSamples(shares, seed=0)


def test_quarter_inputs_of_a_batch(pack: Path) -> None:
    batch = next(resumable_batches(PartSamples([PackShare(pack, 1.0)], seed=1), 1, 2, 0, 1, 0))
    seen = batch_quarter_inputs(batch, torch.device("cpu"))
    assert seen.layers.shape == (2, 64, 64, 48)
    means = batch["layers"].double().reshape(2, 64, 64, 2, 48, 2).mean(dim=(3, 5)) / 255
    torch.testing.assert_close(seen.layers, means.float(), atol=1e-5, rtol=0)
    assert torch.equal(seen.classes.argmax(1), batch["classes"].long())
    assert torch.equal(seen.classes.sum(1), torch.ones(2, 64, 48))
    torch.testing.assert_close(seen.limbs, part_maps(batch["points"], 64, 48, 4))
