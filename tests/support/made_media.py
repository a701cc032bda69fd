"""Media for tests, made with PyAV directly and not with the code under test."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

# MP4 display matrices by clockwise degrees: (a b u; c d v; x y w), 16.16 fixed point, the last column 2.30
ONE, W = 1 << 16, 1 << 30
DISPLAY_MATRICES = {
    0: (ONE, 0, 0, 0, ONE, 0, 0, 0, W),
    90: (0, ONE, 0, -ONE, 0, 0, 0, 0, W),
    180: (-ONE, 0, 0, 0, -ONE, 0, 0, 0, W),
    270: (0, -ONE, 0, ONE, 0, 0, 0, 0, W),
}


def level_picture(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A flat gray whose level tells the index, for up to 32 frames."""
    return np.full((height, width, 3), 20 + 7 * index, np.uint8)


def index_of(rgb: np.ndarray) -> int:
    return round((float(rgb.mean()) - 20) / 7)


def corners_picture(width: int = 64, height: int = 48) -> np.ndarray:
    """Red, green, blue and white quarters, from top left by rows: tells every orientation from every other."""
    picture = np.zeros((height, width, 3), np.uint8)
    h, w = height // 2, width // 2
    picture[:h, :w] = (220, 20, 20)
    picture[:h, w:] = (20, 200, 20)
    picture[h:, :w] = (20, 20, 220)
    picture[h:, w:] = (230, 230, 230)
    return picture


def corner_names(rgb: np.ndarray) -> str:
    """The quarters' colors as letters r, g, b, w, from top left by rows."""
    height, width = rgb.shape[:2]
    names = ""
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            r, g, b = (int(v) for v in rgb[y, x])
            names += "w" if min(r, g, b) > 150 else "rgb"[int(np.argmax([r, g, b]))]
    return names


def make_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    *,
    ticks: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    rate: Fraction = Fraction(25),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_format: str | None = None,
    sound: np.ndarray | None = None,
    sound_codec: str = "aac",
    sound_rate: int = 48000,
    sound_start: float = 0.0,
    gop: int = 12,
    aspect: Fraction | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode flat or smooth pictures; `sound` is float32 (channels, n)."""
    defaults = {"libx264": {"crf": "10", "preset": "ultrafast"}}
    with av.open(str(path), "w", format=container_format, container_options=container_options or {}) as container:
        height, width = pictures[0].shape[:2]
        stream = container.add_stream(codec, rate=rate, options=options or defaults.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.time_base = stream.time_base = time_base
        stream.codec_context.gop_size = gop
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        audio = None
        if sound is not None:
            audio = container.add_stream(sound_codec, rate=sound_rate)
            audio.codec_context.layout = "mono" if sound.shape[0] == 1 else "stereo"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts = number if ticks is None else ticks[number]
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound), format="fltp", layout=audio.codec_context.layout.name
            )
            frame.sample_rate, frame.time_base = sound_rate, Fraction(1, sound_rate)
            frame.pts = round(sound_start * sound_rate)
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def patch_display_matrix(path: Path, matrix: Sequence[int]) -> None:
    """Overwrite the display matrix of an MP4's first track."""
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd") + 4
    place = header + 4 + (20 if content[header] == 0 else 32) + 16
    content[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)


def sine(seconds: float, *, frequency: float = 440.0, rate: int = 48000, channels: int = 2) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave.astype(np.float32), (channels, 1))


def read_times(path: Path) -> list[Fraction]:
    """Presentation times as PyAV reads them."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def read_pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def read_sound(path: Path) -> tuple[np.ndarray, float]:
    """All samples, float32 (channels, n), and the time of the first."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        start = float(frames[0].pts * frames[0].time_base)
        samples = []
        for frame in frames:
            values = frame.to_ndarray().astype(np.float32)
            if frame.format.name.startswith("s16"):
                values /= 32768
            elif frame.format.name.startswith("s32"):
                values /= 2**31
            # packed formats hold the channels' samples by turns
            samples.append(values if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels).T)
        return np.concatenate(samples, axis=1), start


def sound_packets(path: Path) -> list[tuple[bytes, Fraction]]:
    with av.open(str(path)) as container:
        return [(bytes(p), p.pts * p.time_base) for p in container.demux(audio=0) if p.size]
