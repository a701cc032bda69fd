"""The Soft-Gated Warping-GAN as the paper has it: one warp for the whole person, pictures from the generator."""

from typing import Final

from motionwarp.engines.spec import EngineSpec
from motionwarp.training.stage import StageSpec

_HERE: Final = "motionwarp.engines.warping_gan_paper"

SPEC: Final = EngineSpec(
    name="warping_gan_paper",
    help="The Soft-Gated Warping-GAN as the paper has it; no weights ship.",
    engine=f"{_HERE}.engine:PaperEngine",
    architectures=("warping_gan_paper",),
    stages={
        "parser": StageSpec(
            "Stage I: the parsing of the person in a new pose.",
            f"{_HERE}.config:PaperParserTrainingConfig",
            f"{_HERE}.training:PaperParserTask",
        ),
        "matcher": StageSpec(
            "The geometric matcher: the warp between two parsings.",
            f"{_HERE}.config:PaperMatcherTrainingConfig",
            f"{_HERE}.training:PaperMatcherTask",
        ),
        "generator": StageSpec(
            "Stage II: the picture from warped features.",
            f"{_HERE}.config:PaperGeneratorTrainingConfig",
            f"{_HERE}.training:PaperGeneratorTask",
        ),
    },
)
