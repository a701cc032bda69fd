"""Fetch weights that do not ship.

Checked against their sha256, continued after an interruption, kept in the user's cache.

Three environment variables steer it: `MOTIONWARP_CACHE` (the folder, instead of the system's own for caches),
`MOTIONWARP_MIRROR` (an address or a folder that holds the same files under the same names) and `MOTIONWARP_OFFLINE`
(anything but empty or 0: never touch the network).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from motionwarp.checkpoints.registry import cache_folder
from motionwarp.errors import MissingExtraError, OutputError, WeightsError

if TYPE_CHECKING:
    from motionwarp.checkpoints.registry import WeightsEntry

MIRROR_VARIABLE: Final = "MOTIONWARP_MIRROR"
OFFLINE_VARIABLE: Final = "MOTIONWARP_OFFLINE"

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes that there will be."""

_CHUNK_BYTES: Final = 1 << 18
_TIMEOUT_SECONDS: Final = 30


def is_offline() -> bool:
    """Return whether the environment forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def pull(entry: WeightsEntry, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """Make sure that weights are in the cache, and return their path.

    Parameters
    ----------
    entry : WeightsEntry
        One that has a url.
    offline : bool
        Do not use the network; what is cached is still checked. The environment can ask for the same.
    progress : callable, optional
        Called as bytes arrive.

    Returns
    -------
    Path
        A file whose sha256 is the recorded one.

    Raises
    ------
    WeightsError
        If the entry ships with the package, the network is needed but forbidden, the download fails, or what came is
        not what the registry says.
    MissingExtraError
        If the file must be fetched and the extra `pull` is not installed.
    OutputError
        If the cache cannot be written.
    """
    from motionwarp.checkpoints.registry import verify_file

    if entry.ships:
        raise WeightsError(f"the weights '{entry.name}' ship with motionwarp and cannot be fetched")
    target = cache_folder() / entry.file
    if target.is_file():
        verify_file(entry, target)
        return target
    address = _address(entry)
    if (offline or is_offline()) and address.startswith("http"):
        raise WeightsError(
            f"the weights '{entry.name}' are not in the cache, and the network is not to be used",
            subject=target,
            remedy=f"Put {entry.file} there by hand, or run without `offline` and {OFFLINE_VARIABLE}.",
        )
    try:
        import pooch
    except ImportError as error:
        raise MissingExtraError(
            "fetching weights needs the package pooch", remedy="Install it with `pip install 'motionwarp[pull]'`."
        ) from error
    pooch.get_logger().setLevel("WARNING")  # progress and errors are told by us
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            address,
            known_hash=f"sha256:{entry.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=_Fetcher(entry, target.with_name(target.name + ".part"), progress),
        )
    except ValueError as error:
        raise WeightsError(
            f"what came for '{entry.name}' has another sha256 than the registry says; it was deleted",
            subject=address,
            remedy="Try again, or use another mirror.",
        ) from error
    except OSError as error:  # requests' errors are of this kind too
        if error.errno is not None and error.filename is not None:
            raise OutputError(f"cannot be written ({error.strerror})", subject=error.filename) from error
        raise WeightsError(
            f"the weights '{entry.name}' could not be fetched ({error})",
            subject=address,
            remedy="Run the same command again: it goes on where it stopped.",
        ) from error
    return target


def _address(entry: WeightsEntry) -> str:
    mirror = os.environ.get(MIRROR_VARIABLE)
    return f"{mirror.rstrip('/')}/{entry.file}" if mirror else entry.url


class _Fetcher:
    """Pooch's downloader: bytes gather in a file that survives an interruption and is continued by a range request."""

    def __init__(self, entry: WeightsEntry, part: Path, progress: Progress | None) -> None:
        self.entry = entry
        self.part = part
        self.progress = progress

    def __call__(self, url: str, output_file: str | IO[bytes], pooch: Any) -> None:
        if url.startswith(("http://", "https://")):
            self._fetch(url)
        else:
            self._copy(Path(url.removeprefix("file://")))
        # moved away before pooch checks it: a part with wrong bytes must not be continued for ever
        if hasattr(output_file, "write"):
            with self.part.open("rb") as file:
                shutil.copyfileobj(file, output_file)
            self.part.unlink()
        else:
            self.part.replace(output_file)

    def _copy(self, original: Path) -> None:
        try:
            shutil.copyfile(original, self.part)
        except FileNotFoundError:
            raise WeightsError("the mirror has no such file", subject=original) from None

    def _fetch(self, url: str) -> None:
        import requests

        there = self.part.stat().st_size if self.part.exists() else 0
        if there >= self.entry.bytes:
            there = 0
        headers = {"Range": f"bytes={there}-"} if there else {}
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                there = 0  # the server sends everything again
            with self.part.open("ab" if there else "wb") as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
                    there += len(chunk)
                    if there > self.entry.bytes:
                        break  # too long to be right; the checksum will say so
                    if self.progress is not None:
                        self.progress(there, self.entry.bytes)
        if there < self.entry.bytes:
            raise ConnectionError(f"the connection ended after {there} of {self.entry.bytes} bytes")
