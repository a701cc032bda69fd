"""The nodes that give motions to people, and those that look at both before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.image import read_image
from motionwarp.motions.catalog import find_motion, library
from motionwarp.perception.selection import PersonChoice
from motionwarp.pipeline.analysis import analyze, load_estimator, open_inputs
from motionwarp.pipeline.captured_driving import is_captured
from motionwarp.pipeline.check.report import CheckReport, check
from motionwarp.pipeline.compositing import cut_out
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import plan_transfer
from motionwarp.pipeline.progress import Stage, TransferRun
from motionwarp.pipeline.rendering import render_layers
from motionwarp.pose.drawing import draw_pose
from motionwarp.types import POINT_COUNT, Frame, PoseTrack

from .host import Bar, ordinary_tensors
from .inputs import Driving, input_files
from .kinds import ENGINE, FPS, WHO, Motion, Node, Person, Poses
from .tensors import to_image, to_mask, to_matte, to_pictures

# either of them, which a node asks for when it is carried out
DRIVING = {"driving": ("IMAGE",), "motion": ("MOTIONWARP_MOTION",)}


class LoadPerson(Node):
    """The person of a picture."""

    TITLE = "Person of a picture"
    RETURN_TYPES = ("MOTIONWARP_PERSON",)
    RETURN_NAMES = ("person",)
    DESCRIPTION = "The person of a picture, to be moved. The mask, if one is given, is 1 where the person is."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {"required": {"image": ("IMAGE",), "who": WHO}, "optional": {"mask": ("MASK",)}}

    def run(self, image: Tensor, who: str, mask: Tensor | None = None) -> tuple[Person]:
        """Return the first picture's person."""
        rgb = to_pictures(image[:1])[0]
        return (Person(rgb, None if mask is None else to_matte(mask, *rgb.shape[:2]), who),)


class LoadMotion(Node):
    """A motion of the library, or motion capture."""

    TITLE = "Load a motion"
    RETURN_TYPES = ("MOTIONWARP_MOTION",)
    RETURN_NAMES = ("motion",)
    DESCRIPTION = "A motion of the library by its name, or of a file of motion capture (.bvh), which goes before it."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        file = ("STRING", {"default": "", "tooltip": "A path of a .bvh file, in place of the name."})
        return {"required": {"name": (list(library()), {"default": "wave"})}, "optional": {"file": file}}

    @classmethod
    def IS_CHANGED(cls, name: str, file: str = "") -> float:
        """Return what changes when the file does, so that it is read again."""
        path = Path(file) if file else find_motion(name).path
        return path.stat().st_mtime if path.is_file() else float("nan")

    def run(self, name: str, file: str = "") -> tuple[Motion]:
        """Return where it is."""
        path = Path(file) if file else find_motion(name).path
        if not is_captured(path):
            raise InputError("is no motion capture", subject=path, remedy="Give a .bvh file; load clips as frames")
        return (Motion(path),)


class Transfer(Node):
    """The motion of frames for a person."""

    TITLE = "Transfer motion"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("frames", "person")
    DESCRIPTION = (
        "Gives the motion of the driving frames, or a motion of the library, to a person. "
        "The mask is 1 where the person is."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {
            "required": {
                "person": ("MOTIONWARP_PERSON",),
                "fps": FPS,
                "engine": ENGINE,
                "background": (["source", "driving", "color"], {"default": "source"}),
                "color": ("STRING", {"default": "#808080", "tooltip": "Of the background, where that is a color."}),
                "placement": (["auto", "source", "driving"], {"default": "auto"}),
                "driving_person": WHO,
                "smooth": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.05}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 2**63 - 1}),
            },
            "optional": {**DRIVING, "poses": ("MOTIONWARP_POSES",)},
        }

    def run(
        self,
        person: Person,
        fps: float,
        driving: Tensor | None = None,
        motion: Motion | None = None,
        poses: Poses | None = None,
        **look: Any,
    ) -> tuple[Tensor, Tensor]:
        """Return the frames, and the person's coverage of each."""
        background = look.pop("background")
        color = look.pop("color")
        look["background"] = color if background == "color" else background
        bar, moves = Bar(), Driving(driving, fps, motion, poses)
        with ordinary_tensors(), input_files(person, moves) as given, TransferRun(bar.of_transfer()) as run:
            options = replace(given.options, **look)
            inputs = open_inputs(given.source, given.driving, options)
            plan = plan_transfer(inputs.setup, analyze(inputs, run=run), run=run)
            frames, mattes = [], []
            for frame, layer in render_layers(plan, run=run):
                frames.append(frame.rgb)
                mattes.append(cut_out(layer, frame.rgb.shape[1], frame.rgb.shape[0])[..., 3])
                run.announce(Stage.RENDER, frame.index + 1, len(plan))
        return to_image(frames), to_mask(mattes)


class Check(Node):
    """Whether a transfer will work."""

    TITLE = "Check a transfer"
    RETURN_TYPES = ("STRING", "STRING", "IMAGE")
    RETURN_NAMES = ("verdict", "report", "preview")
    DESCRIPTION = "Tells whether a transfer will work: good, fair or poor, what to do about it, and a few frames."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {
            "required": {
                "person": ("MOTIONWARP_PERSON",),
                "fps": FPS,
                "engine": ENGINE,
                "driving_person": WHO,
            },
            "optional": DRIVING,
        }

    def run(
        self,
        person: Person,
        fps: float,
        engine: str,
        driving_person: str,
        driving: Tensor | None = None,
        motion: Motion | None = None,
    ) -> tuple[str, str, Tensor]:
        """Return the verdict, the report and the sheet of frames."""
        bar = Bar()
        with ordinary_tensors(), input_files(person, Driving(driving, fps, motion)) as given:
            sheet = given.source.with_name("preview.png")
            options = replace(given.options, engine=engine, driving_person=driving_person)
            report = check(given.source, given.driving, options, quick=True, preview=sheet, progress=bar.of_transfer())
            preview = read_image(sheet).rgb
        return report.verdict.value, _report(report), to_image([preview])


class Pose(Node):
    """The points of a clip."""

    TITLE = "See poses"
    RETURN_TYPES = ("MOTIONWARP_POSES", "IMAGE")
    RETURN_NAMES = ("poses", "drawn")
    DESCRIPTION = "Sees the 18 points of one person in frames; the same clip need not be looked at again by a transfer."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {"required": {"frames": ("IMAGE",), "fps": FPS, "who": WHO}}

    def run(self, frames: Tensor, fps: float, who: str) -> tuple[Poses, Tensor]:
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


def _report(report: CheckReport) -> str:
    lines = [f"{report.verdict.value}: about {report.cost.seconds:.0f} s for {report.together.output_frames} frames"]
    lines += [f"{issue.level.value}: {issue.text}. {issue.remedy}." for issue in report.issues]
    return "\n".join(lines)
