"""The storage at a path or address."""

from __future__ import annotations

from pathlib import Path

from motionwarp.datasets.storage.base import Storage


def open_storage(root: str) -> Storage:
    """Return the storage at a path, or at an address such as s3://bucket/folder.

    Raises
    ------
    MissingExtraError
        If the address needs a package that is not installed.
    """
    # imported where they are needed: both are made of what is here, and local paths need nothing extra
    if "://" not in root:
        from motionwarp.datasets.storage.local import LocalStorage

        return LocalStorage(root)
    from motionwarp.datasets.storage.remote import RemoteStorage

    return RemoteStorage(root)


def split_address(address: str) -> tuple[Storage, str]:
    """Return the storage of the folder in which a file lies, and the file's name there."""
    if "://" in address:
        folder, _, name = address.rpartition("/")
        return open_storage(folder), name
    path = Path(address)
    return open_storage(str(path.parent)), path.name
