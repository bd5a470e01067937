"""The report: an explanation as one page to click through."""

from __future__ import annotations

import os
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._arrays import array_of_rows
from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._files import check_writable, open_whole
from sklearn_metaexplain._validation import column_names
from sklearn_metaexplain.base import _unwrap, is_explainer
from sklearn_metaexplain.inspection._read import check_order_of_rows
from sklearn_metaexplain.inspection._report_data import report_data
from sklearn_metaexplain.inspection._report_page import render_page
from sklearn_metaexplain.inspection._report_words import describe
from sklearn_metaexplain.masking import Players, resolve_feature_groups
from sklearn_metaexplain.metrics._tables import differing_features

__all__ = ["report"]


@validate_params(
    {
        "explanation": "no_validation",
        "path": [str, os.PathLike],
        "title": [str],
        "explainer": "no_validation",
        "y": ["array-like", None],
        "max_rows": [Interval(Integral, 1, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def report(
    explanation: Explanation,
    path: str | os.PathLike[str],
    *,
    title: str = "Explanation report",
    explainer: Any = None,
    y: Any = None,
    max_rows: int | None = 10_000,
) -> Path:
    """Write an explanation as one HTML page that works offline.

    The page shows the mean absolute attribution of each column, the rows (up to `max_rows`) in a
    table to sort, filter and search, the attributions of the row that is chosen, and how
    attributions depend on a column's value. It says in plain words what the numbers are and how far
    off they may be.

    Parameters
    ----------
    explanation : Explanation
        What is shown. Without `data` the page shows attributions alone.
    path : str or path-like
        The file, in a folder that exists. Replaced if it is there, at once and as a whole.
    title : str, default="Explanation report"
        Heading of the page.
    explainer : fitted explainer, default=None
        What `explanation` comes from, or a Pipeline or search around it. Its estimate of its own
        error is shown, and which columns are in each of its `feature_groups`.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        True labels or targets, shown and filtered beside the predictions.
    max_rows : int, default=10_000
        Most rows listed, evenly spaced over those there are; the page says so, and the importances
        of all rows are kept. None: all rows.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    TypeError
        If `explanation` is no Explanation, or `explainer` no explainer.
    ValueError
        If `explanation` has no rows, or NaN or infinite values; if `explainer` explains other
        columns or groups, or `y` has another shape, or the labels of the rows in another order.
    FileNotFoundError
        If the folder does not exist.
    IsADirectoryError
        If `path` is a folder.
    NotFittedError
        If `explainer` is not fitted.

    See Also
    --------
    Explanation.to_frame : Attributions as a table.
    Explanation.save : Keep an explanation, exactly.

    Notes
    -----
    The page is one file: it asks no server for anything, and a Content-Security-Policy keeps it
    so. Whatever names and cells hold is shown as text. The same input gives the same bytes.

    Attributions are written in single precision, predictions and cells exactly. A table of 10,000
    rows and 30 columns with two outputs and `std` takes about 10 MB. Up to `max_rows` rows are in
    the file with all their cells: whoever gets the page gets these data.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.inspection import report
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = LogisticRegression(max_iter=1000)
    >>> explainer = ShapExplainer(model, background=10, random_state=0).fit(X, y)
    >>> explanation = explainer.explain(X[::30])
    >>> with TemporaryDirectory() as folder:
    ...     page = report(explanation, Path(folder) / "iris.html", explainer=explainer, y=y[::30])
    ...     page.name, "<!doctype html>" in page.read_text()
    ('iris.html', True)
    """
    if not isinstance(explanation, Explanation):
        raise TypeError(
            f"explanation must be an Explanation; got {type(explanation).__name__}. Pass what "
            "explain(X) of an explainer returns."
        )
    if len(explanation) == 0:
        raise ValueError("The explanation has no rows to report; explain at least one.")
    _check_finite(explanation)
    if y is not None:
        y = _check_truth(y, explanation)
    final = None if explainer is None else _check_explainer(explainer, explanation)
    target = check_writable(path)
    players = _players_of(final)
    data = report_data(
        explanation,
        y=y,
        player_of_column=None if players is None else players.player_of_column,
        max_rows=max_rows,
    )
    page = render_page(data, title=title, statements=describe(explanation, final))
    # Text from Python may hold halves of characters, which no file can.
    with open_whole(target) as file:
        file.write(page.encode("utf-8", errors="replace"))
    return target


def _check_finite(explanation: Explanation) -> None:
    for name in ("values", "base_values", "predictions", "std"):
        part = getattr(explanation, name)
        if part is not None and not np.isfinite(part).all():
            rows = np.flatnonzero(~np.isfinite(part).all(axis=tuple(range(1, part.ndim))))
            raise ValueError(
                f"{name} of the explanation are NaN or infinite in row {rows[0]}; leave out such "
                "rows, as in explanation[mask]."
            )


def _check_truth(y: Any, explanation: Explanation) -> np.ndarray:
    check_order_of_rows(y, explanation, "y")
    y = array_of_rows(y)
    n_samples, _, n_outputs = explanation.values.shape
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    several_targets = explanation.estimator_type == "regressor" and n_outputs > 1
    expected = (n_samples, n_outputs) if several_targets else (n_samples,)
    if y.shape != expected:
        raise ValueError(
            f"y must have shape {expected}, a label or target for each explained row; got "
            f"{y.shape}."
        )
    return y


def _check_explainer(explainer: Any, explanation: Explanation) -> Any:
    if not is_explainer(explainer):
        raise TypeError(
            f"explainer must be the explainer that the explanation comes from; got "
            f"{type(explainer).__name__}."
        )
    final = _unwrap(explainer)[1]
    check_is_fitted(final)
    names = final._attributed_names()
    n_features = explanation.values.shape[1]
    if len(names) != n_features:
        raise ValueError(
            f"explainer attributes to {len(names)} columns and the explanation to {n_features}; "
            "pass the explainer that the explanation comes from."
        )
    players = _players_of(final)
    if players is None:
        players = resolve_feature_groups(None, names)
        differing = differing_features(explanation, players, names.tolist())
    else:
        differing = differing_features(explanation, players, column_names(final).tolist())
    if differing:
        first = differing[0]
        raise ValueError(
            f"Feature {first} of the explanation is {explanation.feature_names[first]!r}, and of "
            f"explainer {names[first]!r} ({len(differing)} of {n_features} names differ); pass the "
            "explainer that the explanation comes from, or none."
        )
    return final


def _players_of(explainer: Any) -> Players | None:
    """The explainer's groups; None where it knows of none."""
    for part in ("_masked_model_", "_surrogate_"):
        players = getattr(getattr(explainer, part, None), "players", None)
        if players is not None:
            return players
    return None
