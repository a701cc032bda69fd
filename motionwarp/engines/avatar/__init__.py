"""The engine that gives the photo a body: surfaces in space, turned and posed, seen from any side."""

from typing import Final

from motionwarp.data.pack_kinds import PackKind
from motionwarp.engines.spec import EngineSpec, PersonFit
from motionwarp.training.stage import StageSpec

_HERE: Final = "motionwarp.engines.avatar"
_WRITER: Final = f"{_HERE}.completion_pack:write_requested"

SPEC: Final = EngineSpec(
    name="avatar",
    help="A body in space that wears the photo: turns, poses and depth.",
    engine=f"{_HERE}.engine:AvatarEngine",
    swapper=f"{_HERE}.swapping:AvatarSwapper",
    needs=("body", "lifter"),
    stages={
        "completion": StageSpec(
            "What the photo does not show: how a guess of the back is repainted.",
            f"{_HERE}.completion_training:CompletionTrainingConfig",
            f"{_HERE}.completion_training:CompletionTask",
        ),
    },
    packs={
        "backs-avatars": PackKind("avatars from the front and from behind", _WRITER),
        "backs-dressed": PackKind("bodies in separate garments, from the front and from behind", _WRITER, ("train",)),
    },
    person=PersonFit(
        f"{_HERE}.personal:AvatarFitConfig",
        f"{_HERE}.personal:fit_person",
        f"{_HERE}.options:AvatarFitOptions",
        "Make an avatar of a person, of a photo and a clip in which they turn.",
        "The avatar is a SOURCE, as one of a photo.",
    ),
)
