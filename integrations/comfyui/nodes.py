"""The nodes, as ComfyUI asks for them: INPUT_TYPES, RETURN_TYPES, FUNCTION, CATEGORY."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from motionwarp.avatar.files import load_avatar, save_avatar
from motionwarp.avatar.gltf import save_glb
from motionwarp.avatar.person import StoredAvatar
from motionwarp.avatar.turntable import Turntable
from motionwarp.engines.registry import engine_choices, swapper_choices
from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.image import read_image
from motionwarp.perception.selection import PersonChoice
from motionwarp.pipeline.analysis import analyze, load_estimator, open_inputs
from motionwarp.pipeline.avatar_options import AvatarOptions
from motionwarp.pipeline.avatars import read_or_make_avatar
from motionwarp.pipeline.check.report import CheckReport, check
from motionwarp.pipeline.compositing import cut_out
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import plan_transfer
from motionwarp.pipeline.progress import Stage, TransferRun
from motionwarp.pipeline.rendering import render_layers
from motionwarp.pipeline.swap import swap
from motionwarp.pipeline.swap_options import SwapOptions
from motionwarp.pose.drawing import draw_pose
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import POINT_COUNT, ByteArray, Frame, PoseTrack

from .host import Bar, ordinary_tensors
from .tensors import to_image, to_mask, to_matte, to_pictures

_CATEGORY = "motionwarp"
_SCRATCH = "motionwarp-comfyui-"
_WHO = ("STRING", {"default": "largest", "tooltip": "Of several people: largest, a number from 0 by size, or x,y."})
_ENGINE = (list(engine_choices()), {"default": "auto"})
_FPS = ("FLOAT", {"default": 25.0, "min": 1.0, "max": 240.0, "step": 0.01, "tooltip": "Of the driving frames."})


@dataclass(frozen=True, eq=False)
class Person:
    """A person to be moved: what goes over MOTIONWARP_PERSON.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : uint8 (H, W) or None
        How much of each pixel the person covers; None to have it seen.
    who : str
        Which of several people.
    avatar : StoredAvatar or None
        What was made of the picture before; it is moved then.
    """

    rgb: ByteArray
    matte: ByteArray | None = None
    who: str = "largest"
    avatar: StoredAvatar | None = None


@dataclass(frozen=True, eq=False)
class Poses:
    """The points of a clip: what goes over MOTIONWARP_POSES.

    Attributes
    ----------
    track : PoseTrack
    fps : float
    """

    track: PoseTrack
    fps: float


class LoadPerson:
    """The person of a picture."""

    CATEGORY = _CATEGORY
    FUNCTION = "load"
    RETURN_TYPES = ("MOTIONWARP_PERSON",)
    RETURN_NAMES = ("person",)
    DESCRIPTION = "The person of a picture, to be moved. The mask, if one is given, is 1 where the person is."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {"required": {"image": ("IMAGE",), "who": _WHO}, "optional": {"mask": ("MASK",)}}

    def load(self, image: Tensor, who: str, mask: Tensor | None = None) -> tuple[Person]:
        """Return the first picture's person."""
        rgb = to_pictures(image[:1])[0]
        return (Person(rgb, None if mask is None else to_matte(mask, *rgb.shape[:2]), who),)


