"""The nodes for ComfyUI against its published contract, and what they compute against the library."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from comfyui_host import FakeComfy, Interrupted, PromptError, carry_out, check_node, check_prompt, load_nodes

from motionwarp.errors import InputError
from motionwarp.media.image import read_image
from motionwarp.media.reader import open_video
from motionwarp.motions.catalog import find_motion
from motionwarp.motions.files import load_library_motion
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.motion_library import show_motion
from motionwarp.pipeline.motion_options import ShowOptions

FRAMES = 4


class LoadImages:
    """Stands for ComfyUI's own loaders: an IMAGE, and a MASK that is 1 in the middle."""

    CATEGORY, FUNCTION, RETURN_TYPES = "image", "load", ("IMAGE", "MASK")
    images: ClassVar[dict[str, torch.Tensor]] = {}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": ("STRING", {"default": ""})}}

    def load(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        image = self.images[name]
        mask = torch.zeros(image.shape[:3])
        mask[:, 20:-20, 60:-60] = 1
        return image, mask


class Keep:
    """Stands for ComfyUI's own savers."""

    CATEGORY, FUNCTION, RETURN_TYPES, OUTPUT_NODE = "image", "keep", (), True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"images": ("IMAGE",)}}

    def keep(self, images: torch.Tensor) -> dict[str, Any]:
        return {"ui": {"count": [len(images)]}}


@pytest.fixture(scope="module")
def nodes(repository_root: Path) -> dict[str, Any]:
    photo = resized(read_image(repository_root / "examples" / "person.jpg").rgb, 180, 240)
    with open_video(repository_root / "examples" / "dance.mp4", end_seconds=0.8) as reader:
        clip = [resized(frame.rgb, 135, 240) for frame in reader if frame.index % 5 == 0]
    LoadImages.images = {
        "photo": torch.from_numpy(photo)[None].float() / 255,
        "clip": torch.from_numpy(np.stack(clip)).float() / 255,
    }
    assert len(clip) == FRAMES
    return {**load_nodes(repository_root / "integrations" / "comfyui"), "LoadImages": LoadImages, "Keep": Keep}


@pytest.fixture
def comfy(tmp_path: Path) -> Iterator[FakeComfy]:
    host = FakeComfy(tmp_path)
    with host.installed():
        yield host


