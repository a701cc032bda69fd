"""Animated WebP and APNG, GIFs under a limit of bytes, and sprite sheets, each opened by Pillow."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from motionwarp.errors import MediaError, OptionError, OutputError
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video
from motionwarp.media.sprite_sheet_writer import layout
from motionwarp.media.writer import open_writer

TIMES = (0.0, 0.04, 0.1, 0.2, 0.24)
END = 0.5
TAGS = {"comment": "Synthetic <video> & more", "synthetic": "true"}


def drawn(index: int, width: int = 96, height: int = 128, *, noisy: bool = False) -> np.ndarray[Any, Any]:
    """A figure that moves to the right on nothing, half transparent at its top."""
    picture = np.zeros((height, width, 4), np.uint8)
    left = 8 + 6 * index
    picture[30:110, left : left + 40] = [200, 30 * index, 60, 255]
    picture[20:30, left + 10 : left + 20] = [20, 160, 40, 128]
    if noisy:
        grain = np.random.default_rng(index).integers(0, 256, (80, 40, 3), dtype=np.uint8)
        picture[30:110, left : left + 40, :3] = grain
    return picture


def written(path: Path, *, alpha: bool = True, options: EncodeOptions | None = None, noisy: bool = False) -> list[str]:
    with open_writer(
        path, width=96, height=128, frame_rate=Fraction(20), alpha=alpha, options=options, metadata=TAGS
    ) as writer:
        for index, seconds in enumerate(TIMES):
            picture = drawn(index, noisy=noisy)
            writer.write(picture if alpha else np.ascontiguousarray(picture[..., :3]), seconds)
        writer.end_at(END)
    return writer.warnings


def opened(path: Path) -> tuple[list[np.ndarray[Any, Any]], list[int]]:
    frames, durations = [], []
    with Image.open(path) as picture:
        for frame in ImageSequence.Iterator(picture):
            frame.load()
            frames.append(np.asarray(frame.convert("RGBA")).astype(int))
            durations.append(round(frame.info["duration"]))
    return frames, durations


@pytest.mark.parametrize(("name", "options", "error"), [
    ("a.apng", None, 0), ("a.webp", EncodeOptions(crf=0), 0), ("a.webp", None, 5),
])  # fmt: skip
def test_animations_keep_alpha_times_and_what_they_are(
    tmp_path: Path, name: str, options: EncodeOptions | None, error: int
) -> None:
    assert written(tmp_path / name, options=options) == []
    frames, durations = opened(tmp_path / name)
    assert durations == [40, 60, 100, 40, 260]
    for index, frame in enumerate(frames):
        expected = drawn(index).astype(int)
        assert (frame[..., 3] == expected[..., 3]).all()
        seen = expected[..., 3] > 0
        assert np.abs(frame - expected)[seen].mean() <= error
    with Image.open(tmp_path / name) as picture:
        assert picture.info["loop"] == 0
        told = str(picture.info.get("xmp") or picture.text)  # type: ignore[attr-defined]
    assert "Synthetic" in told
    assert "synthetic" in told


@pytest.mark.parametrize("name", ["a.apng", "a.webp"])
def test_animations_without_alpha_are_opaque(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, alpha=False)
    frames, _ = opened(tmp_path / name)
    assert all((frame[..., 3] == 255).all() for frame in frames)


@pytest.mark.parametrize("name", ["a.apng", "a.webp"])
def test_what_is_written_is_read_as_a_clip(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, options=EncodeOptions(crf=0) if name == "a.webp" else None)
    info = probe_video(tmp_path / name)
    assert (info.width, info.height, info.has_alpha, info.has_audio) == (96, 128, True, False)
    with open_video(tmp_path / name) as reader:
        frames = list(reader)
    assert [round(frame.pts_seconds, 3) for frame in frames] == list(TIMES)
    for frame in frames:
        expected = drawn(frame.index)
        assert frame.alpha is not None
        assert (frame.alpha == expected[..., 3]).all()
        assert (frame.rgb == expected[..., :3])[expected[..., 3] > 0].all()
    assert reader.clip_end_seconds == pytest.approx(END, abs=1e-3 if name == "a.webp" else 0.05)


def test_a_section_of_webp_begins_at_its_start(tmp_path: Path) -> None:
    written(tmp_path / "a.webp", options=EncodeOptions(crf=0))
    with open_video(tmp_path / "a.webp", start_seconds=0.1, end_seconds=0.24) as reader:
        frames = list(reader)
    assert [round(frame.pts_seconds, 3) for frame in frames] == [0.0, 0.1]
    assert (frames[0].rgb[30:110, 20:60] == drawn(2)[30:110, 20:60, :3]).all()


def test_webp_of_another_program_is_read(tmp_path: Path) -> None:
    """Pillow's own frames lie over each other, are cleared and blended: all ways that the container knows."""
    pictures = [Image.fromarray(drawn(index)) for index in range(5)]
    for number, settings in enumerate(({"lossless": True}, {"lossless": True, "minimize_size": True}, {"quality": 95})):
        path = tmp_path / f"{number}.webp"
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[40, 60, 100, 40, 260], **settings)
        frames, durations = opened(path)
        with open_video(path) as reader:
            ours = list(reader)
        assert [round(1000 * frame.pts_seconds) for frame in ours] == [0, *np.cumsum(durations)[:-1].tolist()]
        for frame, theirs in zip(ours, frames, strict=True):
            assert frame.alpha is not None
            assert np.abs(frame.alpha.astype(int) - theirs[..., 3]).max() <= 1
            seen = theirs[..., 3] > 0
            assert np.abs(frame.rgb.astype(int) - theirs[..., :3])[seen].max() <= 2