class Transfer:
    """The motion of frames for a person."""

    CATEGORY = _CATEGORY
    FUNCTION = "transfer"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("frames", "person")
    DESCRIPTION = "Gives the motion of the driving frames to a person. The mask is 1 where the person is."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {
            "required": {
                "person": ("MOTIONWARP_PERSON",),
                "driving": ("IMAGE",),
                "fps": _FPS,
                "engine": _ENGINE,
                "background": (["source", "driving", "color"], {"default": "source"}),
                "color": ("STRING", {"default": "#808080", "tooltip": "Of the background, where that is a color."}),
                "placement": (["source", "driving"], {"default": "source"}),
                "driving_person": _WHO,
                "smooth": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.05}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 2**63 - 1}),
            },
            "optional": {"poses": ("MOTIONWARP_POSES",)},
        }

    def transfer(
        self, person: Person, driving: Tensor, fps: float, poses: Poses | None = None, **look: Any
    ) -> tuple[Tensor, Tensor]:
        """Return the frames, and the person's coverage of each."""
        background = look.pop("background")
        color = look.pop("color")
        look["background"] = color if background == "color" else background
        bar = Bar()
        with ordinary_tensors(), _inputs(person, driving, fps, poses) as given, TransferRun(bar.of_transfer()) as run:
            options = replace(given.options, **look)
            inputs = open_inputs(given.source, given.driving, options)
            plan = plan_transfer(inputs.setup, analyze(inputs, run=run), run=run)
            frames, mattes = [], []
            for frame, layer in render_layers(plan, run=run):
                frames.append(frame.rgb)
                mattes.append(cut_out(layer, frame.rgb.shape[1], frame.rgb.shape[0])[..., 3])
                run.announce(Stage.RENDER, frame.index + 1, len(plan))
        return to_image(frames), to_mask(mattes)


class Check:
    """Whether a transfer will work."""

    CATEGORY = _CATEGORY
    FUNCTION = "check"
    RETURN_TYPES = ("STRING", "STRING", "IMAGE")
    RETURN_NAMES = ("verdict", "report", "preview")
    DESCRIPTION = "Tells whether a transfer will work: good, fair or poor, what to do about it, and a few frames."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {
            "required": {
                "person": ("MOTIONWARP_PERSON",),
                "driving": ("IMAGE",),
                "fps": _FPS,
                "engine": _ENGINE,
                "driving_person": _WHO,
            }
        }

    def check(
        self, person: Person, driving: Tensor, fps: float, engine: str, driving_person: str
    ) -> tuple[str, str, Tensor]:
        """Return the verdict, the report and the sheet of frames."""
        bar = Bar()
        with ordinary_tensors(), _inputs(person, driving, fps) as given:
            sheet = given.source.with_name("preview.png")
            options = replace(given.options, engine=engine, driving_person=driving_person)
            report = check(given.source, given.driving, options, quick=True, preview=sheet, progress=bar.of_transfer())
            preview = read_image(sheet).rgb
        return report.verdict.value, _report(report), to_image([preview])


class Pose:
    """The points of a clip."""

    CATEGORY = _CATEGORY
    FUNCTION = "look"
    RETURN_TYPES = ("MOTIONWARP_POSES", "IMAGE")
    RETURN_NAMES = ("poses", "drawn")
    DESCRIPTION = "Sees the 18 points of one person in frames; the same clip need not be looked at again by a transfer."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {"required": {"frames": ("IMAGE",), "fps": _FPS, "who": _WHO}}

    def look(self, frames: Tensor, fps: float, who: str) -> tuple[Poses, Tensor]:
        """Return the points, and the frames with them drawn in."""
        pictures = to_pictures(frames)
        bar = Bar(len(pictures))
        with ordinary_tensors():
            estimator = load_estimator(TransferOptions())
            clip = (Frame(rgb, number / fps, number) for number, rgb in enumerate(pictures))
            points = np.zeros((len(pictures), POINT_COUNT, 3), dtype=np.float32)
            present = np.zeros(len(pictures), dtype=bool)
            drawn = list(pictures)
            for number, seen in enumerate(estimator.follow(clip, PersonChoice.parse(who), dense=False)):
                if seen.person is not None:
                    points[number], present[number] = seen.person.pose.points, True
                    drawn[number] = draw_pose(pictures[number], seen.person.pose.points)
                bar.at(number + 1)
        if not present.any():
            raise NoPersonError("no person was found in the frames", remedy="Is one in sight, upright and large?")
        height, width = pictures.shape[1:3]
        track = PoseTrack(points, present, np.arange(len(pictures)) / fps, width, height)
        return Poses(track, fps), to_image(drawn)


