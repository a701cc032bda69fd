"""Which codecs go into which container, which encoders make them, and with what settings.

The defaults keep near-transparent quality at a speed that leaves two processor cores time for the rest. Frames are
never reordered (no B-frames): each packet then holds its own frame's exact time and duration, the last one's included,
for some 15 % more bytes.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from motionwarp.errors import OptionError, OutputError

# frames of more pixels are looked ahead of in small numbers: x264 keeps some 30 MB of each at 4K
_LARGE_PIXELS = 4_000_000
_FEW_FRAMES_AHEAD = "rc-lookahead=4:sync-lookahead=0"
_X26X_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode.

    Attributes
    ----------
    codec : str
        "auto", or one of "h264", "hevc", "av1", "vp9", "prores", "ffv1"; what does not fit the container is refused.
    crf : float or None
        Constant quality, smaller is better; None for the codec's default. H.264 and HEVC 0 to 51, AV1 1 to 63, VP9 0 to
        63.
    preset : str or None
        Speed; None for the codec's default. H.264 and HEVC "ultrafast" to "veryslow", AV1 "0" (slow) to "13", VP9 "0"
        to "9".
    threads : int
        Number of threads of the encoder; 0 leaves the choice to it.
    max_bytes : int or None
        What the file may take: quality, and then the size of the frames, give way to it.
    may_shrink : bool
        Whether frames may become smaller for `max_bytes`.
    """

    codec: str = "auto"
    crf: float | None = None
    preset: str | None = None
    threads: int = 0
    max_bytes: int | None = None
    may_shrink: bool = True

    def __post_init__(self) -> None:
        if self.codec != "auto" and self.codec not in CODECS:
            raise OptionError(f"there is no codec '{self.codec}'", remedy=f"Use auto, {', '.join(CODECS)}")
        if self.threads < 0:
            raise OptionError(f"the encoder cannot have {self.threads} threads", remedy="Give 0 or more")


@dataclass(frozen=True)
class Codec:
    """One codec and how to drive its encoder.

    Attributes
    ----------
    name : str
    encoders : tuple of str
        FFmpeg's names, best first; the first that the build has is taken.
    pixel_format : str
    alpha_pixel_format : str or None
        None where the codec carries no alpha.
    default_crf : float or None
        None where the codec has no constant quality setting.
    crf_range : tuple of float
    presets : tuple of str
        Allowed ones; empty where the codec has none.
    default_preset : str
    preset_option : str
        FFmpeg's name of the option that takes the preset.
    options : mapping of str
        Further options of the encoder.
    alpha_options : mapping of str
        Further ones where there is alpha, which go before `options`.
    min_side : int
        What the encoder can do; smaller pictures are padded.
    tag : str or None
        Four letters for MP4 and MOV where the muxer's own choice plays in fewer programs.
    """

    name: str
    encoders: tuple[str, ...]
    pixel_format: str
    alpha_pixel_format: str | None = None
    default_crf: float | None = None
    crf_range: tuple[float, float] = (0, 51)
    presets: tuple[str, ...] = ()
    default_preset: str = ""
    preset_option: str = "preset"
    options: Mapping[str, str] = field(default_factory=dict)
    alpha_options: Mapping[str, str] = field(default_factory=dict)
    min_side: int = 2
    tag: str | None = None

    def encoder(self) -> str:
        """Return FFmpeg's name of the encoder to use.

        Raises
        ------
        OutputError
            If this build of PyAV has none.
        """
        for name in self.encoders:
            if name in av.codecs_available and _is_encoder(name):
                return name
        raise OutputError(
            f"this build of PyAV {av.__version__} cannot encode {self.name}",
            remedy="Choose another codec, such as h264 or vp9",
        )

    def encoder_options(self, options: EncodeOptions, *, alpha: bool, pixels: int) -> dict[str, str]:
        """Return FFmpeg's options for the encoder.

        Parameters
        ----------
        options : EncodeOptions
        alpha : bool
        pixels : int
            Of a frame.

        Raises
        ------
        OptionError
            If crf or preset is out of range, or the codec has no such setting.
        """
        chosen = {**self.options, **(self.alpha_options if alpha else {})}
        if self.default_crf is not None:
            chosen["crf"] = f"{self._checked_crf(options.crf):g}"
        elif options.crf is not None:
            raise OptionError(f"{self.name} has no constant quality setting", subject="crf", remedy="Leave it out")
        if self.presets:
            preset = self.default_preset if options.preset is None else options.preset
            if preset not in self.presets:
                raise OptionError(
                    f"{self.name} has no preset '{preset}'",
                    subject="preset",
                    remedy=f"Use one of {', '.join(self.presets)}",
                )
            chosen[self.preset_option] = preset
        elif options.preset is not None:
            raise OptionError(f"{self.name} has no presets", subject="preset", remedy="Leave it out")
        if self.encoder() == "libx264":
            params = []
            if _has_avx512():
                # x264's AVX-512 code for the macroblock tree takes in memory that nobody has set: at many sizes one run
                # in thirty gives other bytes for the same pictures. With AVX2 it is as fast
                params.append("asm=AVX2")
            if pixels > _LARGE_PIXELS:
                params.append(_FEW_FRAMES_AHEAD)
            if params:
                chosen["x264-params"] = ":".join(params)
        return chosen

    def _checked_crf(self, crf: float | None) -> float:
        low, high = self.crf_range
        if crf is None:
            assert self.default_crf is not None
            return self.default_crf
        if not low <= crf <= high:
            raise OptionError(
                f"{crf} is out of range for {self.name}", subject="crf", remedy=f"Give {low:g} to {high:g}"
            )
        return crf


def _is_encoder(name: str) -> bool:
    try:
        av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


