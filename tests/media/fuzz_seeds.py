"""Small sound files of every container and picture format, to be damaged.

Made with OpenCV and PyAV, not with the code under test.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from made_media import corners_picture, level_picture, make_video, sine
from PIL import Image

try:
    import pillow_heif

    pillow_heif.register_heif_opener()
except ImportError:  # the extra `heic`
    pillow_heif = None

WIDTH, HEIGHT = 48, 32
FRAMES = 4

# an EXIF block that turns the picture: a TIFF directory of one short tag, 0x0112
_EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


def all_seeds(folder: Path) -> dict[str, bytes]:
    """Return what the three functions below do, by name; `folder` is to work in."""
    return {**picture_seeds(), **video_seeds(folder / "videos"), **sound_seeds(folder / "sounds")}


def picture_seeds() -> dict[str, bytes]:
    """Return files of every picture format that this build of OpenCV writes, by name."""
    color = corners_picture(WIDTH, HEIGHT)
    transparent = np.dstack([color, np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))])
    seeds: dict[str, bytes] = {}
    for name, ending, pixels, parameters in (
        ("color.jpg", ".jpg", color, []),
        ("progressive.jpg", ".jpg", color, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        ("color.png", ".png", color, []),
        ("deep.png", ".png", transparent.astype(np.uint16) * 257, []),
        ("lossy.webp", ".webp", color, [cv2.IMWRITE_WEBP_QUALITY, 80]),
        ("lossless.webp", ".webp", transparent, [cv2.IMWRITE_WEBP_QUALITY, 101]),
        ("color.tif", ".tif", color, []),
        ("alpha.tif", ".tif", transparent, []),
        ("color.bmp", ".bmp", color, []),
        ("color.ppm", ".ppm", color, []),
        ("letters.pgm", ".pgm", color[..., 0], [cv2.IMWRITE_PXM_BINARY, 0]),
        ("letters.ppm", ".ppm", color, [cv2.IMWRITE_PXM_BINARY, 0]),
        ("gray.pgm", ".pgm", color[..., 0], []),
        ("bits.pbm", ".pbm", color[..., 0], []),
        ("color.avif", ".avif", color, []),
        ("color.jp2", ".jp2", color, []),
    ):
        if cv2.haveImageWriter(f"a{ending}"):
            done, data = cv2.imencode(ending, pixels, parameters)
            assert done, name
            seeds[name] = data.tobytes()
    seeds |= _pillow_seeds(Image.fromarray(color))
    if pillow_heif is not None:
        # x265 crashes on smaller ones
        larger = Image.fromarray(cv2.resize(transparent, (64, 64)))
        seeds["color.heic"] = _heic(larger.convert("RGB"))
        seeds["alpha.heic"] = _heic(larger)
        seeds["several.heic"] = _heic(larger.convert("L"), save_all=True, append_images=[larger])
    seeds["turned.jpg"] = _with_exif(seeds["color.jpg"])
    seeds["gray.png"] = _gray_png()
    return seeds


def _pillow_seeds(color: Image.Image) -> dict[str, bytes]:
    """Return what OpenCV does not write: palettes, inks, and further ways in which a TIFF may be packed."""
    seeds = {}
    for name, picture, options in (
        ("palette.png", color.convert("P"), {"transparency": 3}),
        ("palette.bmp", color.convert("P"), {}),
        ("inks.jpg", color.convert("CMYK"), {}),
        ("fax.tif", color.convert("1"), {"compression": "group4"}),
        ("deflated.tif", color, {"compression": "tiff_deflate"}),
        ("jpeg.tif", color, {"compression": "jpeg"}),
        ("inks.tif", color.convert("CMYK"), {"compression": "tiff_lzw"}),
    ):
        stream = io.BytesIO()
        kind = {"bmp": "BMP", "jpg": "JPEG", "png": "PNG", "tif": "TIFF"}[name.rpartition(".")[2]]
        picture.save(stream, kind, **options)
        seeds[name] = stream.getvalue()
    return seeds


def _heic(picture: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "HEIF", quality=80, **options)
    return stream.getvalue()


def _with_exif(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(_EXIF) + 2) + _EXIF + jpeg[2:]


def _gray_png() -> bytes:
    """A gray picture of which one level is transparent, and that is to be turned."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes(range(y, y + WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"tRNS", b"\0\x10"),
        (b"eXIf", _EXIF[6:]),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)


