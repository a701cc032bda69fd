from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.engines.warping_gan.networks import (
    BLEND_COUNT,
    COMPOSITE,
    LARGEST_LOGIT,
    LAYER_CHANNELS,
    PAINTED,
    PART_COUNT,
    POSE_CHANGE_LENGTH,
    STAGE_ONE_CHANNELS,
    PartGenerator,
    PartGeneratorConfig,
    PartGeneratorOutput,
    PartParser,
    PartParserConfig,
    apply_blend,
    blend_variance,
    shifted_alpha,
)
from motionwarp.nn.blocks import parameter_count
from motionwarp.nn.fuse import fuse_batch_norm

PARSER = PartParserConfig(channels=(8, 12, 16), blocks=(1, 1, 1))
GENERATOR = PartGeneratorConfig(channels=(8, 12, 16, 16), blocks=(1, 1, 1), warped_channels=8)


def parser_inputs(batch: int = 2, height: int = 32, width: int = 24) -> tuple[Tensor, Tensor, Tensor]:
    classes = functional.one_hot(torch.randint(20, (batch, height, width)), 20).permute(0, 3, 1, 2).float()
    return torch.rand(batch, LAYER_CHANNELS, height, width), classes, torch.rand(batch, PART_COUNT, height, width)


def generator_inputs(batch: int = 2, height: int = 32, width: int = 24) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    stage_one = torch.rand(batch, STAGE_ONE_CHANNELS, height // 2, width // 2)
    layers, limbs = torch.rand(batch, LAYER_CHANNELS, height, width), torch.rand(batch, PART_COUNT, height, width)
    return layers, limbs, stage_one, torch.randn(batch, POSE_CHANGE_LENGTH)


def awake(network: nn.Module) -> nn.Module:
    """Give random values to what starts at zero, nearly zero or one, so that nothing is the identity any more."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in [*network.named_parameters(), *network.named_buffers()]:
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            elif value.is_floating_point() and (not value.any() or bool((value == 1).all())):
                value.add_(0.3 * torch.randn(value.shape, generator=generator))
            elif value.is_floating_point() and value.abs().max() < 0.01:
                value.mul_(100)
    return network


def all_sums(output: tuple[Tensor | None, ...]) -> Tensor:
    """A number that depends on every value of every output, each with a weight of its own."""
    torch.manual_seed(2)
    return torch.stack(
        [(plane.float() * torch.randn_like(plane.float())).sum() for plane in output if plane is not None]
    ).sum()


@pytest.mark.parametrize(
    ("make", "inputs"),
    [
        (lambda: PartParser(PARSER), parser_inputs),
        (lambda: PartGenerator(GENERATOR), generator_inputs),
    ],
)
def test_gradients_reach_every_parameter_and_input(
    make: Callable[[], nn.Module], inputs: Callable[[], tuple[Tensor, ...]]
) -> None:
    torch.manual_seed(0)
    network = awake(make()).train()
    planes = [plane.requires_grad_() for plane in inputs()]
    output = network(*planes)
    # the gate is there to be looked at, so it alone would not show that it has an effect
    outputs = (output,) if isinstance(output, Tensor) else tuple(output)[:3]
    all_sums(outputs).backward()
    assert [
        name for name, value in network.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0
    ] == []
    for plane in planes:
        assert plane.grad is not None
        assert plane.grad.abs().sum() > 0


def test_parser_gives_classes_and_parts() -> None:
    output = PartParser(PARSER)(*parser_inputs(3, 64, 48))
    assert output.parsing_logits.shape == (3, 20, 64, 48)
    assert output.in_front_logits.shape == (3, 16, 64, 48)


def test_generator_gives_a_bounded_recipe() -> None:
    torch.manual_seed(0)
    generator = awake(PartGenerator(GENERATOR))
    with torch.no_grad():
        generator.get_submodule("head").weight.mul_(10)
        output = generator(*generator_inputs(2, 128, 96))
    assert output.blend_logits.shape == (2, BLEND_COUNT, 128, 96)
    assert output.painted.shape == (2, 3, 128, 96)
    assert output.alpha_shift.shape == (2, 1, 128, 96)
    assert output.gate.shape == (2, 12, 64, 48)
    assert 4 < output.blend_logits.abs().max() <= LARGEST_LOGIT
    for plane in (output.painted, output.gate):
        assert 0 <= plane.min() < plane.max() <= 1


def test_a_sharper_generator_decides_more() -> None:
    torch.manual_seed(0)
    generator = awake(PartGenerator(GENERATOR)).eval()
    sharper = PartGenerator(replace(GENERATOR, sharpness=2.5)).eval()
    sharper.load_state_dict(generator.state_dict())
    inputs = generator_inputs()
    with torch.no_grad():
        soft, sharp = generator(*inputs), sharper(*inputs)
    torch.testing.assert_close(sharp.blend_logits, 2.5 * soft.blend_logits)
    torch.testing.assert_close(sharp.alpha_shift, soft.alpha_shift)


@pytest.mark.parametrize("sharpness", [0.0, -1.0, 4.1, float("nan")])
def test_a_sharpness_that_sums_cannot_hold_is_refused(sharpness: float) -> None:
    with pytest.raises(ValueError, match="blend logits"):
        PartGeneratorConfig(sharpness=sharpness)


def test_shipped_sizes_are_small() -> None:
    assert parameter_count(PartParser()) < 2e6
    assert parameter_count(PartGenerator()) < 2e6


def test_an_untrained_generator_shows_the_composite() -> None:
    torch.manual_seed(0)
    output = PartGenerator(GENERATOR).eval()(*generator_inputs())
    others = torch.cat([output.blend_logits[:, :COMPOSITE], output.blend_logits[:, PAINTED:]], dim=1)
    assert (output.blend_logits[:, COMPOSITE] - others.amax(1)).min() > 2
    assert output.alpha_shift.abs().max() < 0.2


def test_folding_changes_nothing() -> None:
    torch.manual_seed(0)
    for network, inputs in (
        (awake(PartParser(PARSER)), parser_inputs()),
        (awake(PartGenerator(GENERATOR)), generator_inputs()),
    ):
        network.eval()
        cheaper = fuse_batch_norm(network)
        with torch.no_grad():
            for one, other in zip(network(*inputs), cheaper(*inputs), strict=True):
                if one is None:  # of the body, which these networks do not see
                    assert other is None
                    continue
                torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
                assert one.std() > 1e-3
        norms = [sum(isinstance(module, nn.BatchNorm2d) for module in made.modules()) for made in (network, cheaper)]
        assert norms[1] < norms[0] / 2


@pytest.mark.parametrize(("parsing", "warping"), [(True, True), (False, True), (True, False), (False, False)])
def test_ablations_do_not_see_what_they_do_without(parsing: bool, warping: bool) -> None:
    torch.manual_seed(0)
    config = PartGeneratorConfig(GENERATOR.channels, GENERATOR.blocks, GENERATOR.warped_channels, parsing, warping)
    generator = awake(PartGenerator(config)).eval()
    layers, limbs, stage_one, change = generator_inputs()

    def recipe(stage_one: Tensor, change: Tensor) -> Tensor:
        return torch.cat(generator(layers, limbs, stage_one, change)[:3], dim=1)

    with torch.no_grad():
        before = recipe(stage_one, change)
        assert torch.equal(before, recipe(1 - stage_one, change)) != parsing
        assert torch.equal(before, recipe(stage_one, -change)) != warping
        assert (generator(layers, limbs, stage_one, change).gate is not None) == warping
        assert not torch.equal(before, torch.cat(generator(layers, 1 - limbs, stage_one, change)[:3], dim=1))
        assert not torch.equal(before, torch.cat(generator(1 - layers, limbs, stage_one, change)[:3], dim=1))


def test_a_recipe_pixel_by_pixel() -> None:
    """Against the formula written out in numpy, at the recipe's own resolution."""
    rng = np.random.default_rng(0)
    alpha = rng.random((1, 16, 1, 6, 5)).astype(np.float32)
    colors = rng.random((1, 16, 3, 6, 5)).astype(np.float32)
    layers = np.concatenate([colors * alpha, alpha], axis=2)
    logits = rng.normal(size=(1, 17, 6, 5)).astype(np.float32)
    painted, shift = rng.random((1, 3, 6, 5)).astype(np.float32), rng.normal(size=(1, 1, 6, 5)).astype(np.float32)
    recipe = PartGeneratorOutput(*(torch.from_numpy(plane) for plane in (logits, painted, shift)), None)
    rgb, covered = apply_blend(torch.from_numpy(layers), recipe)
    variance = blend_variance(torch.from_numpy(layers), recipe, rgb)
    assert variance.shape == (1, 1, 6, 5)
    for row in range(6):
        for column in range(5):
            share = np.append(
                np.exp(logits[0, :16, row, column]) * alpha[0, :, 0, row, column], np.exp(logits[0, 16, row, column])
            )
            shown = np.vstack([colors[0, :, :, row, column], painted[0, :, row, column]])
            mean = share @ shown / share.sum()
            np.testing.assert_allclose(rgb[0, :, row, column], mean, atol=1e-5)
            expected = (share @ (shown - mean) ** 2 / share.sum()).mean()
            assert variance[0, 0, row, column].item() == pytest.approx(expected, abs=1e-5)
            bounded = np.clip(alpha[0, 15, 0, row, column], 0.02, 0.98)
            moved = 1 / (1 + (1 - bounded) / bounded * np.exp(-shift[0, 0, row, column]))
            assert covered[0, 0, row, column].item() == pytest.approx(np.clip((moved - 0.02) / 0.96, 0, 1), abs=1e-5)


def test_a_part_of_which_nothing_is_there_cannot_be_shown() -> None:
    layers = torch.zeros(1, 16, 4, 8, 8)
    layers[:, COMPOSITE, 3, :, :4] = 1
    layers[:, COMPOSITE, 1, :, :4] = 1  # green at the left
    logits = torch.full((1, BLEND_COUNT, 4, 4), -LARGEST_LOGIT)
    logits[:, 2] = LARGEST_LOGIT  # a part without a pixel is asked for
    painted = torch.zeros(1, 3, 4, 4)
    painted[:, 2] = 1  # blue
    rgb, alpha = apply_blend(layers, PartGeneratorOutput(logits, painted, torch.zeros(1, 1, 4, 4), None))
    torch.testing.assert_close(rgb[0, :, 0, 0], torch.tensor([0.0, 0.5, 0.5]))
    torch.testing.assert_close(rgb[0, :, 0, 7], torch.tensor([0.0, 0.0, 1.0]))
    torch.testing.assert_close(alpha[0, 0, 3], torch.tensor([1.0] * 4 + [0.0] * 4))


def test_colors_that_agree_or_win_alone_have_no_variance() -> None:
    layers = torch.zeros(1, 16, 4, 8, 8)
    layers[:, [2, COMPOSITE], 3] = 1
    layers[:, [2, COMPOSITE], 0] = 1  # both red
    blue = torch.zeros(1, 3, 4, 4)
    blue[:, 2] = 1

    def variance(of_part: float, of_painted: float) -> Tensor:
        logits = torch.full((1, BLEND_COUNT, 4, 4), -LARGEST_LOGIT)
        logits[:, 2], logits[:, COMPOSITE], logits[:, PAINTED] = of_part, 0.0, of_painted
        recipe = PartGeneratorOutput(logits, blue, torch.zeros(1, 1, 4, 4), None)
        return blend_variance(layers, recipe, apply_blend(layers, recipe)[0])

    assert variance(0.0, -LARGEST_LOGIT).max() < 1e-3  # half of either, but they look alike
    assert variance(-LARGEST_LOGIT, LARGEST_LOGIT).max() < 1e-3
    # half red, half blue: a quarter in two of three channels
    torch.testing.assert_close(variance(-LARGEST_LOGIT, 0.0), torch.full((1, 1, 8, 8), 1 / 6), atol=1e-3, rtol=0)


def test_alpha_is_kept_moved_and_ended() -> None:
    alpha = torch.linspace(0, 1, 101)
    still = shifted_alpha(alpha, torch.zeros(101))
    assert (still - alpha).abs().max() < 0.0201
    assert (still.diff() >= 0).all()
    assert (still[0], still[50], still[-1]) == (0, pytest.approx(0.5), 1)
    assert (shifted_alpha(alpha, torch.tensor(30.0)) == 1).all()
    assert (shifted_alpha(alpha, torch.tensor(-30.0)) == 0).all()
    assert (shifted_alpha(alpha, torch.tensor(1.0)) >= still).all()


def boxed_layers(batch: int, height: int, width: int) -> Tensor:
    """Parts as boxes of colors of their own, and a composite in which the last lies on top, (B, 16, 4, H, W)."""
    layers = torch.zeros(batch, 16, 4, height, width)
    generator = torch.Generator().manual_seed(3)
    for row in range(batch):
        for part in range(PART_COUNT):
            top, left = (int(torch.randint(0, size // 2, (), generator=generator)) for size in (height, width))
            box = torch.cat([torch.rand(3, generator=generator), torch.ones(1)])[:, None, None]
            layers[row, part, :, top : top + height // 3, left : left + width // 3] = box
        for part in range(PART_COUNT):
            above = layers[row, part]
            layers[row, COMPOSITE] = layers[row, COMPOSITE] * (1 - above[3]) + above
    return layers


def test_the_parser_learns_one_batch_by_heart() -> None:
    torch.manual_seed(0)
    parser = PartParser(PARSER).train()
    layers = boxed_layers(2, 32, 24)
    # reversed order: part 0 is in front of all
    present = layers[:, :PART_COUNT, 3] > 0.5
    in_front = torch.where(present.any(1), present.float().argmax(1), torch.tensor(PART_COUNT))
    parsing = (in_front * 7 + 3) % 20
    inputs = layers.flatten(1, 2), torch.zeros(2, 20, 32, 24), torch.zeros(2, PART_COUNT, 32, 24)
    optimizer = torch.optim.Adam(parser.parameters(), lr=2e-2)
    losses = []
    for _ in range(60):
        output = parser(*inputs)
        loss = functional.cross_entropy(output.parsing_logits, parsing) + functional.cross_entropy(
            output.in_front_logits, in_front
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 3
    assert losses[-1] < 0.5
    assert (output.in_front_logits.argmax(1) == in_front).float().mean() > 0.9


def test_the_generator_learns_one_batch_by_heart() -> None:
    """Another order of depth, a patch that no part has, and a narrower outline."""
    torch.manual_seed(0)
    generator = PartGenerator(GENERATOR).train()
    layers = boxed_layers(1, 32, 32)
    wanted, alpha = torch.zeros(1, 3, 32, 32), layers[:, COMPOSITE, 3:].clone()
    for part in reversed(range(PART_COUNT)):
        wanted = torch.where(layers[:, part, 3:] > 0.5, layers[:, part, :3], wanted)
    patch = np.s_[..., 10:22, 6:18]
    wanted[patch] = torch.tensor([0.9, 0.1, 0.8])[:, None, None]
    alpha[:, :, :4] = 0
    weight = alpha.clone()
    weight[patch] = 4  # few pixels, but the ones that only paint can make right
    inputs = layers.flatten(1, 2), torch.zeros(1, PART_COUNT, 32, 32), torch.rand(1, 36, 16, 16), torch.randn(1, 60)
    optimizer = torch.optim.Adam(generator.parameters(), lr=2e-2)
    losses, patches = [], []
    for _ in range(60):
        rgb, made = apply_blend(layers, generator(*inputs))
        loss = ((rgb - wanted).abs() * weight).mean() + (made - alpha).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        patches.append(float((rgb - wanted)[patch].detach().abs().mean()))
    assert losses[-1] < 0.3 * losses[0]
    assert patches[-1] < 0.35 * patches[0]
