"""Whether a model does what an explanation says."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import _get_feature_names

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.masking import RowPool, hybrid_index, resolve_feature_groups
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.masking._probes import draw_row_probes

__all__ = ["faithfulness_score"]

# Outputs are rounded: less than this part of them is no change.
ROUNDING = 1e-10
# Predictions of the same model in other batches or in single precision differ by less.
SAME_MODEL = 1e-3


def faithfulness_score(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    n_coalitions: int = 100,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Correlation between what an explanation says and what the model does.

    For random sets of columns, the sum of their attributions is compared with the change of the
    model's output when the columns are replaced by values of background rows: the mean change over
    the background. The Pearson correlation over the sets is taken row by row, of the class that the
    model predicts for the row, or of each target of a regressor, and averaged.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, of shape (n, n_outputs); (n,) will do for one output, and
        for a binary classifier if it is the output of the second class. For instance a model's
        `predict_proba`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows. To compare explainers, pass the same
        rows for all of them, and rather not those that one of them has used itself.
    n_coalitions : int, default=100
        Number of sets of columns drawn, of sizes 1 to n_features - 1 in equal numbers, the same for
        all rows. Of sets drawn twice one is kept.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed of the sets.

    Returns
    -------
    score : float
        Between -1 and 1, higher is better. NaN if there is no row whose output changes.

    Raises
    ------
    ValueError
        If the explanation keeps no `data`, its features are not the columns of `data` (or groups of
        them), `background` has other columns, or `predict` returns something else than the outputs
        that the explanation explains.

    See Also
    --------
    make_explanation_scorer : The same for GridSearchCV and cross_validate.
    shapley_error : Where true attributions are known.

    Notes
    -----
    Bhatt et al. [1]_ fix the size of the sets and replace columns by one baseline. Here sizes vary,
    and the change is averaged over the background, which is the game that interventional Shapley
    values share out. Those of an additive model on the same background score 1; where columns
    interact not even exact ones do, so scores compare explanations and say little alone. To the
    sets drawn are added the empty set and that of all columns, which cost nothing and let tables of
    one and two columns be scored.

    Rows are left out only if the model's output changes with no set. If it changes and the
    explanation adds up to the same whatever the set, the row counts as 0: an explainer gains
    nothing by saying nothing.

    The class that the model predicts is what users ask about; other classes may hardly change. To
    score the attributions of one class alone, pass ``explanation.for_output(label)`` and a
    `predict` that returns that output.

    The model is asked for ``n * (1 + m * n_background) + n_background`` rows, where n are explained
    and m is the number of sets, at most `n_coalitions`.

    References
    ----------
    .. [1] U. Bhatt, A. Weller and J. M. F. Moura, "Evaluating and aggregating feature-based model
       explanations", IJCAI, 2020. https://doi.org/10.24963/ijcai.2020/417

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import faithfulness_score
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LinearRegression(), background=X[:20], random_state=0)
    >>> explanation = explainer.fit(X, y).explain(X[20:25])
    >>> score = faithfulness_score(
    ...     explanation, explainer.predict, background=X[:20], random_state=0
    ... )
    >>> round(score, 6)
    1.0
    """
    for name, size in {"n_coalitions": n_coalitions, "batch_size": batch_size}.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{name} must be an int of at least 1; got {size!r}.")
    player_of_column = _check_tables(explanation, background, feature_groups)
    random = np.random.RandomState(draw_seed(random_state))
    drawn = _draw_sets(random, int(n_coalitions), explanation.values.shape[1])
    every = np.ones_like(drawn, shape=(1, drawn.shape[1]))
    replaced = np.concatenate([drawn, every, ~every])

    predictions = _ask(predict, explanation.data, explanation)
    _check_same_model(predictions, explanation)
    game = _Game(predict, explanation, background, player_of_column, int(batch_size))
    outputs = np.concatenate(
        [game.without(drawn), game.without_all(), predictions[:, None]], axis=1
    )
    changes = predictions[:, None] - outputs
    sums = replaced.astype(np.float64) @ explanation.values
    if _is_classifier(explanation):
        of_predicted = predictions.argmax(axis=1)[:, None, None]
        sums, changes, outputs = (
            np.take_along_axis(part, of_predicted, axis=2) for part in (sums, changes, outputs)
        )
    changing = np.ptp(outputs, axis=1) > ROUNDING * np.abs(outputs).max(axis=1)
    if not changing.any():
        return float("nan")
    return float(_correlations(sums, changes)[changing].mean())


