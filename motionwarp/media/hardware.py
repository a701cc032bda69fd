"""Decoding on a graphics card where one is asked for."""

from __future__ import annotations

import av
from av.container import InputContainer

from motionwarp.errors import DeviceError
from motionwarp.media.demuxers import CONTAINED

AUTO = "auto"

# those that decode in memory of their own, which PyAV copies back; by how common they are
_PREFERENCE = ("cuda", "videotoolbox", "vaapi", "d3d11va", "qsv")


def hardware_decoders() -> list[str]:
    """Return the names of the hardware decoders that this build of FFmpeg knows; whether the machine has one shows on use."""
    try:
        from av.codec.hwaccel import hwdevices_available  # PyAV 14.0 has no such module
    except ImportError:
        return []
    return sorted(hwdevices_available())


def check_hardware(hardware: str) -> None:
    """Refuse, with a DeviceError, a hardware decoder that this build of FFmpeg does not know; "auto" is always fine."""
    known = hardware_decoders()
    if hardware != AUTO and hardware not in known:
        raise DeviceError(
            f"there is no hardware decoder '{hardware}' in this build of PyAV {av.__version__}",
            remedy=f"Use {', '.join(known) or 'a newer PyAV'}, or decode in software",
        )


def open_accelerated(address: str, options: dict[str, str], hardware: str) -> InputContainer | None:
    """Open a video that software can decode with a hardware decoder instead.

    Parameters
    ----------
    address : str
        FFmpeg's name of the file.
    options : dict of str
        Of the demuxer and its decoders.
    hardware : str
        "auto", or one of `hardware_decoders`.

    Returns
    -------
    InputContainer or None
        None if "auto" finds none on this machine that can decode this codec.

    Raises
    ------
    DeviceError
        If the one that was asked for is unknown, not on this machine, or cannot decode this codec.
    """
    check_hardware(hardware)
    known = hardware_decoders()
    reason: Exception | None = None
    for name in [choice for choice in _PREFERENCE if choice in known] if hardware == AUTO else [hardware]:
        from av.codec.hwaccel import HWAccel

        try:
            acceleration = HWAccel(device_type=name, allow_software_fallback=False)
            return av.open(
                address,
                mode="r",
                options=options,
                container_options=CONTAINED,
                metadata_errors="replace",
                hwaccel=acceleration,
            )
        except (RuntimeError, NotImplementedError, ValueError, av.FFmpegError) as error:
            reason = error
    if hardware == AUTO:
        return None
    raise DeviceError(f"the hardware decoder '{hardware}' cannot be used here ({reason})", remedy="Decode in software") from reason