class MakeAvatar:
    """A person in space."""

    CATEGORY = _CATEGORY
    FUNCTION = "make"
    RETURN_TYPES = ("MOTIONWARP_AVATAR", "MOTIONWARP_PERSON")
    RETURN_NAMES = ("avatar", "person")
    DESCRIPTION = (
        "Makes the person of a picture into surfaces in space that a body moves. Further pictures of the same person, "
        "from other sides, are one batch. The person goes into a transfer by the engine “avatar”."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {"required": {"image": ("IMAGE",), "who": _WHO}, "optional": {"also": ("IMAGE",)}}

    def make(self, image: Tensor, who: str, also: Tensor | None = None) -> tuple[StoredAvatar, Person]:
        """Return the avatar, alone and as a person."""
        bar = Bar(1)
        bar.at(0)
        pictures = [to_pictures(image[:1])[0], *(() if also is None else to_pictures(also))]
        with ordinary_tensors(), tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder:
            photos = [Path(folder) / f"photo-{number}.png" for number in range(len(pictures))]
            for photo, rgb in zip(photos, pictures, strict=True):
                _write_png(photo, rgb)
            stored = read_or_make_avatar(photos, AvatarOptions(person=who))
        bar.at(1)
        return stored, Person(stored.person.rgb, avatar=stored)


class LoadAvatar:
    """An avatar of a file."""

    CATEGORY = _CATEGORY
    FUNCTION = "load"
    RETURN_TYPES = ("MOTIONWARP_AVATAR", "MOTIONWARP_PERSON")
    RETURN_NAMES = ("avatar", "person")
    DESCRIPTION = "Reads an avatar that `motionwarp avatar` or the node “Save avatar” has written."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {"required": {"file": ("STRING", {"default": "alice.safetensors", "tooltip": "A path."})}}

    @classmethod
    def IS_CHANGED(cls, file: str) -> float:
        """Return what changes when the file does, so that it is read again."""
        return Path(file).stat().st_mtime if Path(file).is_file() else float("nan")

    def load(self, file: str) -> tuple[StoredAvatar, Person]:
        """Return the avatar, alone and as a person."""
        stored = load_avatar(Path(file))
        return stored, Person(stored.person.rgb, avatar=stored)


class SaveAvatar:
    """A file of an avatar."""

    CATEGORY = _CATEGORY
    FUNCTION = "save"
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    DESCRIPTION = "Writes an avatar: .safetensors to use again, .glb for other programs."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {
            "required": {
                "avatar": ("MOTIONWARP_AVATAR",),
                "file": ("STRING", {"default": "alice.glb", "tooltip": "Of ComfyUI's output folder, or a path."}),
            }
        }

    def save(self, avatar: StoredAvatar, file: str) -> dict[str, Any]:
        """Write it, and tell where."""
        path = _output_folder() / file
        if path.suffix.lower() == ".glb":
            save_glb(path, avatar.person.avatar, name=path.stem, overwrite=True)
        elif path.suffix.lower() == ".safetensors":
            save_avatar(path, avatar)
        else:
            raise InputError("is no file of an avatar", subject=file, remedy="Give .glb or .safetensors")
        return {"ui": {"text": [str(path)]}}


class TurnAvatar:
    """An avatar from all sides."""

    CATEGORY = _CATEGORY
    FUNCTION = "turn"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("frames", "person")
    DESCRIPTION = "Turns an avatar once. Behind it is black; the mask is 1 where the person is."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {
            "required": {
                "avatar": ("MOTIONWARP_AVATAR",),
                "frames": ("INT", {"default": 100, "min": 1, "max": 10000}),
                "height": ("INT", {"default": 720, "min": 64, "max": 4096, "tooltip": "At most."}),
            }
        }

    def turn(self, avatar: StoredAvatar, frames: int, height: int) -> tuple[Tensor, Tensor]:
        """Return the frames, and the person's coverage of each."""
        bar = Bar(frames)
        pictures, mattes = [], []
        for number, rgba in enumerate(Turntable(avatar.person.avatar, height).turn(frames)):
            levels = np.rint(rgba).clip(0, 255).astype(np.uint8)
            pictures.append(levels[..., :3])
            mattes.append(levels[..., 3])
            bar.at(number + 1)
        return to_image(pictures), to_mask(mattes)


class Swap:
    """A person in other clothes."""

    CATEGORY = _CATEGORY
    FUNCTION = "swap"
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("dressed",)
    DESCRIPTION = "Dresses the person of one picture in what the person of another one wears."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {
            "required": {
                "image": ("IMAGE",),
                "clothes": ("IMAGE",),
                "what": (["all", "upper", "lower"], {"default": "all"}),
                "engine": (list(swapper_choices()), {"default": SwapOptions().engine}),
                "who": _WHO,
            }
        }

    def swap(self, image: Tensor, clothes: Tensor, what: Any, engine: str, who: str) -> tuple[Tensor]:
        """Return the first picture's person, dressed."""
        bar = Bar()

        def told(stage: str, done: int, total: int) -> None:
            # the clothes are looked at first, then changed
            bar.at((50 if stage == "swap" else 0) + 50 * done / max(total, 1))

        with ordinary_tensors(), tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder:
            person, dressed, output = (Path(folder) / name for name in ("person.png", "clothes.png", "dressed.png"))
            _write_png(person, to_pictures(image[:1])[0])
            _write_png(dressed, to_pictures(clothes[:1])[0])
            swap(person, dressed, output, SwapOptions(what=what, engine=engine, person=who), progress=told)
            made = read_image(output).rgb
        return (to_image([made]),)


@dataclass(frozen=True)
class _Given:
    """Inputs as files, and the options that go with them."""

    source: Path
    driving: Path
    options: TransferOptions


@contextmanager
def _source(person: Person) -> Iterator[tuple[Path, TransferOptions]]:
    """Hold a person's picture as a file while the block runs."""
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder:
        if person.avatar is not None:
            yield save_avatar(Path(folder) / "avatar.safetensors", person.avatar), TransferOptions()
            return
        source, matte = Path(folder) / "source.png", Path(folder) / "matte.png"
        _write_png(source, person.rgb)
        options = TransferOptions(source_person=person.who)
        if person.matte is not None:
            cv2.imwrite(str(matte), person.matte)
            options = replace(options, matte=matte)
        yield source, options


@contextmanager
def _inputs(person: Person, driving: Tensor, fps: float, poses: Poses | None = None) -> Iterator[_Given]:
    """Hold all inputs as files while the block runs: the pipeline reads clips twice."""
    with _source(person) as (source, options):
        frames = source.with_name("driving")
        frames.mkdir()
        for number, rgb in enumerate(to_pictures(driving)):
            _write_png(frames / f"{number:06d}.png", rgb)
        if poses is not None:
            points = source.with_name("driving.keypoints18.json")
            write_track(points, poses.track, file_name="driving", fps=fps)
            options = replace(options, driving_poses=points)
        yield _Given(source, frames, options)


def _write_png(path: Path, rgb: ByteArray) -> None:
    # fast rather than small: it is read again at once
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])


