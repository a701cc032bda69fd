"""Which of FFmpeg's demuxers may read a file: those of containers that hold all that they show."""

from __future__ import annotations

from typing import Final

_VIDEO: Final = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "flv", "live_flv", "asf", "asf_o", "ogg", "nut", "mxf", "gxf", "dv", "swf",
    "rm", "wtv", "gif", "apng", "jpegxl_anim", "yuv4mpegpipe",
)  # fmt: skip
_STREAMS: Final = (
    "h264", "hevc", "vvc", "av1", "obu", "ivf", "m4v", "mpegvideo", "h261", "h263", "vc1", "dirac", "dnxhd", "cavsvideo", "mjpeg", "apv",
)  # fmt: skip
_SOUND: Final = (
    "wav", "w64", "aiff", "au", "caf", "flac", "mp3", "aac", "ac3", "eac3", "ac4", "dts", "dtshd", "truehd", "mlp", "amr", "ape", "tta",
    "wv", "tak", "voc", "loas",
)  # fmt: skip

# Most of the others are left out since they open what a file names: playlists (hls, dash, concat, imf), descriptions of streams (sdp,
# rtsp), patterns of picture files, devices, filters. A file from a stranger could put other files of the user, or what the user's network
# reaches, into the video that is made of it. Being no text does not tell them: a playlist may have a control character in a comment.
# Containers of old games and dead recorders (Smacker, Bink, FLIC, NSV, ...) are left out as well: nobody dances in them, and their
# decoders are those that are looked after least.
CONTAINED: Final = {"format_whitelist": ",".join((*_VIDEO, *_STREAMS, *_SOUND)), "protocol_whitelist": "file"}
