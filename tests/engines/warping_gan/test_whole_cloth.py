"""Cloth that hangs before an avatar's legs has no holes."""

import torch

from motionwarp.engines.warping_gan.cloth import with_whole_cloth
from motionwarp.engines.warping_gan.inputs import BodyInputs, no_body
from motionwarp.engines.warping_gan.networks import COMPOSITE, PartGeneratorOutput, shifted_alpha
from motionwarp.puppet import parts

HEIGHT, WIDTH = 32, 24
SKIRT = slice(8, 28), slice(4, 20)  # of the avatar
HOLE = slice(14, 22), slice(9, 15)


def recipe(*, with_body: bool = True) -> PartGeneratorOutput:
    """What takes a hole out of everything that is there."""
    plane = torch.zeros(1, 1, HEIGHT, WIDTH)
    shift = plane.clone()
    shift[0, 0][HOLE] = -20
    body = (plane.clone(), plane.clone()) if with_body else (None, None)
    return PartGeneratorOutput(torch.zeros(1, 17, HEIGHT, WIDTH), torch.zeros(1, 3, HEIGHT, WIDTH), shift, None, *body)


def skirt(part: int = parts.GARMENT) -> tuple[torch.Tensor, BodyInputs]:
    """Layers that have the skirt, and an avatar who wears it."""
    layers, body = torch.zeros(1, 16, 4, HEIGHT, WIDTH), no_body(1, HEIGHT, WIDTH)
    layers[0, COMPOSITE][:, SKIRT[0], SKIRT[1]] = 1
    body.planes[0][:, SKIRT[0], SKIRT[1]] = 1
    body.shares[0, part, 4:14, 2:10] = 1
    return layers, body


def alpha_of(made: PartGeneratorOutput, layers: torch.Tensor, body: BodyInputs) -> torch.Tensor:
    assert made.body_alpha is not None
    covered = torch.lerp(layers[:, COMPOSITE, 3:4], body.planes[:, 3:4], made.body_alpha.sigmoid())
    return shifted_alpha(covered, made.alpha_shift)[0, 0]


def test_a_hole_in_a_skirt_is_closed_and_its_outline_stays() -> None:
    layers, body = skirt()
    before, after = recipe(), with_whole_cloth(recipe(), layers, body)
    assert alpha_of(before, layers, body)[HOLE].max() < 0.01
    assert alpha_of(after, layers, body)[SKIRT].min() > 0.99
    outside = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    outside[HOLE] = False
    for one, other in zip(before, after, strict=True):
        assert (one is None and other is None) or torch.equal(one[..., outside], other[..., outside])
    assert after.body_logit is not None
    assert after.body_logit[0, 0][HOLE].min() > 0


def test_a_strip_along_the_outline_is_no_hole() -> None:
    layers, body = skirt()
    given = recipe()
    given.alpha_shift.zero_()
    given.alpha_shift[0, 0, 8:28, 16:20] = -20  # of the skirt's edge, four cells broad
    for before, after in zip(given, with_whole_cloth(given, layers, body), strict=True):
        assert (before is None and after is None) or torch.equal(before, after)


def test_what_lies_between_trousers_stays_open() -> None:
    layers, body = skirt(parts.RIGHT_THIGH)
    after = with_whole_cloth(recipe(), layers, body)
    torch.testing.assert_close(after.alpha_shift, recipe().alpha_shift)


def test_without_a_body_nothing_changes() -> None:
    layers, body = skirt()
    plain, given = recipe(with_body=False), recipe()
    assert with_whole_cloth(plain, layers, body) is plain
    assert with_whole_cloth(given, layers, None) is given