class _Game:
    """The model's outputs when columns of the explained rows come from the background."""

    def __init__(
        self,
        predict: Callable[[Any], Any],
        explanation: Explanation,
        background: Any,
        player_of_column: np.ndarray,
        batch_size: int,
    ) -> None:
        self.predict = predict
        self.explanation = explanation
        self.player_of_column = player_of_column
        self.n_background = background.shape[0]
        self.pool = RowPool(explanation.data, background)
        # Means over the background are taken at once.
        self.sets_at_once = max(1, batch_size // self.n_background)

    def without(self, replaced: np.ndarray) -> np.ndarray:
        """Mean outputs (n_samples, n_sets, n_outputs) without the columns of each set."""
        n_samples, _, n_outputs = self.explanation.values.shape
        n_sets = len(replaced)
        outputs = np.empty((n_samples * n_sets, n_outputs))
        for start in range(0, len(outputs), self.sets_at_once):
            pairs = np.arange(start, min(start + self.sets_at_once, len(outputs)))
            index = hybrid_index(
                np.repeat(pairs // n_sets, self.n_background),
                np.tile(n_samples + np.arange(self.n_background), len(pairs)),
                np.repeat(~replaced[pairs % n_sets], self.n_background, axis=0),
                self.player_of_column,
            )
            answers = _ask(self.predict, self.pool.take(index), self.explanation)
            outputs[pairs] = answers.reshape(len(pairs), self.n_background, n_outputs).mean(axis=1)
        return outputs.reshape(n_samples, n_sets, n_outputs)

    def without_all(self) -> np.ndarray:
        """Mean outputs of the background, (n_samples, 1, n_outputs): the same for all rows."""
        n_samples, _, n_outputs = self.explanation.values.shape
        background = self.pool.rows(n_samples + np.arange(self.n_background))
        mean = _ask(self.predict, background, self.explanation).mean(axis=0)
        return np.broadcast_to(mean, (n_samples, 1, n_outputs))


def _draw_sets(random: np.random.RandomState, n: int, n_players: int) -> np.ndarray:
    """Draw distinct sets of some players, bool (at most n, n_players): neither all nor none."""
    drawn = draw_row_probes(random, n, n_background=1, n_players=n_players).coalitions
    distinct = np.unique(drawn, axis=0)
    return distinct[~distinct.all(axis=1)]


def _correlations(sums: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """Pearson correlations over the second axis; 0 where one side is constant."""
    sums = sums - sums.mean(axis=1, keepdims=True)
    changes = changes - changes.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(sums, axis=1) * np.linalg.norm(changes, axis=1)
    return (sums * changes).sum(axis=1) / np.where(sizes > 0, sizes, 1.0)


def _is_classifier(explanation: Explanation) -> bool:
    return explanation.estimator_type == "classifier" or explanation.output != "raw"


def _ask(predict: Callable[[Any], Any], table: Any, explanation: Explanation) -> np.ndarray:
    """Outputs (n, n_outputs) of a table."""
    n, n_outputs = table.shape[0], explanation.values.shape[2]
    try:
        answers = np.asarray(predict(table), dtype=np.float64)
    except ValueError as error:
        if "could not convert string" not in str(error):
            raise
        raise ValueError(f"predict returned labels; {_remedy(explanation)}") from error
    if answers.ndim == 1:
        answers = answers[:, None]
    if answers.shape == (n, 1) and n_outputs == 2 and _is_classifier(explanation):
        other = 1.0 - answers if explanation.output == "probability" else -answers
        answers = np.concatenate([other, answers], axis=1)
    if answers.shape != (n, n_outputs):
        raise ValueError(
            f"predict returned an array of shape {answers.shape} for {n} rows and {n_outputs} "
            f"outputs; {_remedy(explanation)}"
        )
    if not np.isfinite(answers).all():
        raise ValueError("predict returned NaN or infinite values.")
    return answers


def _check_same_model(predictions: np.ndarray, explanation: Explanation) -> None:
    tolerance = SAME_MODEL * max(np.abs(predictions).max(), np.abs(explanation.predictions).max())
    missed = np.abs(predictions - explanation.predictions).max()
    if missed > tolerance:
        raise ValueError(
            f"predict misses the predictions of the explanation by {missed:.3g}; "
            f"{_remedy(explanation)}"
        )


def _remedy(explanation: Explanation) -> str:
    names = explanation.output_names.tolist()
    return f"pass a function that returns the output {explanation.output!r} of {names}."


def _check_tables(
    explanation: Explanation, background: Any, feature_groups: FeatureGroups
) -> np.ndarray:
    """Positions (n_columns,) of the feature that each column belongs to."""
    data = explanation.data
    if data is None:
        raise ValueError(
            "The explanation keeps no data to replace columns of; add the rows, as in "
            "dataclasses.replace(explanation, data=X)."
        )
    if len(explanation) == 0:
        raise ValueError("The explanation has no rows.")
    if not hasattr(background, "shape") or len(background.shape) != 2 or not background.shape[0]:
        raise ValueError("background must be a table with at least one row.")
    ours, theirs = _column_names(data), _column_names(background)
    both_named = isinstance(data, pd.DataFrame) and isinstance(background, pd.DataFrame)
    if len(ours) != len(theirs) or (both_named and ours != theirs):
        raise ValueError(f"background has the columns {theirs}; the explained rows have {ours}.")
    players = resolve_feature_groups(feature_groups, ours)
    n_features = explanation.values.shape[1]
    if len(players.names) != n_features:
        raise ValueError(
            f"The explanation has {n_features} features {explanation.feature_names.tolist()}, but "
            f"its data, with feature_groups={feature_groups!r}, have {len(players.names)}; pass "
            "the feature_groups of the explainer."
        )
    return players.player_of_column


def _column_names(table: Any) -> list[str]:
    names = _get_feature_names(table)
    return [f"x{j}" for j in range(table.shape[1])] if names is None else names.tolist()