@dataclass(frozen=True)
class _Clip:
    """The recipe of a clip.

    Codec, pixel format, codec of the sound that goes with it, and what its container asks for.
    """

    codec: str
    pixel_format: str
    sound_codec: str | None = None
    container: str | None = None  # by the file's ending where there is none
    size: tuple[int, int] = (WIDTH, HEIGHT)
    rate: Fraction = Fraction(25)
    options: dict[str, str] | None = None


_BROADCAST = (720, 576)
_TELEPHONE = (176, 144)
_NTSC = Fraction(30000, 1001)
_CLIPS: dict[str, _Clip] = {
    "h264.mp4": _Clip("libx264", "yuv420p", "aac"),
    # x265 and SVT-AV1 refuse or crash on smaller ones
    "hevc.mp4": _Clip("libx265", "yuv420p10le", size=(64, 64), options={"x265-params": "log-level=none"}),
    "av1.mp4": _Clip("libsvtav1", "yuv420p", "libopus", size=(64, 64)),
    "mpeg4.mov": _Clip("mpeg4", "yuv420p", "pcm_s16le"),
    "animation.mov": _Clip("qtrle", "argb"),
    "prores.mov": _Clip("prores_ks", "yuva444p10le"),
    "jpeg2000.mov": _Clip("jpeg2000", "yuv420p", "alac"),
    "cineform.mov": _Clip("cfhd", "yuv422p10le"),
    "ffv1.mkv": _Clip("ffv1", "yuv420p", "flac"),
    "vp8.webm": _Clip("libvpx", "yuv420p", "libopus"),
    "vp9.webm": _Clip("libvpx-vp9", "yuva420p"),
    "mjpeg.avi": _Clip("mjpeg", "yuvj420p", "mp3"),
    "raw.avi": _Clip("rawvideo", "bgr24"),
    "huffyuv.avi": _Clip("huffyuv", "yuv422p", "adpcm_ms"),
    "mpeg2.ts": _Clip("mpeg2video", "yuv420p", "mp2"),
    "mpeg1.mpg": _Clip("mpeg1video", "yuv420p"),
    "mpeg2.vob": _Clip("mpeg2video", "yuv420p", "ac3", "vob"),
    "flash.flv": _Clip("flv", "yuv420p"),
    "flash.swf": _Clip("flv", "yuv420p"),
    "windows.wmv": _Clip("wmv2", "yuv420p", "mp3", "asf"),
    "vp8.ogv": _Clip("libvpx", "yuv420p", "flac", "ogg"),
    "mpeg4.nut": _Clip("mpeg4", "yuv420p", "pcm_s16le"),
    "mpeg2.mxf": _Clip("mpeg2video", "yuv420p", "pcm_s16le"),
    "mpeg2.gxf": _Clip("mpeg2video", "yuv422p", size=_BROADCAST),
    "camera.dv": _Clip("dvvideo", "yuv420p", size=_BROADCAST),
    "real.rm": _Clip("rv10", "yuv420p", "ac3"),
    "real2.rm": _Clip("rv20", "yuv420p"),
    "recorded.wtv": _Clip("mpeg2video", "yuv420p", "mp2"),
    "stream.h264": _Clip("libx264", "yuv420p"),
    "stream.hevc": _Clip("libx265", "yuv420p", size=(64, 64), options={"x265-params": "log-level=none"}),
    "stream.obu": _Clip("libsvtav1", "yuv420p", size=(64, 64)),
    "stream.ivf": _Clip("libvpx", "yuv420p"),
    "stream.m4v": _Clip("mpeg4", "yuv420p", None, "m4v"),
    "stream.m2v": _Clip("mpeg2video", "yuv420p", None, "mpeg2video"),
    "stream.h261": _Clip("h261", "yuv420p", size=_TELEPHONE, rate=_NTSC),
    "stream.h263": _Clip("h263", "yuv420p", size=_TELEPHONE, rate=_NTSC),
    "stream.dnxhd": _Clip("dnxhd", "yuv422p", size=(256, 128), options={"profile": "dnxhr_lb"}),
    "animation.gif": _Clip("gif", "rgb8"),
    "still.gif": _Clip("gif", "rgb8"),
    "animation.png": _Clip("apng", "rgba", None, "apng"),
    "animation.webp": _Clip("libwebp_anim", "yuva420p"),
    "animation.avif": _Clip("libsvtav1", "yuv420p", size=(64, 64)),
}


