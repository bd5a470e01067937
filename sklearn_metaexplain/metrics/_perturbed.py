"""A model asked about explained rows of which some columns come from background rows."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import copy_rows
from sklearn_metaexplain.masking import RowPool, hybrid_index
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.masking._probes import draw_row_probes
from sklearn_metaexplain.metrics._outputs import ROUNDING, explains_classifier
from sklearn_metaexplain.metrics._tables import check_tables

__all__ = [
    "COALITION_METRIC_CONSTRAINTS",
    "MODEL_METRIC_CONSTRAINTS",
    "PerturbedModel",
    "draw_sets",
    "outputs_vary",
]

# What all metrics that ask the model accept; the tables are checked against each other below.
MODEL_METRIC_CONSTRAINTS: dict[str, list[Any]] = {
    "explanation": [Explanation],
    "predict": [callable],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}
# And those that draw sets of columns.
COALITION_METRIC_CONSTRAINTS: dict[str, list[Any]] = {
    **MODEL_METRIC_CONSTRAINTS,
    "n_coalitions": [Interval(Integral, 1, None, closed="left")],
}

# Predictions of the same model in other batches or in single precision differ by less.
SAME_MODEL = 1e-3


class PerturbedModel:
    """The model's outputs when columns of the explained rows come from the background.

    Constructing it asks for the outputs of the explained rows.

    Parameters
    ----------
    explanation : Explanation
        What is judged; its `data` are the rows.
    predict : callable
        The model, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of explained rows.
    feature_groups : mapping or list of lists, default=None
        Columns that are replaced together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.

    Attributes
    ----------
    predictions : ndarray of shape (n_samples, n_outputs)
        Outputs of the rows as they are.

    Raises
    ------
    ValueError
        If the tables or `feature_groups` are not those that were explained, or `predict` returns
        something else than what was explained.
    """

    def __init__(
        self,
        explanation: Explanation,
        predict: Callable[[Any], Any],
        background: Any,
        feature_groups: FeatureGroups = None,
        batch_size: int = 10_000,
    ) -> None:
        self._predict = predict
        self._explanation = explanation
        self._player_of_column = check_tables(explanation, background, feature_groups)
        self._n_background = background.shape[0]
        self._batch_size = int(batch_size)
        # Means over the background are taken at once.
        self._sets_at_once = max(1, self._batch_size // self._n_background)
        self._pool = RowPool(explanation.data, background)
        self.predictions = _ask(predict, copy_rows(explanation.data), explanation)
        _check_same_model(self.predictions, explanation)

    def without(self, replaced: np.ndarray) -> np.ndarray:
        """Mean outputs over the background without the columns of sets.

        Parameters
        ----------
        replaced : ndarray of bool of shape (n_sets, n_features) or (n_samples, n_sets, n_features)
            True where the background gives the columns; the same sets for all rows, or each row's
            own.

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_sets, n_outputs)
            Costs ``n_samples * n_sets * n_background`` evaluations.
        """
        return self._mean_answers(replaced, lambda answers, rows: answers.mean(axis=1))

    def without_all(self) -> np.ndarray:
        """Mean outputs of the background, (n_samples, 1, n_outputs): the same for all rows."""
        n_samples = len(self._explanation)
        background = self._pool.rows(n_samples + np.arange(self._n_background))
        mean = _ask(self._predict, background, self._explanation).mean(axis=0)
        return np.broadcast_to(mean, (n_samples, 1, len(mean)))

    def gaps(self, replaced: np.ndarray) -> np.ndarray:
        """Mean absolute changes of the outputs over the background; otherwise as `without`."""

        def mean_gap(answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return np.abs(answers - self.predictions[rows][:, None]).mean(axis=1)

        return self._mean_answers(replaced, mean_gap)

    def evaluate(
        self, rows: np.ndarray, backgrounds: np.ndarray, replaced: np.ndarray
    ) -> np.ndarray:
        """Outputs of single hybrid rows.

        Parameters
        ----------
        rows, backgrounds : ndarray of int of shape (n,)
            Which explained and which background row each is made of.
        replaced : ndarray of bool of shape (n, n_features)
            True where the background row gives the columns.

        Returns
        -------
        outputs : ndarray of shape (n, n_outputs)
            Costs n evaluations.
        """
        parts = [np.empty((0, self.predictions.shape[1]))]
        for start in range(0, len(rows), self._batch_size):
            part = slice(start, start + self._batch_size)
            parts.append(self._ask_hybrids(rows[part], backgrounds[part], replaced[part]))
        return np.concatenate(parts)

    def _mean_answers(
        self, replaced: np.ndarray, mean: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        n_samples, n_outputs = self.predictions.shape
        n_sets = replaced.shape[-2]
        replaced = np.broadcast_to(replaced, (n_samples, n_sets, replaced.shape[-1]))
        outputs = np.empty((n_samples * n_sets, n_outputs))
        for start in range(0, len(outputs), self._sets_at_once):
            pairs = np.arange(start, min(start + self._sets_at_once, len(outputs)))
            rows = pairs // n_sets
            answers = self._ask_hybrids(
                np.repeat(rows, self._n_background),
                np.tile(np.arange(self._n_background), len(pairs)),
                np.repeat(replaced[rows, pairs % n_sets], self._n_background, axis=0),
            )
            answers = answers.reshape(len(pairs), self._n_background, n_outputs)
            outputs[pairs] = mean(answers, rows)
        return outputs.reshape(n_samples, n_sets, n_outputs)

    def _ask_hybrids(
        self, rows: np.ndarray, backgrounds: np.ndarray, replaced: np.ndarray
    ) -> np.ndarray:
        index = hybrid_index(
            rows, len(self._explanation) + backgrounds, ~replaced, self._player_of_column
        )
        return _ask(self._predict, self._pool.take(index), self._explanation)


def draw_sets(random: np.random.RandomState, n: int, n_features: int) -> np.ndarray:
    """Draw sets of some features, bool (n, n_features), of sizes 1 to n_features - 1.

    Sizes are equally frequent. Of a single feature the set is that feature.
    """
    return draw_row_probes(random, n, n_background=1, n_players=n_features).coalitions


def outputs_vary(outputs: np.ndarray) -> np.ndarray:
    """Whether outputs vary along the second axis by more than rounding."""
    return np.ptp(outputs, axis=1) > ROUNDING * np.abs(outputs).max(axis=1)


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
    if answers.shape == (n, 1) and n_outputs == 2 and explains_classifier(explanation):
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
