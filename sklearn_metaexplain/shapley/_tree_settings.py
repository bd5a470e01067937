"""How many trees a stack boosts, and how large."""

from __future__ import annotations

from typing import Any

#: Fewer rows are dear, and time is not.
FEW_ROWS = 1000
_MANY_ROWS = 6000
# More take much memory for the tables of their trees.
_FEW_OUTPUTS = 3
# Learning rate of fewer trees than usual.
_MOST_RATE = 0.5
# Of the columns, drawn for each leaf: those of the folds then differ, so their mean gains.
_COLUMN_SHARE = 0.5


def tree_settings(n_rows: int, n_outputs: int, effort: float = 1.0) -> dict[str, Any]:
    """Choose parameters of `LeafwiseBoosting`.

    The more rows, the more leaves; and the more outputs, the smaller the tables of each.

    Parameters
    ----------
    n_rows : int
        Evaluated rows.
    n_outputs : int
        Outputs, each of which has trees of its own.
    effort : float, default=1.0
        Share of the usual number of trees; steps are the larger.

    Returns
    -------
    dict
        By name of the parameter.
    """
    n_trees, rate, n_bins = 150, 0.15, 128
    if n_rows < 256:
        most_leaves, least_rows = 8, 5
    elif n_rows < FEW_ROWS:
        most_leaves, least_rows = 12, 5
        n_trees, rate = 200, 0.1
    elif n_rows < _MANY_ROWS:
        most_leaves, least_rows = 48, 10
        n_trees, rate = 100, 0.2
    else:
        most_leaves, least_rows = 128, 10
        n_trees, rate, n_bins = 100, 0.2, 255
    return {
        "most_leaves": most_leaves,
        "least_rows": least_rows,
        "n_trees": int(n_trees * effort),
        "learning_rate": min(rate / effort, _MOST_RATE),
        "n_bins": n_bins,
        "column_share": _COLUMN_SHARE,
        "most_players": 5 if n_outputs <= _FEW_OUTPUTS else 4,
    }
