"""The Soft-Gated Warping-GAN in the form that ships: parts that move in closed form, blended by trained networks."""

from typing import Final

from motionwarp.data.pack_kinds import PackKind
from motionwarp.engines.spec import EngineSpec, PersonFit
from motionwarp.training.stage import StageSpec

_HERE: Final = "motionwarp.engines.warping_gan"
_WRITER: Final = f"{_HERE}.packing:write_requested"
_BODY_WRITER: Final = f"{_HERE}.packing:write_with_bodies"

SPEC: Final = EngineSpec(
    name="warping_gan",
    help="The Soft-Gated Warping-GAN in a form made for CPUs: parts of the source, blended by networks.",
    engine=f"{_HERE}.engine:WarpingGanEngine",
    architectures=("warping_gan",),
    weights="warping_gan",
    needs=("body", "lifter"),
    auto_order=1,
    stages={
        "parser": StageSpec(
            "Stage I: the parsing of the person in a new pose, and which part is in front.",
            f"{_HERE}.config:PartParserTrainingConfig",
            f"{_HERE}.training:PartParserTask",
        ),
        "generator": StageSpec(
            "Stage II: how the warped parts are blended into a picture.",
            f"{_HERE}.config:PartGeneratorTrainingConfig",
            f"{_HERE}.training:PartGeneratorTask",
        ),
    },
    packs={
        "parts-reverse": PackKind("photos, made back from moved ones, in parts", _WRITER),
        "parts-clips": PackKind("two frames of a clip, in parts", _WRITER),
        "parts-synthetic": PackKind("drawn people, in parts", _WRITER),
        "body-avatars": PackKind("avatars in motion from all sides, in parts and on a body", _BODY_WRITER),
        "body-clips": PackKind("two frames of a clip, in parts and on a body", _BODY_WRITER, ("train",)),
        "body-clips-a": PackKind("the same of later clips, published by their makers", _BODY_WRITER, ("train",)),
        "body-clips-b": PackKind("the same of later clips of other origin", _BODY_WRITER, ("train",)),
        "body-reverse": PackKind("photos, made back from their turned avatars", _BODY_WRITER),
        "body-layered": PackKind("photos, made back from moved ones, in parts and on a body", _BODY_WRITER),
    },
    person=PersonFit(f"{_HERE}.finetune:PersonalizeConfig", f"{_HERE}.finetune:fit_person"),
)
