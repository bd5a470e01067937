"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["check_writable", "file_in_the_way", "open_whole"]


@contextmanager
def open_whole(path: str | os.PathLike[str], *, make_folder: bool = False) -> Iterator[IO[bytes]]:
    """Open a file to write, which holds the old content or all of the new, whatever happens.

    Parameters
    ----------
    path : str or path
        The file. What it is a link to is written, and a device as it is. One that is there keeps
        its permissions.
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
    PermissionError
        If the file is there and must not be written.
    """
    if make_folder:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    target = check_writable(path)
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            yield device
        return
    # Through a link, and by one name: what a death leaves is written over the next time.
    target = target.resolve()
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            # Else the name may reach the disk before the content.
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, unfinished)
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Refuse what cannot be written; the errors name the remedy.

    That is a folder, a file in a folder that does not exist, and a file that is read-only.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"path={str(target)!r} is a folder; name a file in it.")
    folder = target.resolve().parent
    if not (target.exists() or folder.is_dir()):
        raise FileNotFoundError(
            f"The folder {str(folder)!r} of path does not exist; create it first."
        )
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"path={str(target)!r} is read-only; name another file.")
    return target


def file_in_the_way(folder: Path) -> Path | None:
    """What is no folder where one is to be, or where one above it is to be; None if nothing is."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    return None if there is None or there.is_dir() else there
