"""The line that a warning points to."""

import os
import sys
from pathlib import Path

import joblib
import sklearn

__all__ = ["stacklevel_of_caller"]

_FOLDERS = [Path(__file__).parent, *(Path(part.__file__).parent for part in (joblib, sklearn))]
_INSIDE = tuple(f"{folder}{os.sep}" for folder in _FOLDERS)


def stacklevel_of_caller() -> int:
    """Count the frames from where this is called to whoever called this package.

    How many they are depends on what is in between, such as a Pipeline or a search.

    Returns
    -------
    stacklevel : int
        For `warnings.warn` in the same function.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    return level