@functools.cache
def _has_avx512() -> bool:
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    # X86_V4 is what newer NumPy calls the level of x86 that has it
    return any(name.startswith(("AVX512", "X86_V4")) for name in (*extensions["baseline"], *extensions["found"]))


CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf"),
            "yuv420p",
            default_crf=18,
            presets=_X26X_PRESETS,
            default_preset="veryfast",
            options={"bf": "0"},
        ),
        Codec(
            "hevc",
            ("libx265", "hevc_videotoolbox"),
            "yuv420p",
            default_crf=20,
            presets=_X26X_PRESETS,
            default_preset="superfast",
            options={"bf": "0", "x265-params": "bframes=0:log-level=error"},
            # x265 writes beyond its memory where a picture is 33 to 48 pixels wide, whatever its blocks
            min_side=64,
            tag="hvc1",
        ),
        Codec(
            "av1",
            ("libsvtav1",),
            "yuv420p",
            default_crf=30,
            crf_range=(1, 63),
            presets=tuple(str(speed) for speed in range(14)),
            default_preset="8",
            min_side=64,
        ),
        Codec(
            "vp9",
            ("libvpx-vp9",),
            "yuv420p",
            alpha_pixel_format="yuva420p",
            default_crf=24,
            crf_range=(0, 63),
            presets=tuple(str(speed) for speed in range(10)),
            default_preset="6",
            preset_option="cpu-used",
            # alternative reference frames are hidden packets, which would have no place in the alpha layer
            options={"b": "0", "deadline": "realtime", "row-mt": "1", "auto-alt-ref": "0", "lag-in-frames": "0"},
        ),
        Codec(
            "prores",
            ("prores_ks",),
            "yuv422p10le",
            alpha_pixel_format="yuva444p10le",
            # profiles by number, since FFmpeg 7.0 does not know their names: 422 HQ and 4444
            options={"vendor": "apl0", "profile": "3"},
            alpha_options={"profile": "4"},
        ),
        Codec("ffv1", ("ffv1",), "yuv444p", alpha_pixel_format="yuva444p", options={"level": "3", "slices": "4"}),
    )
}


@dataclass(frozen=True)
class ContainerFormat:
    """One container that can be written.

    Attributes
    ----------
    muxer : str
        FFmpeg's name.
    codecs : tuple of str
        Names in `CODECS`; the first is the default.
    alpha_codec : str or None
        The default where alpha is asked for; None if the container cannot carry it.
    copied_audio : frozenset of str or None
        Audio codecs that go in as they are; None for all.
    audio_encoder : str
        For those that do not.
    options : mapping of str
        Options of the muxer.
    keeps_early_audio : bool
        Whether sound may start before time 0, to be cut off by the player: MP4 and MOV have edit lists for that.
    """

    muxer: str
    codecs: tuple[str, ...]
    alpha_codec: str | None
    copied_audio: frozenset[str] | None
    audio_encoder: str
    options: Mapping[str, str] = field(default_factory=dict)
    keeps_early_audio: bool = False


_MOV_OPTIONS = {"movflags": "+faststart+use_metadata_tags"}
# the format takes Opus too, but QuickTime, Windows' players and editors are silent then
_MP4_AUDIO = frozenset(("aac", "mp3", "ac3", "eac3", "alac"))
_PCM = frozenset(("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le"))
_MP4 = ContainerFormat(
    "mp4", ("h264", "hevc", "av1", "vp9"), None, _MP4_AUDIO, "aac", _MOV_OPTIONS, keeps_early_audio=True
)

CONTAINERS: dict[str, ContainerFormat] = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": ContainerFormat(
        "mov",
        ("h264", "hevc", "prores"),
        "prores",
        frozenset(("aac", "mp3", "ac3", "eac3", "alac")) | _PCM,
        "aac",
        _MOV_OPTIONS,
        keeps_early_audio=True,
    ),
    ".webm": ContainerFormat("webm", ("vp9", "av1"), "vp9", frozenset(("opus", "vorbis")), "libopus"),
    ".mkv": ContainerFormat("matroska", ("h264", "hevc", "av1", "vp9", "ffv1", "prores"), "vp9", None, "aac"),
}


def container_for(target: Path) -> ContainerFormat:
    """Return the container that a file's ending asks for.

    Raises
    ------
    OutputError
        If no container has this ending.
    """
    container = CONTAINERS.get(target.suffix.lower())
    if container is None:
        known = ", ".join((*CONTAINERS, ".gif", ".webp", ".apng", ".png (a sprite sheet)"))
        raise OutputError(
            f"'{target.suffix}' is no video format that can be written" if target.suffix else "the name has no ending",
            subject=target,
            remedy=f"Use {known}, or a pattern such as frame_%05d.png",
        )
    return container


def codec_for(container: ContainerFormat, target: Path, options: EncodeOptions, *, alpha: bool) -> Codec:
    """Return the codec to encode with.

    Raises
    ------
    OutputError
        If the container cannot hold the codec that is asked for, or not with alpha.
    """
    if options.codec != "auto":
        name = options.codec
    elif alpha and container.alpha_codec is not None:
        name = container.alpha_codec
    else:
        name = container.codecs[0]
    if name not in container.codecs:
        raise OutputError(
            f"{target.suffix} files cannot hold {name} here",
            subject=target,
            remedy=f"Use {', '.join(container.codecs)}",
        )
    codec = CODECS[name]
    if alpha and codec.alpha_pixel_format is None:
        raise OutputError(
            f"{name} in {target.suffix} files has no transparency",
            subject=target,
            remedy="Write .webm (VP9), .mov (ProRes), .webp, .apng, .gif or frame_%05d.png",
        )
    if name == "av1":
        # SVT-AV1 prints its settings to the terminal unless told to keep to errors
        os.environ.setdefault("SVT_LOG", "1")
    return codec
