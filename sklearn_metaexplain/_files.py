"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

__all__ = ["check_writable", "open_whole"]


@contextmanager
def open_whole(path: str | os.PathLike[str], *, make_folder: bool = False) -> Iterator[IO[bytes]]:
    """Open a file to write, which holds the old content or all of the new, whatever happens.

    Parameters
    ----------
    path : str or path
        The file. What it is a link to is written, and a device is written as it is.
    make_folder : bool, default=False
        Whether to make its folder if need be.

    Yields
    ------
    file : binary file
        Takes the place of what was there once it is complete.

    Raises
    ------
    IsADirectoryError
        If `path` is a folder.
    FileNotFoundError
        If its folder does not exist.
    """
    if make_folder:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    target = check_writable(path).resolve()
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            yield device
        return
    unfinished = target.with_name(f".{uuid4().hex}.unfinished")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            # Else the name may reach the disk before the content.
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Refuse a folder, and a file in a folder that does not exist; the errors name the remedy."""
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"path={str(target)!r} is a folder; name a file in it.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"The folder {str(target.parent)!r} of path does not exist; create it first."
        )
    return target