def _report(report: CheckReport) -> str:
    lines = [f"{report.verdict.value}: about {report.cost.seconds:.0f} s for {report.together.output_frames} frames"]
    lines += [f"{issue.level.value}: {issue.text}. {issue.remedy}." for issue in report.issues]
    return "\n".join(lines)


def _output_folder() -> Path:
    try:
        import folder_paths
    except ImportError:
        return Path()
    return Path(folder_paths.get_output_directory())


NODE_CLASS_MAPPINGS = {
    "MotionwarpLoadPerson": LoadPerson,
    "MotionwarpTransfer": Transfer,
    "MotionwarpCheck": Check,
    "MotionwarpPose": Pose,
    "MotionwarpMakeAvatar": MakeAvatar,
    "MotionwarpLoadAvatar": LoadAvatar,
    "MotionwarpSaveAvatar": SaveAvatar,
    "MotionwarpTurnAvatar": TurnAvatar,
    "MotionwarpSwap": Swap,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "MotionwarpLoadPerson": "Person of a picture",
    "MotionwarpTransfer": "Transfer motion",
    "MotionwarpCheck": "Check a transfer",
    "MotionwarpPose": "See poses",
    "MotionwarpMakeAvatar": "Make an avatar",
    "MotionwarpLoadAvatar": "Load an avatar",
    "MotionwarpSaveAvatar": "Save an avatar",
    "MotionwarpTurnAvatar": "Turn an avatar",
    "MotionwarpSwap": "Change clothes",
}
