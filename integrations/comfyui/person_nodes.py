"""The nodes that make somebody else of a person: an avatar in space, or one in other clothes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from motionwarp.avatar.files import load_avatar, save_avatar
from motionwarp.avatar.gltf import save_glb
from motionwarp.avatar.person import StoredAvatar
from motionwarp.avatar.turntable import Turntable
from motionwarp.engines.registry import swapper_choices
from motionwarp.errors import InputError
from motionwarp.media.image import read_image
from motionwarp.pipeline.avatar_options import AvatarOptions
from motionwarp.pipeline.avatars import read_or_make_avatar
from motionwarp.pipeline.swap import swap
from motionwarp.pipeline.swap_options import SwapOptions

from .host import Bar, ordinary_tensors
from .inputs import SCRATCH, write_png
from .kinds import WHO, Node, Person
from .tensors import to_image, to_mask, to_pictures


class MakeAvatar(Node):
    """A person in space."""

    TITLE = "Make an avatar"
    RETURN_TYPES = ("MOTIONWARP_AVATAR", "MOTIONWARP_PERSON")
    RETURN_NAMES = ("avatar", "person")
    DESCRIPTION = (
        "Makes the person of a picture into surfaces in space that a body moves. Further pictures of the same person, "
        "from other sides, are one batch. The person goes into a transfer by the engine “avatar”."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Return what goes in."""
        return {"required": {"image": ("IMAGE",), "who": WHO}, "optional": {"also": ("IMAGE",)}}

    def run(self, image: Tensor, who: str, also: Tensor | None = None) -> tuple[StoredAvatar, Person]:
        """Return the avatar, alone and as a person."""
        bar = Bar(1)
        bar.at(0)
        pictures = [to_pictures(image[:1])[0], *(() if also is None else to_pictures(also))]
        with ordinary_tensors(), tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
            photos = [Path(folder) / f"photo-{number}.png" for number in range(len(pictures))]
            for photo, rgb in zip(photos, pictures, strict=True):
                write_png(photo, rgb)
            stored = read_or_make_avatar(photos, AvatarOptions(person=who))
        bar.at(1)
        return stored, Person(stored.person.rgb, avatar=stored)


class LoadAvatar(Node):
    """An avatar of a file."""

    TITLE = "Load an avatar"
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

    def run(self, file: str) -> tuple[StoredAvatar, Person]:
        """Return the avatar, alone and as a person."""
        stored = load_avatar(Path(file))
        return stored, Person(stored.person.rgb, avatar=stored)


class SaveAvatar(Node):
    """A file of an avatar."""

    TITLE = "Save an avatar"
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

    def run(self, avatar: StoredAvatar, file: str) -> dict[str, Any]:
        """Write it, and tell where."""
        path = _output_folder() / file
        if path.suffix.lower() == ".glb":
            save_glb(path, avatar.person.avatar, name=path.stem, overwrite=True)
        elif path.suffix.lower() == ".safetensors":
            save_avatar(path, avatar)
        else:
            raise InputError("is no file of an avatar", subject=file, remedy="Give .glb or .safetensors")
        return {"ui": {"text": [str(path)]}}


class TurnAvatar(Node):
    """An avatar from all sides."""

    TITLE = "Turn an avatar"
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

    def run(self, avatar: StoredAvatar, frames: int, height: int) -> tuple[Tensor, Tensor]:
        """Return the frames, and the person's coverage of each."""
        bar = Bar(frames)
        pictures, mattes = [], []
        for number, rgba in enumerate(Turntable(avatar.person.avatar, height).turn(frames)):
            levels = np.rint(rgba).clip(0, 255).astype(np.uint8)
            pictures.append(levels[..., :3])
            mattes.append(levels[..., 3])
            bar.at(number + 1)
        return to_image(pictures), to_mask(mattes)


class Swap(Node):
    """A person in other clothes."""

    TITLE = "Change clothes"
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
                "who": WHO,
            }
        }

    def run(self, image: Tensor, clothes: Tensor, what: Any, engine: str, who: str) -> tuple[Tensor]:
        """Return the first picture's person, dressed."""
        bar = Bar()

        def told(stage: str, done: int, total: int) -> None:
            # the clothes are looked at first, then changed
            bar.at((50 if stage == "swap" else 0) + 50 * done / max(total, 1))

        with ordinary_tensors(), tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
            person, dressed, output = (Path(folder) / name for name in ("person.png", "clothes.png", "dressed.png"))
            write_png(person, to_pictures(image[:1])[0])
            write_png(dressed, to_pictures(clothes[:1])[0])
            swap(person, dressed, output, SwapOptions(what=what, engine=engine, person=who), progress=told)
            made = read_image(output).rgb
        return (to_image([made]),)


def _output_folder() -> Path:
    try:
        import folder_paths
    except ImportError:
        return Path()
    return Path(folder_paths.get_output_directory())
