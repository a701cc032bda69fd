"""The CycleGAN family: pictures of one kind translated to another kind, learned without pairs. It moves nobody."""

from typing import Final

from motionwarp.engines.spec import EngineSpec, OptionTraining

_HERE: Final = "motionwarp.engines.cyclegan"

SPEC: Final = EngineSpec(
    name="cyclegan",
    help="GAN, CycleGAN, Long and Nest: pictures translated between two folders' kinds.",
    architectures=("cyclegan", "fcn"),
    weights="cyclegan",
    trainings={
        "cyclegan": OptionTraining(
            "Train translations between the pictures of two folders, without pairs.",
            f"{_HERE}.options:TranslationTrainOptions",
            f"{_HERE}.asked:translation_task",
            (("a", "labels"), ("b", "photos"), ("a_labels", ""), ("variant", "nest"), ("output", "runs/nest")),
        ),
        "fcn": OptionTraining(
            "Train the judge of translated photos from real photos with label maps.",
            f"{_HERE}.options:FcnTrainOptions",
            f"{_HERE}.asked:fcn_task",
            (("labels", "labels"), ("photos", "photos"), ("classes", "20"), ("output", "runs/fcn")),
        ),
    },
)
