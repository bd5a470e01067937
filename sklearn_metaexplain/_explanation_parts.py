"""What the parts of an Explanation must be, and how they go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._read_only import freeze, read_only
from sklearn_metaexplain._rows import n_rows_of

__all__ = ["OUTPUTS", "checked_parts", "labels_of"]

OUTPUTS = ("probability", "log_odds", "raw")


def checked_parts(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Check what an explanation is made of, and make its arrays read-only.

    Parameters
    ----------
    parts : mapping of str to object
        All fields of `Explanation`, as they were given.

    Returns
    -------
    checked : dict of str to object
        The same fields. Arrays are of the dtypes and shapes that `Explanation` has, names and
        labels of their own types, and rows have the labels of `data` unless there are others.

    Raises
    ------
    ValueError
        If a part is wrong, or has not the size that the others have.
    """
    values = read_only(parts["values"], np.float64)
    if values.ndim != 3:
        raise ValueError(
            "values must have three dimensions (n_samples, n_features, n_outputs); "
            f"got shape {values.shape}."
        )
    _check_words(parts["output"], parts["estimator_type"])
    n_samples, n_features, n_outputs = values.shape
    base_values = read_only(parts["base_values"], np.float64)
    if base_values.shape == (n_outputs,):
        base_values = np.broadcast_to(base_values, (n_samples, n_outputs))
    n_evaluations = np.asarray(parts["n_evaluations"])
    if n_evaluations.ndim == 0:
        n_evaluations = np.full(n_samples, n_evaluations)
    predictions = read_only(parts["predictions"], np.float64)
    feature_names = read_only(_one_by_one(parts["feature_names"]), object)
    checked = {
        **parts,
        "values": values,
        "base_values": _shaped("base_values", base_values, (n_samples, n_outputs)),
        "predictions": _shaped("predictions", predictions, (n_samples, n_outputs)),
        "std": _checked_std(parts["std"], values.shape),
        "std_quantiles": _checked_quantiles(parts["std_quantiles"], n_samples),
        "feature_names": _checked_names("feature_names", feature_names, n_features),
        "output_names": _checked_names("output_names", labels_of(parts["output_names"]), n_outputs),
        "feature_of_column": _checked_feature_of_column(
            parts["feature_of_column"], parts["data"], n_features
        ),
        "n_evaluations": _shaped("n_evaluations", read_only(n_evaluations, np.int64), (n_samples,)),
    }
    checked["labels"] = _checked_labels(parts["labels"], n_samples, checked["output_names"])
    rows = {"data": parts["data"], "index": parts["index"], **(parts["support"] or {})}
    for name, part in rows.items():
        if part is not None and n_rows_of(part) != n_samples:
            raise ValueError(f"{name} has {n_rows_of(part)} rows; values have {n_samples}.")
    checked["index"] = _index_of(parts["index"], parts["data"])
    return checked


def labels_of(names: Any) -> np.ndarray:
    """Labels of outputs, each of its own type, read-only.

    Parameters
    ----------
    names : array-like
        Labels of any type, also of several.
    """
    labels = read_only(_one_by_one(names))
    if labels.dtype.kind in "mM" and np.datetime_data(labels.dtype)[0] == "ns":
        # Of nanoseconds numpy makes whole numbers where it makes dates of all coarser units.
        coarser = labels.astype(f"{labels.dtype.kind}8[us]")
        return freeze(coarser) if (coarser == labels).all() else labels
    return labels


def _one_by_one(names: Any) -> Any:
    """Names as given; of a list that holds several kinds or tuples an array of objects.

    Of such a list numpy would make text throughout, or an array of two dimensions.
    """
    kinds = set(map(type, names)) if isinstance(names, (list, tuple)) else set()
    if len(kinds) < 2 and tuple not in kinds:
        return names
    array = np.empty(len(names), dtype=object)
    array[:] = names
    return array


def _check_words(output: str, estimator_type: str | None) -> None:
    if output not in OUTPUTS:
        raise ValueError(f"output must be one of {OUTPUTS}; got {output!r}.")
    if estimator_type not in ("classifier", "regressor", None):
        raise ValueError(
            f'estimator_type must be "classifier", "regressor" or None; got {estimator_type!r}.'
        )


def _shaped(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {array.shape}.")
    return array


def _checked_std(std: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    if std is None:
        return None
    array = _shaped("std", read_only(std, np.float64), shape)
    if (array < 0).any():
        raise ValueError("std must not be negative: it says how far off values may be.")
    return array


def _checked_quantiles(std_quantiles: Any, n_samples: int) -> np.ndarray | None:
    if std_quantiles is None:
        return None
    array = read_only(std_quantiles, np.float64)
    by_row = (n_samples,) if array.ndim == 3 else ()
    n_levels = array.shape[len(by_row) : len(by_row) + 1]
    return _shaped("std_quantiles", array, (*by_row, *n_levels, 2))


def _checked_names(name: str, names: np.ndarray, n_names: int) -> np.ndarray:
    labels = pd.Series(_shaped(name, names, (n_names,)))
    repeated = labels[labels.duplicated()].tolist()
    if repeated:
        raise ValueError(f"{name} must differ; {repeated[0]!r} is there more than once.")
    return names


def _checked_feature_of_column(
    feature_of_column: Any, data: Any, n_features: int
) -> np.ndarray | None:
    if feature_of_column is None:
        return None
    array = read_only(feature_of_column)
    n_columns = len(array) if data is None else data.shape[1]
    _shaped("feature_of_column", array, (n_columns,))
    if array.dtype.kind not in "iu" or not np.isin(array, np.arange(n_features)).all():
        raise ValueError(
            "feature_of_column must hold positions in feature_names, whole numbers from 0 to "
            f"{n_features - 1}; got {array.tolist()}."
        )
    return array


def _checked_labels(labels: Any, n_samples: int, output_names: np.ndarray) -> np.ndarray | None:
    if labels is None:
        return None
    array = _shaped("labels", labels_of(labels), (n_samples,))
    unknown = set(array.tolist()) - set(output_names.tolist())
    if len(output_names) > 1 and unknown:
        raise ValueError(
            f"labels must be among the outputs {output_names.tolist()}; got "
            f"{sorted(unknown, key=str)}."
        )
    return array


def _index_of(index: Any, data: Any) -> pd.Index | None:
    if index is None:
        return data.index if isinstance(data, pd.DataFrame) else None
    return index if isinstance(index, pd.Index) else pd.Index(index)
