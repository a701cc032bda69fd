"""Small sound files of every container and picture format, to be damaged: made with OpenCV and PyAV, not with the code under test."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from made_media import corners_picture, level_picture, make_video, sine
from PIL import Image

try:
    import pillow_heif
except ImportError:  # the extra `heic`
    pillow_heif = None

WIDTH, HEIGHT = 48, 32
FRAMES = 4

# an EXIF block that turns the picture: a TIFF directory of one short tag, 0x0112
_EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


def picture_seeds() -> dict[str, bytes]:
    """Return files of every picture format that this build of OpenCV writes, by name."""
    colour = corners_picture(WIDTH, HEIGHT)
    transparent = np.dstack([colour, np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))])
    seeds: dict[str, bytes] = {}
    for name, ending, pixels, parameters in (
        ("colour.jpg", ".jpg", colour, []),
        ("progressive.jpg", ".jpg", colour, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        ("colour.png", ".png", colour, []),
        ("deep.png", ".png", transparent.astype(np.uint16) * 257, []),
        ("lossy.webp", ".webp", colour, [cv2.IMWRITE_WEBP_QUALITY, 80]),
        ("lossless.webp", ".webp", transparent, [cv2.IMWRITE_WEBP_QUALITY, 101]),
        ("colour.tif", ".tif", colour, []),
        ("alpha.tif", ".tif", transparent, []),
        ("colour.bmp", ".bmp", colour, []),
        ("colour.ppm", ".ppm", colour, []),
        ("letters.pgm", ".pgm", colour[..., 0], [cv2.IMWRITE_PXM_BINARY, 0]),
        ("colour.avif", ".avif", colour, []),
        ("colour.jp2", ".jp2", colour, []),
    ):
        if cv2.haveImageWriter(f"a{ending}"):
            done, data = cv2.imencode(ending, pixels, parameters)
            assert done, name
            seeds[name] = data.tobytes()
    if pillow_heif is not None:
        seeds["colour.heic"] = _heic(colour)
    seeds["turned.jpg"] = _with_exif(seeds["colour.jpg"])
    seeds["grey.png"] = _grey_png()
    return seeds


def _heic(colour: np.ndarray) -> bytes:
    stream = io.BytesIO()
    # x265 crashes on smaller ones
    pillow_heif.from_pillow(Image.fromarray(cv2.resize(colour, (64, 64)))).save(stream, quality=80)
    return stream.getvalue()


def _with_exif(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(_EXIF) + 2) + _EXIF + jpeg[2:]


def _grey_png() -> bytes:
    """A grey picture of which one level is transparent, and that is to be turned."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes(range(y, y + WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"tRNS", b"\0\x10"), (b"eXIf", _EXIF[6:]), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)


# name: codec, pixel format, codec to go with sound or None, container
_VIDEOS: dict[str, tuple[str, str, str | None, str | None]] = {
    "h264.mp4": ("libx264", "yuv420p", "aac", None),
    "hevc.mp4": ("libx265", "yuv420p10le", None, None),
    "mpeg4.mov": ("mpeg4", "yuv420p", "pcm_s16le", None),
    "animation.mov": ("qtrle", "argb", None, None),
    "prores.mov": ("prores_ks", "yuva444p10le", None, None),
    "ffv1.mkv": ("ffv1", "yuv420p", "flac", None),
    "vp8.webm": ("libvpx", "yuv420p", "libopus", None),
    "vp9.webm": ("libvpx-vp9", "yuva420p", None, None),
    "mjpeg.avi": ("mjpeg", "yuvj420p", "mp3", None),
    "raw.avi": ("rawvideo", "bgr24", None, None),
    "mpeg2.ts": ("mpeg2video", "yuv420p", "mp2", None),
    "mpeg1.mpg": ("mpeg1video", "yuv420p", None, None),
    "flash.flv": ("flv", "yuv420p", None, None),
    "animation.gif": ("gif", "rgb8", None, None),
    "still.gif": ("gif", "rgb8", None, None),
    "animation.png": ("apng", "rgba", None, "apng"),
}


def video_seeds(folder: Path) -> dict[str, bytes]:
    """Return files of every container whose encoder is in this build of FFmpeg, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {}
    for name, (codec, pixel_format, sound_codec, container) in _VIDEOS.items():
        if codec not in av.codecs_available or (sound_codec is not None and sound_codec not in av.codecs_available):
            continue
        count = 1 if name.startswith("still") else FRAMES
        # x265 crashes on smaller ones
        width, height = (64, 64) if codec == "libx265" else (WIDTH, HEIGHT)
        path = make_video(
            folder / name,
            [level_picture(i, width, height) for i in range(count)],
            codec=codec,
            pixel_format=pixel_format,
            container_format=container,
            options={"x265-params": "log-level=none"} if codec == "libx265" else None,
            sound=None if sound_codec is None else sine(0.1, channels=1),
            sound_codec=sound_codec or "aac",
            gop=2,
        )
        seeds[name] = path.read_bytes()
    seeds["bright.mp4"] = _high_dynamic_range(folder / "bright.mp4")
    frame = b"FRAME\n" + bytes(WIDTH * HEIGHT * 3 // 2)
    seeds["raw.y4m"] = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420jpeg\n".encode() + frame * 2
    return seeds


def _high_dynamic_range(path: Path) -> bytes:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries, stream.codec_context.colorspace = 16, 9, 9
        for index in range(2):
            frame = av.VideoFrame.from_ndarray(level_picture(index, WIDTH, HEIGHT), format="rgb24").reformat(format="yuv420p10le")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path.read_bytes()