def prompt_of(nodes: dict[str, Any], kind: str, inputs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A prompt with a node of a kind, its widgets as they are, after loaders; outputs that are images are kept."""
    required = nodes[kind].INPUT_TYPES()["required"]
    widgets = {
        name: given[1].get("default") for name, given in required.items() if len(given) > 1 and "default" in given[1]
    }
    prompt: dict[str, dict[str, Any]] = {
        "1": {"class_type": "LoadImages", "inputs": {"name": "photo"}},
        "2": {"class_type": "LoadImages", "inputs": {"name": "clip"}},
        "3": {"class_type": "MotionwarpLoadPerson", "inputs": {"image": ["1", 0], "who": "largest"}},
        "4": {"class_type": kind, "inputs": {**widgets, **inputs}},
    }
    if "IMAGE" in nodes[kind].RETURN_TYPES:
        prompt["5"] = {"class_type": "Keep", "inputs": {"images": ["4", nodes[kind].RETURN_TYPES.index("IMAGE")]}}
    return prompt


TRANSFER = {"person": ["3", 0], "driving": ["2", 0], "fps": 5.0, "engine": "layered"}


def test_every_class_is_a_node(nodes: dict[str, Any]) -> None:
    for node in nodes.values():
        check_node(node)
    assert {name for name in nodes if name.startswith("Motionwarp")} >= {
        "MotionwarpLoadPerson", "MotionwarpTransfer", "MotionwarpCheck", "MotionwarpPose", "MotionwarpLoadAvatar",
    }  # fmt: skip


def test_the_host_refuses_what_does_not_fit(nodes: dict[str, Any]) -> None:
    for wrong in ({"person": ["2", 0]}, {"smooth": 2.0}, {"engine": "none"}, {"background": 3}):
        with pytest.raises(PromptError):
            check_prompt(nodes, prompt_of(nodes, "MotionwarpTransfer", {**TRANSFER, **wrong}))


def test_a_transfer_gives_the_frames_of_the_library(nodes: dict[str, Any], comfy: FakeComfy, tmp_path: Path) -> None:
    given = carry_out(nodes, prompt_of(nodes, "MotionwarpTransfer", TRANSFER))
    frames, mask = given["4"]
    assert (tuple(frames.shape), frames.dtype) == ((FRAMES, 240, 180, 3), torch.float32)
    assert (tuple(mask.shape), mask.dtype) == ((FRAMES, 240, 180), torch.float32)
    assert float(frames.min()) >= 0
    assert float(frames.max()) <= 1
    # somebody stands in the middle, and nobody in the corners
    assert 0.05 < float(mask.mean()) < 0.5
    assert float(mask[:, :10, :10].max()) == 0
    import motionwarp
    from motionwarp.media.image import write_image
    from motionwarp.media.writer import open_writer

    write_image(tmp_path / "photo.png", to_bytes(LoadImages.images["photo"])[0])
    folder = tmp_path / "clip"
    with open_writer(folder / "%05d.png", width=135, height=240, frame_rate=Fraction(5)) as writer:
        for number, rgb in enumerate(to_bytes(LoadImages.images["clip"])):
            writer.write(rgb, number / 5)
    expected = [frame.rgb for frame in motionwarp.stream(tmp_path / "photo.png", folder, engine="layered")]
    assert np.array_equal(to_bytes(frames), np.stack(expected))
    # the bar goes on to its end, and never back
    assert comfy.bars == sorted(comfy.bars)
    assert comfy.bars[-1] == (100, 100)


def to_bytes(image: torch.Tensor) -> Any:
    return (image * 255).round().to(torch.uint8).numpy()


def test_a_cancel_leaves_nothing(
    nodes: dict[str, Any], comfy: FakeComfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    comfy.cancel_at = 50
    with pytest.raises(Interrupted):
        carry_out(nodes, prompt_of(nodes, "MotionwarpTransfer", TRANSFER))
    assert comfy.bars[-1][0] < 100
    assert list(scratch.iterdir()) == []


def test_poses_are_seen_once_and_used(nodes: dict[str, Any], comfy: FakeComfy) -> None:
    prompt = prompt_of(nodes, "MotionwarpTransfer", {**TRANSFER, "poses": ["6", 0]})
    prompt["6"] = {"class_type": "MotionwarpPose", "inputs": {"frames": ["2", 0], "fps": 5.0, "who": "largest"}}
    prompt["7"] = {"class_type": "Keep", "inputs": {"images": ["6", 1]}}
    given = carry_out(nodes, prompt)
    poses, drawn = given["6"]
    assert poses.track.present.all()
    assert tuple(drawn.shape) == (FRAMES, 240, 135, 3)
    assert (drawn != LoadImages.images["clip"]).any(-1).float().mean() > 0.005
    plain = carry_out(nodes, prompt_of(nodes, "MotionwarpTransfer", TRANSFER))
    # read back from a file of rounded points
    assert float((given["4"][0] - plain["4"][0]).abs().mean()) < 0.02


def test_a_motion_of_the_library_drives_a_person(nodes: dict[str, Any], comfy: FakeComfy) -> None:
    by_name = {"person": ["3", 0], "motion": ["6", 0], "engine": "layered", "background": "color", "color": "#00ff00"}
    prompt = prompt_of(nodes, "MotionwarpTransfer", by_name)
    prompt["6"] = {"class_type": "MotionwarpLoadMotion", "inputs": {"name": "high-five"}}
    del prompt["2"]
    frames, mask = carry_out(nodes, prompt)["4"]
    motion = load_library_motion(find_motion("high-five").path).motion
    assert len(frames) == len(mask) == pytest.approx(motion.duration_seconds * motion.frame_rate, abs=1)
    green = torch.tensor([0.0, 1.0, 0.0])
    assert float((frames[mask == 0] - green).abs().max()) < 0.01
    # somebody is there, and moves
    assert 0.05 < float(mask.mean()) < 0.5
    assert float((mask[0] - mask[len(mask) // 4]).abs().mean()) > 1e-4


def test_motion_capture_goes_before_a_name(nodes: dict[str, Any], tmp_path: Path) -> None:
    node = nodes["MotionwarpLoadMotion"]()
    bvh = tmp_path / "mine.bvh"
    show_motion(load_library_motion(find_motion("nod").path), ShowOptions(output=bvh))
    assert node.run("wave", str(bvh))[0].path == bvh
    assert node.run("wave")[0].path == find_motion("wave").path
    assert node.IS_CHANGED("wave", str(bvh)) == bvh.stat().st_mtime
    with pytest.raises(InputError, match="no motion capture"):
        node.run("wave", str(tmp_path / "dance.mp4"))


def test_something_must_drive_the_person(nodes: dict[str, Any]) -> None:
    (person,) = nodes["MotionwarpLoadPerson"]().run(LoadImages.images["photo"], "largest")
    with pytest.raises(InputError, match="nothing drives"):
        nodes["MotionwarpCheck"]().run(person, 25.0, "layered", "largest")


def test_a_check_tells_its_verdict(nodes: dict[str, Any], comfy: FakeComfy) -> None:
    inputs = {"person": ["3", 0], "driving": ["2", 0], "fps": 5.0, "engine": "layered"}
    verdict, report, preview = carry_out(nodes, prompt_of(nodes, "MotionwarpCheck", inputs))["4"]
    assert verdict in ("good", "fair", "poor")
    assert report.startswith(f"{verdict}: about")
    assert preview.shape[0] == 1
    assert preview.shape[1] >= 360


def test_a_mask_is_taken_for_the_person(nodes: dict[str, Any]) -> None:
    prompt = prompt_of(nodes, "MotionwarpCheck", {})
    prompt["3"]["inputs"]["mask"] = ["1", 1]
    del prompt["4"], prompt["5"]
    photo, mask = LoadImages().load("photo")
    (person,) = nodes["MotionwarpLoadPerson"]().run(photo, "0", mask)
    assert person.matte.shape == (240, 180)
    assert set(np.unique(person.matte)) == {0, 255}
    assert np.array_equal(person.rgb, to_bytes(photo)[0])
    with pytest.raises(ValueError, match="the mask is"):
        nodes["MotionwarpLoadPerson"]().run(photo, "0", mask[:, :100])


def test_an_avatar_is_made_saved_loaded_and_turned(nodes: dict[str, Any], comfy: FakeComfy, tmp_path: Path) -> None:
    prompt = prompt_of(nodes, "MotionwarpMakeAvatar", {"image": ["1", 0]})
    for number, name in (("6", "alice.glb"), ("7", "alice.safetensors")):
        prompt[number] = {"class_type": "MotionwarpSaveAvatar", "inputs": {"avatar": ["4", 0], "file": name}}
    carry_out(nodes, prompt)
    assert (tmp_path / "alice.glb").read_bytes()[:4] == b"glTF"
    again = {
        "1": {"class_type": "MotionwarpLoadAvatar", "inputs": {"file": str(tmp_path / "alice.safetensors")}},
        "2": {"class_type": "MotionwarpTurnAvatar", "inputs": {"avatar": ["1", 0], "frames": 3, "height": 120}},
        "3": {"class_type": "Keep", "inputs": {"images": ["2", 0]}},
        "4": {"class_type": "LoadImages", "inputs": {"name": "clip"}},
        "6": {"class_type": "Keep", "inputs": {"images": ["5", 0]}},
    }
    transfer = prompt_of(nodes, "MotionwarpTransfer", {"person": ["1", 1], "driving": ["4", 0], "engine": "avatar"})
    given = carry_out(nodes, {**again, "5": transfer["4"]})
    assert tuple(given["5"][0].shape) == (FRAMES, 240, 180, 3)
    frames, mask = given["2"]
    assert frames.shape[0] == mask.shape[0] == 3
    assert frames.shape[1] <= 120
    assert 0.05 < float(mask.mean()) < 0.9
    assert float(frames[mask == 0].max()) == 0


def test_clothes_are_changed(nodes: dict[str, Any], comfy: FakeComfy) -> None:
    prompt = prompt_of(nodes, "MotionwarpSwap", {"image": ["1", 0], "clothes": ["2", 0], "what": "upper"})
    (dressed,) = carry_out(nodes, prompt)["4"]
    photo = LoadImages.images["photo"]
    assert dressed.shape == photo.shape
    changed = (dressed - photo).abs().amax(-1)[0] > 0.1
    # the chest, but neither the head's surroundings nor the feet
    assert changed[70:120, 70:110].float().mean() > 0.3
    assert not changed[:20].any()
