"""The rows that an explanation names in its support."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import n_rows_of, take_rows

__all__ = ["SupportingRows", "read_support"]


class SupportingRows(NamedTuple):
    """Rows that an explanation of one row names, and how to speak of them."""

    table: Any  # (n_rows, n_columns)
    weights: np.ndarray  # (n_rows,)
    labels: list[str] | None
    title: str


def read_support(
    explanation: Explanation, *, rows: str, weights: str, labels: str | None, X: Any
) -> SupportingRows:
    """Read the support of an explanation of one row, as `PrototypeDisplay` is asked to."""
    found = np.asarray(_entry(explanation, rows, "rows"))
    sizes = np.asarray(_entry(explanation, weights, "weights"), dtype=float)
    names = None
    if labels is not None:
        names = [str(name) for name in np.asarray(_entry(explanation, labels, "labels"))]
    if found.ndim > 1:
        return SupportingRows(found, sizes, names, "")
    if X is None:
        raise ValueError(
            f"support[{rows!r}] holds positions of rows; pass the table they are in, as X_train to "
            "from_explainer or as X to from_explanation."
        )
    title = ""
    # Only a classifier by prototypes names one; its prediction rests on that, not on rows.
    if rows == "prototypes" and "prototype" in (explanation.support or {}):
        title = "rows nearest to the prototype"
        # A class with few rows has some of them again; nearness is shared among different rows.
        first = np.sort(np.unique(found, return_index=True)[1])
        found, names = found[first], names and [names[i] for i in first]
        sizes = sizes[first] * (sizes.sum() / sizes[first].sum())
    found = found.astype(np.intp)
    if found.max(initial=-1) >= n_rows_of(X):
        raise ValueError(
            f"support[{rows!r}] names row {found.max()}, of a table of {n_rows_of(X)} rows: pass "
            "the table that the classifier was fitted to."
        )
    if names is None and not hasattr(X, "index"):
        names = [str(position) for position in found]
    return SupportingRows(take_rows(X, found), sizes, names, title)


def _entry(explanation: Explanation, key: str, parameter: str) -> Any:
    support = explanation.support or {}
    if key not in support:
        raise ValueError(
            f"{parameter}={key!r} is no entry of the explanation's support; it has {list(support)}."
        )
    return support[key][0]
