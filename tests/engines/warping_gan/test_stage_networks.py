from __future__ import annotations

import torch
from torch import nn

from motionwarp.engines.warping_gan_paper.networks import PoseGuidedParser, PoseGuidedParserConfig
from motionwarp.nn.blocks import parameter_count
from motionwarp.nn.discriminator import DiscriminatorConfig, PyramidDiscriminator
from motionwarp.nn.resnet import Decoder, Encoder, residual_stack


def silent_parameters(network: nn.Module) -> list[str]:
    return [name for name, value in network.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]


def test_parser_gives_logits_of_every_class_and_trains_everywhere() -> None:
    torch.manual_seed(0)
    parser = PoseGuidedParser(PoseGuidedParserConfig(base=4, blocks=2))
    logits = parser(
        torch.rand(2, 3, 64, 48), torch.rand(2, 20, 64, 48), torch.rand(2, 18, 64, 48), torch.rand(2, 18, 64, 48)
    )
    assert logits.shape == (2, 20, 64, 48)
    (logits * torch.rand_like(logits)).sum().backward()
    # a bias before an instance norm is taken out again by it
    assert [name for name in silent_parameters(parser) if not name.endswith("bias")] == []


def test_the_papers_size_is_the_default() -> None:
    parser = PoseGuidedParser()
    assert parser.encoder.out_channels == 512
    assert len(parser.residual) == 9
    # encoder 59->64->128->256->512, nine blocks of two 512x512 convolutions, decoder 512->256->128->64->20
    blocks = 9 * 2 * (512 * 512 * 9 + 512)
    encoder = (59 * 49 + 1) * 64 + (64 * 9 + 1) * 128 + (128 * 9 + 1) * 256 + (256 * 9 + 1) * 512
    decoder = (512 * 9 + 1) * 256 + (256 * 9 + 1) * 128 + (128 * 9 + 1) * 64 + (64 * 49 + 1) * 20
    assert parameter_count(parser) == encoder + blocks + decoder


def test_encoder_and_decoder_are_each_others_sizes() -> None:
    features = Encoder(5, 4)(torch.rand(1, 5, 32, 24))
    assert features.shape == (1, 32, 4, 3)
    assert Decoder(32, 7, 4)(residual_stack(32, 1)(features)).shape == (1, 7, 32, 24)


def test_discriminator_judges_three_scales_each_half_as_fine() -> None:
    discriminator = PyramidDiscriminator(9, DiscriminatorConfig(base=4))
    output = discriminator(torch.rand(2, 9, 64, 48))
    assert len(output.logits) == len(output.features) == 3
    assert all(len(layers) == 4 for layers in output.features)
    heights = [logits.shape[2] for logits in output.logits]
    assert heights[0] > heights[1] > heights[2]
    sum(logits.square().sum() for logits in output.logits).backward()
    assert [name for name in silent_parameters(discriminator) if not name.endswith("bias")] == []


def test_scales_of_a_flat_picture_agree_but_for_their_weights() -> None:
    discriminator = PyramidDiscriminator(3, DiscriminatorConfig(base=4))
    discriminator.scales[1].load_state_dict(discriminator.scales[0].state_dict())
    flat = torch.full((1, 3, 64, 64), 0.7)
    first = discriminator(flat).features[0][0][0, :, 16, 16]
    second = discriminator(flat).features[1][0][0, :, 8, 8]
    assert torch.allclose(first, second, atol=1e-5)
