"""Arrays that nobody writes into."""

from typing import Any

import numpy as np

__all__ = ["freeze", "read_only"]


def read_only(given: Any, dtype: Any = None) -> np.ndarray:
    """Make an array that cannot change, whatever its caller does to what it has passed.

    Parameters
    ----------
    given : array-like
        Copied unless it is such an array already.
    dtype : dtype, default=None
        As of `numpy.asarray`.

    Returns
    -------
    array : ndarray
        Read-only.
    """
    array = np.asarray(given, dtype=dtype)
    converted = isinstance(given, np.ndarray) and given.dtype != array.dtype
    if not (isinstance(given, (list, tuple)) or converted or _is_read_only(array)):
        array = array.copy(order="K")
    return freeze(array)


def freeze(array: np.ndarray) -> np.ndarray:
    """Forbid to write into an array that nobody else has, without a copy."""
    array.flags.writeable = False
    return array


def _is_read_only(array: Any) -> bool:
    """Whether the memory is: a view may be read-only of what others write into."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        if array.base is None:
            return True
        array = array.base
    try:
        return memoryview(array).readonly
    except TypeError:
        return False
