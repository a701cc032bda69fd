"""Interlaced clips: a moving bar whose rows come from two moments has straight edges afterwards."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from motionwarp.media.reader import open_video


def woven_clip(path: Path, *, interlaced: bool, codec: str = "libx264", count: int = 12) -> Path:
    """A bar that moves by eight pixels a frame; the lower rows of interlaced frames are half a frame later."""
    with av.open(str(path), "w") as container:
        options = {"crf": "4", "preset": "ultrafast"} if codec == "libx264" else {"b": "6000000"}
        if interlaced:
            options |= {"flags": "+ilme+ildct"} | ({"x264-params": "tff=1"} if codec == "libx264" else {})
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 192, 96, "yuv420p"
        graph = av.filter.Graph()
        source = graph.add_buffer(width=192, height=96, format=av.VideoFormat("yuv420p"), time_base=Fraction(1, 25))
        marking = graph.add("setfield", "mode=tff" if interlaced else "mode=prog")
        source.link_to(marking)
        marking.link_to(graph.add("buffersink"))
        graph.configure()
        for index in range(count):
            rgb = np.full((96, 192, 3), 40, np.uint8)
            left = 10 + 8 * index
            rgb[::2, left : left + 40] = 210
            later = left + (4 if interlaced else 0)
            rgb[1::2, later : later + 40] = 210
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            graph.push(frame)
            container.mux(stream.encode(graph.pull()))
        container.mux(stream.encode(None))
    return path


def combing(rgb: np.ndarray) -> float:
    """Mean difference of neighboring rows, of those over the bar's height."""
    return float(np.abs(np.diff(rgb[16:80, :, 1].astype(float), axis=0)).mean())


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mpg", "mpeg2video"), ("a.ts", "libx264")])
def test_interlaced_clips_become_whole_frames(tmp_path: Path, name: str, codec: str) -> None:
    path = woven_clip(tmp_path / name, interlaced=True, codec=codec)
    with av.open(str(path)) as container:
        stored = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with open_video(path) as reader:
        frames = list(reader)
    assert len(frames) == len(stored) == 12
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], np.arange(12) / 25, atol=2e-3)
    for before, after in zip(stored[1:-1], frames[1:-1], strict=True):
        assert combing(before) > 4
        assert combing(after.rgb) < 0.25 * combing(before)


def test_progressive_clips_are_left_alone(tmp_path: Path) -> None:
    path = woven_clip(tmp_path / "a.mp4", interlaced=False)
    with av.open(str(path)) as container:
        assert not any(frame.interlaced_frame for frame in container.decode(video=0))
    with open_video(path) as reader:
        frames = list(reader)
    edges = [np.flatnonzero(frame.rgb[50, :, 1] > 125)[0] for frame in frames]
    np.testing.assert_allclose(edges, 10 + 8 * np.arange(12), atol=1)