def test_damaged_webp_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    written(path)
    whole = path.read_bytes()
    second = whole.index(b"ANMF", whole.index(b"ANMF") + 4)
    path.write_bytes(whole[:second] + b"ANMF" + whole[second + 4 : second + 40] + b"\xff" * 60 + whole[second + 100 :])
    with open_video(path) as reader:
        assert len(list(reader)) == 4
    assert reader.warnings == ["1 broken frames were left out: 1"]
    path.write_bytes(whole[: whole.index(b"ANMF") + 30])
    with pytest.raises(MediaError, match="no frame in this WebP"):
        open_video(path)
    outside = bytearray(whole)
    outside[second + 8 : second + 11] = b"\xff\xff\x00"
    path.write_bytes(outside)
    with pytest.raises(MediaError, match="frame 1 lies outside"):
        open_video(path)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng", "a.webm"])
def test_a_limit_of_bytes_is_kept_and_told(tmp_path: Path, name: str) -> None:
    written(tmp_path / f"free{name}", noisy=True)
    free = (tmp_path / f"free{name}").stat().st_size
    limit = max(round(0.45 * free), 1000)
    warnings = written(tmp_path / name, options=EncodeOptions(max_bytes=limit), noisy=True)
    assert 0.2 * limit < (tmp_path / name).stat().st_size <= limit
    assert any(f"to stay within {limit} bytes it was encoded with" in text for text in warnings)
    with open_video(tmp_path / name) as reader:
        assert len(list(reader)) == len(TIMES)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, f"free{name}"])
    untouched = written(tmp_path / f"large{name}", options=EncodeOptions(max_bytes=10**7))
    assert not any("to stay within" in text for text in untouched)


def test_what_cannot_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="do not fit into 1000 bytes"):
        written(tmp_path / "a.webp", options=EncodeOptions(max_bytes=1000, may_shrink=False), noisy=True)
    with pytest.raises(OptionError, match="without loss"):
        written(tmp_path / "a.png", options=EncodeOptions(max_bytes=1000))
    assert list(tmp_path.iterdir()) == []


def test_a_limited_gif_has_clean_edges(tmp_path: Path) -> None:
    written(tmp_path / "a.gif", options=EncodeOptions(max_bytes=100_000))
    frames, _ = opened(tmp_path / "a.gif")
    for index, frame in enumerate(frames):
        expected = drawn(index)
        assert ((frame[..., 3] > 0) == (expected[..., 3] >= 128)).all()
        solid = expected[..., 3] == 255
        assert np.abs(frame - expected)[solid].mean() < 4


def test_a_sheet_holds_every_frame_where_its_description_says(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.png", width=96, height=128, frame_rate=Fraction(20), alpha=True) as writer:
        writer.stands_at = 48.0, 110.0
        for index, seconds in enumerate(TIMES):
            writer.write(drawn(index), seconds)
        writer.end_at(END)
    told = json.loads((tmp_path / "a.json").read_text())
    with Image.open(tmp_path / "a.png") as picture:
        sheet = np.asarray(picture)
    assert told["meta"]["image"] == "a.png"
    assert (told["meta"]["size"]["w"], told["meta"]["size"]["h"]) == sheet.shape[1::-1]
    assert [frame["duration"] for frame in told["frames"]] == [40, 60, 100, 40, 260]
    for index, frame in enumerate(told["frames"]):
        box, cut = frame["frame"], frame["spriteSourceSize"]
        whole = np.zeros((128, 96, 4), np.uint8)
        whole[cut["y"] : cut["y"] + cut["h"], cut["x"] : cut["x"] + cut["w"]] = sheet[
            box["y"] : box["y"] + box["h"], box["x"] : box["x"] + box["w"]
        ]
        assert (whole == drawn(index)).all()
        assert frame["pivot"] == {"x": 0.5, "y": round(110 / 128, 5)}
        assert frame["trimmed"]


def test_an_existing_description_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        written(tmp_path / "a.png")
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_sheets_place_rectangles_apart() -> None:
    generator = np.random.default_rng(3)
    sizes = [tuple(generator.integers(1, 60, 2).tolist()) for _ in range(80)]
    places, (width, height) = layout(sizes)  # type: ignore[arg-type]
    taken = np.zeros((height, width), int)
    for (x, y), (w, h) in zip(places, sizes, strict=True):
        taken[y : y + h, x : x + w] += 1
    assert taken.max() == 1
    assert taken.mean() > 0.7
    assert max(width, height) < 2 * min(width, height)
