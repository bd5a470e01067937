"""Arrays, labels and tables in one ``.npz`` file, without pickle."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._files import open_whole
from sklearn_metaexplain._stored_cells import decode_cell, encode_cell, zone_name

__all__ = ["load_record", "save_record"]

FORMAT = "sklearn_metaexplain.record.1"
Arrays = dict[str, np.ndarray]
Spec = dict[str, Any]


def save_record(path: str | Path, record: Mapping[str, Any]) -> None:
    """Write a mapping of names to values.

    Parameters
    ----------
    path : str or Path
        The file; written as named, no suffix is added.
    record : mapping of str to object
        Values may be None, str, bool, int, float, arrays of any of numpy's own dtypes, DataFrames,
        indexes, sparse matrices, and mappings of these. Object cells (in arrays, columns, labels)
        may be None, bool, int, float, str, Decimal, Fraction, dates, periods, times, durations,
        pandas' NA and NaT, and tuples of these.

    Raises
    ------
    TypeError
        If a value cannot be written without pickle; the message names it.
    IsADirectoryError, FileNotFoundError
        If `path` is a folder, or in none.
    """
    arrays: Arrays = {}
    spec = {name: _pack(value, arrays, name) for name, value in record.items()}
    arrays["spec"] = _text_to_array(json.dumps({"format": FORMAT, "record": spec}))
    with open_whole(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load_record(path: str | Path) -> dict[str, Any]:
    """Read what `save_record` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    record : dict of str to object
        The values, with their types.

    Raises
    ------
    ValueError
        If the file is not one that `save_record` wrote.
    """
    try:
        if not is_zipfile(path):
            Path(path).open("rb").close()  # says so where there is none
            raise ValueError("it is no .npz file")
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        spec = json.loads(_array_to_text(arrays["spec"]))
        if spec["format"] != FORMAT:
            raise ValueError(f"format {spec['format']!r}, expected {FORMAT!r}")
        return {name: _unpack(part, arrays) for name, part in spec["record"].items()}
    except (BadZipFile, EOFError, KeyError, TypeError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read as a saved explanation: {error}") from error


def _text_to_array(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _array_to_text(array: np.ndarray) -> str:
    return array.tobytes().decode()


def _add(array: np.ndarray, arrays: Arrays) -> str:
    key = f"array{len(arrays)}"
    arrays[key] = array
    return key


def _pack(value: Any, arrays: Arrays, where: str) -> Spec:
    if value is None or isinstance(value, (str, bool)):
        return {"kind": "plain", "value": value}
    if isinstance(value, Mapping):
        items = [[name, _pack(part, arrays, f"{where}[{name!r}]")] for name, part in value.items()]
        return {"kind": "mapping", "items": items}
    if isinstance(value, pd.DataFrame):
        columns = [
            _pack(value.iloc[:, j].array, arrays, f"{where}, column {name!r}")
            for j, name in enumerate(value.columns)
        ]
        return {
            "kind": "frame",
            "columns": columns,
            "names": _pack(value.columns, arrays, f"{where}, column names"),
            "index": _pack(value.index, arrays, f"{where}, index"),
        }
    if isinstance(value, pd.Index):
        return _pack_index(value, arrays, where)
    if sparse.issparse(value):
        return _pack_sparse(value, arrays)
    if isinstance(value, pd.Categorical):
        return {
            "kind": "categorical",
            "codes": _add(value.codes, arrays),
            "categories": _pack(value.categories, arrays, f"{where}, categories"),
            "ordered": bool(value.ordered),
        }
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return _pack_extension(value, arrays, where)
    array = np.asarray(value)
    if array.dtype.kind in "OT":
        cells = [encode_cell(cell, where) for cell in array.ravel().tolist()]
        key = _add(_text_to_array(json.dumps(cells)), arrays)
        return {"kind": "cells", "key": key, "shape": list(array.shape)}
    if array.ndim == 0 and array.dtype.kind in "if":
        return {"kind": "plain", "value": array.item()}
    return {"kind": "array", "key": _add(array, arrays)}


def _pack_index(value: pd.Index, arrays: Arrays, where: str) -> Spec:
    names = [encode_cell(name, f"{where} name") for name in value.names]
    if isinstance(value, pd.RangeIndex):
        return {"kind": "range", "range": [value.start, value.stop, value.step], "names": names}
    levels = [
        _pack(value.get_level_values(level).array, arrays, where) for level in range(value.nlevels)
    ]
    is_multi = isinstance(value, pd.MultiIndex)  # of one level, too
    return {"kind": "index", "levels": levels, "names": names, "is_multi": is_multi}


def _pack_sparse(value: Any, arrays: Arrays) -> Spec:
    csr = value.tocsr()
    keys = [_add(part, arrays) for part in (csr.data, csr.indices, csr.indptr)]
    is_array = isinstance(value, sparse.sparray)
    return {"kind": "sparse", "keys": keys, "shape": list(csr.shape), "is_array": is_array}


def _pack_extension(value: Any, arrays: Arrays, where: str) -> Spec:
    if isinstance(value.dtype, pd.DatetimeTZDtype):
        moments = value.tz_convert("UTC").tz_localize(None)
        return {
            "kind": "zoned",
            "key": _add(np.asarray(moments), arrays),
            "zone": zone_name(value.dtype.tz, where),
        }
    if isinstance(value, pd.arrays.IntervalArray):
        ends = [_pack(end.array, arrays, where) for end in (value.left, value.right)]
        return {"kind": "intervals", "ends": ends, "closed": value.closed}
    if isinstance(value, pd.arrays.PeriodArray):
        ordinals = _add(np.asarray(value.view("int64")), arrays)
        return {"kind": "periods", "ordinals": ordinals, "freq": value.freqstr}
    if isinstance(value, pd.arrays.SparseArray):
        # Whatever is written, zeros take little of a compressed file.
        return {
            "kind": "sparse_cells",
            "cells": _pack(np.asarray(value.to_dense()), arrays, where),
            "subtype": str(value.dtype.subtype),
            "fill": encode_cell(value.fill_value, where),
        }
    # Without pyarrow, arrays of text are NumpyExtensionArrays too, with a dtype to be kept.
    is_text = isinstance(value.dtype, pd.StringDtype)
    is_numpy = isinstance(value.dtype, np.dtype)
    if is_numpy or (isinstance(value, pd.arrays.NumpyExtensionArray) and not is_text):
        return _pack(np.asarray(value), arrays, where)
    cells = np.array(value, dtype=object)
    cells[np.asarray(pd.isna(value))] = None
    return {
        "kind": "extension",
        "dtype": str(value.dtype),
        "cells": _pack(cells, arrays, where),
    }


def _unpack(spec: Spec, arrays: Arrays) -> Any:
    return _UNPACK[spec["kind"]](spec, arrays)


def _unpack_frame(spec: Spec, arrays: Arrays) -> pd.DataFrame:
    columns = {j: _unpack(part, arrays) for j, part in enumerate(spec["columns"])}
    frame = pd.DataFrame(columns, index=_unpack(spec["index"], arrays))
    # Text of dtype object would otherwise be inferred as str.
    for j, column in columns.items():
        if isinstance(column, np.ndarray) and column.dtype == object:
            frame[j] = pd.Series(column, index=frame.index, dtype=object)
    frame.columns = _unpack(spec["names"], arrays)
    return frame


def _unpack_index(spec: Spec, arrays: Arrays) -> pd.Index:
    names = [decode_cell(name) for name in spec["names"]]
    levels = [_unpack(part, arrays) for part in spec["levels"]]
    # Earlier files do not say so.
    if spec.get("is_multi", len(levels) > 1):
        return pd.MultiIndex.from_arrays(levels, names=names)
    dtype = object if levels[0].dtype == object else None
    return pd.Index(levels[0], name=names[0], dtype=dtype)


def _unpack_cells(spec: Spec, arrays: Arrays) -> np.ndarray:
    cells = json.loads(_array_to_text(arrays[spec["key"]]))
    array = np.empty(len(cells), dtype=object)
    for i, cell in enumerate(cells):  # one by one: a tuple is a cell, no row of cells
        array[i] = decode_cell(cell)
    return array.reshape(spec["shape"])


def _unpack_intervals(spec: Spec, arrays: Arrays) -> pd.arrays.IntervalArray:
    left, right = (_unpack(end, arrays) for end in spec["ends"])
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=spec["closed"])


def _unpack_sparse_cells(spec: Spec, arrays: Arrays) -> pd.arrays.SparseArray:
    dtype = pd.SparseDtype(spec["subtype"], decode_cell(spec["fill"]))
    return pd.arrays.SparseArray(_unpack(spec["cells"], arrays), dtype=dtype)


def _unpack_sparse(spec: Spec, arrays: Arrays) -> Any:
    container = sparse.csr_array if spec["is_array"] else sparse.csr_matrix
    parts = tuple(arrays[key] for key in spec["keys"])
    return container(parts, shape=tuple(spec["shape"]))


_UNPACK: dict[str, Any] = {
    "plain": lambda spec, arrays: spec["value"],
    "mapping": lambda spec, arrays: {name: _unpack(part, arrays) for name, part in spec["items"]},
    "array": lambda spec, arrays: arrays[spec["key"]],
    "cells": _unpack_cells,
    "sparse": _unpack_sparse,
    "frame": _unpack_frame,
    "index": _unpack_index,
    "range": lambda spec, arrays: pd.RangeIndex(
        range(*spec["range"]), name=decode_cell(spec["names"][0])
    ),
    "categorical": lambda spec, arrays: pd.Categorical.from_codes(
        arrays[spec["codes"]],
        categories=_unpack(spec["categories"], arrays),
        ordered=spec["ordered"],
    ),
    "zoned": lambda spec, arrays: (
        pd.DatetimeIndex(arrays[spec["key"]], tz="UTC").tz_convert(spec["zone"]).array
    ),
    "intervals": _unpack_intervals,
    "sparse_cells": _unpack_sparse_cells,
    "periods": lambda spec, arrays: pd.arrays.PeriodArray(
        arrays[spec["ordinals"]], dtype=pd.PeriodDtype(spec["freq"])
    ),
    "extension": lambda spec, arrays: pd.array(_unpack(spec["cells"], arrays), dtype=spec["dtype"]),
}