def video_seeds(folder: Path) -> dict[str, bytes]:
    """Return files of every container whose encoder is in this build of FFmpeg, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {}
    for name, clip in _CLIPS.items():
        if not {clip.codec, clip.sound_codec or clip.codec} <= av.codecs_available:
            continue
        count = 1 if name.startswith("still") else FRAMES
        path = make_video(
            folder / name,
            [level_picture(index, *clip.size) for index in range(min(count, 2) if clip.size == _BROADCAST else count)],
            codec=clip.codec,
            pixel_format=clip.pixel_format,
            container_format=clip.container,
            options=clip.options,
            sound=None if clip.sound_codec is None else sine(0.1, channels=1),
            sound_codec=clip.sound_codec or "aac",
            rate=clip.rate,
            time_base=1 / clip.rate,
            gop=2,
        )
        seeds[name] = path.read_bytes()
    seeds["bright.mp4"] = _high_dynamic_range(folder / "bright.mp4")
    frame = b"FRAME\n" + bytes(WIDTH * HEIGHT * 3 // 2)
    seeds["raw.y4m"] = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420jpeg\n".encode() + frame * 2
    return seeds


# name: codec, samples a second
_SOUNDS: dict[str, tuple[str, int]] = {
    "sound.wav": ("adpcm_ima_wav", 44100),
    "sound.w64": ("pcm_s16le", 44100),
    "sound.aiff": ("pcm_s16be", 44100),
    "sound.au": ("pcm_mulaw", 44100),
    "sound.caf": ("alac", 44100),
    "sound.flac": ("flac", 44100),
    "sound.mp3": ("libmp3lame", 44100),
    "sound.aac": ("aac", 44100),
    "sound.latm": ("aac", 44100),
    "sound.m4a": ("aac", 44100),
    "sound.ac3": ("ac3", 44100),
    "sound.eac3": ("eac3", 44100),
    "sound.amr": ("libopencore_amrnb", 8000),
    "sound.tta": ("tta", 44100),
    "sound.wv": ("wavpack", 44100),
    "sound.voc": ("pcm_u8", 44100),
    "sound.oga": ("libopus", 48000),
    "sound.wma": ("wmav2", 44100),
}


def sound_seeds(folder: Path) -> dict[str, bytes]:
    """Return files of sound alone, by name: readers of videos refuse them, whoever copies sound may read them."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {}
    for name, (codec, rate) in _SOUNDS.items():
        if codec not in av.codecs_available:
            continue
        with av.open(str(folder / name), "w", format="asf" if name.endswith(".wma") else None) as output:
            stream = output.add_stream(codec, rate=rate)
            stream.codec_context.layout = "mono"
            if codec == "wmav2":
                stream.codec_context.bit_rate = 64_000
            frame = av.AudioFrame.from_ndarray(sine(0.1, channels=1, rate=rate), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        seeds[name] = (folder / name).read_bytes()
    return seeds


def _high_dynamic_range(path: Path) -> bytes:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries, stream.codec_context.colorspace = 16, 9, 9
        for index in range(2):
            frame = av.VideoFrame.from_ndarray(level_picture(index, WIDTH, HEIGHT), format="rgb24").reformat(
                format="yuv420p10le"
            )
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path.read_bytes()
