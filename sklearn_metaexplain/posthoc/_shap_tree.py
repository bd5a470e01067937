"""shap's interventional tree algorithm, made exact to single precision."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc import _libraries

__all__ = ["TreeValues"]

PROBABILITY_TREES = (DecisionTreeClassifier, ExtraTreesClassifier, RandomForestClassifier)
RAW_TREES = (
    DecisionTreeRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
# Leaf values are stored in single precision by shap.
TOLERANCE = 1e-5
# TOLERANCE of this share of outputs is what double precision may lose of them.
LEAST_SHARE = 1e-8
REMEDY = 'use algorithm="permutation" or "auto".'


class TreeValues:
    """Shapley values of a bare tree model, read off its trees; the model is not asked.

    Parameters
    ----------
    model : MaskedModel
        Around a fitted tree model of scikit-learn, without feature groups.

    Raises
    ------
    ValueError
        If the model, its output or its table is not one that shap's algorithm explains.

    Attributes
    ----------
    spread : ndarray of shape (n_computed,)
        Of the leaves' values, summed over trees.

    Notes
    -----
    shap stores thresholds in single precision, so that values close to a threshold fall on its
    other side. Here both thresholds and values are replaced by their ranks.
    """

    def __init__(self, model: MaskedModel) -> None:
        shap = _libraries.shap()
        grouped = model.n_players < model.n_columns
        estimator = check_supported(model.estimator, model.output, grouped=grouped)
        if np.any(getattr(estimator, "is_categorical_", None)):
            raise ValueError(f'algorithm="tree" does not read categorical splits; {REMEDY}')
        background = _to_floats(model.background)
        try:
            explainer = shap.TreeExplainer(
                estimator,
                shap.maskers.Independent(background, max_samples=len(background)),
                feature_perturbation="interventional",
            )
        except Exception as error:  # shap raises many kinds
            raise ValueError(
                f'algorithm="tree" cannot read this {type(estimator).__name__} ({error}); {REMEDY}'
            ) from error
        trees = explainer.model
        # scikit-learn's own trees compare values rounded to single precision.
        self._input_dtype = trees.input_dtype
        self._thresholds = _ranks_for_thresholds(trees, background.shape[1])
        explainer.data = self._ranks(background)
        self._explainer = explainer
        outputs = _last_output(trees.predict(explainer.data), model)
        if not _close(outputs, model.background_outputs):
            raise ValueError(
                f'algorithm="tree" reads other outputs off the trees of {type(estimator).__name__} '
                f"than the model gives, perhaps because of a link function; {REMEDY}"
            )
        self._model = model
        # An offset that all leaves share is no part of it.
        spreads = [np.ptp(tree.values, axis=0) for tree in trees.trees]
        self.spread = np.sum(spreads, axis=0)[-model.n_computed :]

    def explain(self, X: Any) -> np.ndarray:
        """Attributions of rows.

        Parameters
        ----------
        X : {ndarray, DataFrame, CSR} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        values : ndarray of shape (n_samples, n_features, n_computed)
            Attributions to single precision. They are finite, but do not add up where shap fails.
        """
        values = self._explainer.shap_values(self._ranks(_to_floats(X)), check_additivity=False)
        return _last_output(values.reshape(X.shape[0], X.shape[1], -1), self._model)

    def _ranks(self, table: np.ndarray) -> np.ndarray:
        table = table.astype(self._input_dtype).astype(np.float64)
        ranks = np.empty_like(table)
        for j, thresholds in enumerate(self._thresholds):
            ranks[:, j] = np.searchsorted(thresholds, table[:, j], side="left")
        ranks[np.isnan(table)] = np.nan
        return ranks


def is_close_to_additive(
    values: np.ndarray, gap: np.ndarray, model: MaskedModel, spread: np.ndarray | float = 0.0
) -> np.ndarray:
    """Rows whose gap between attributions and prediction is rounding, in whatever unit they are.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features, n_computed)
        Attributions.
    gap : ndarray of shape (n_samples, n_computed)
        What is missing to their sum.
    model : MaskedModel
        Its outputs on the background say what double precision may lose.
    spread : ndarray of shape (n_computed,), default=0
        Of what trees keep in single precision.

    Returns
    -------
    close : ndarray of bool of shape (n_samples,)
    """
    least = np.maximum(spread, LEAST_SHARE * np.abs(model.background_outputs).max(axis=0))
    scale = np.maximum(least, np.abs(values).sum(axis=1))
    return (np.abs(gap) <= TOLERANCE * scale).all(axis=1)


def check_supported(estimator: Any, output: str, *, grouped: bool) -> Any:
    """Check what shap's algorithm explains, as far as can be seen before a model is fitted.

    Parameters
    ----------
    estimator : estimator
        The model, fitted or not.
    output : {"auto", "probability", "log_odds", "raw"}
        What is explained of it.
    grouped : bool
        Whether there are fewer players than columns.

    Returns
    -------
    estimator : estimator
        The bare trees.

    Raises
    ------
    ValueError
        If it is no such model, output or game.
    """
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    name = type(estimator).__name__
    if grouped:
        raise ValueError(
            'algorithm="tree" cannot explain feature_groups: the sum of the values of columns is '
            f"not the value of their group; {REMEDY}"
        )
    if not isinstance(estimator, PROBABILITY_TREES + RAW_TREES):
        raise ValueError(
            'algorithm="tree" explains bare decision trees, forests and (histogram) gradient '
            f"boosting of scikit-learn, not {name}; {REMEDY}"
        )
    expected = "probability" if isinstance(estimator, PROBABILITY_TREES) else "raw"
    if output == "auto":
        output = "probability" if is_classifier(estimator) else "raw"
    if output != expected:
        raise ValueError(
            f'algorithm="tree" explains output={expected!r} of {name}, not {output!r}; set '
            f"output={expected!r}, or {REMEDY}"
        )
    return estimator


def _to_floats(table: Any) -> np.ndarray:
    try:
        if isinstance(table, pd.DataFrame):
            return table.to_numpy(dtype=np.float64, na_value=np.nan)
        dense = table.toarray() if sparse.issparse(table) else table
        return np.asarray(dense, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f'algorithm="tree" needs numeric columns ({error}); {REMEDY}') from error


def _ranks_for_thresholds(trees: Any, n_columns: int) -> list[np.ndarray]:
    """Replace the thresholds of shap's trees by their ranks; return the thresholds by column."""
    inner = trees.features >= 0
    thresholds = []
    for j in range(n_columns):
        nodes = inner & (trees.features == j) & (trees.children_left >= 0)
        distinct, ranks = np.unique(trees.thresholds[nodes], return_inverse=True)
        thresholds.append(distinct)
        trees.thresholds[nodes] = ranks
    return thresholds


def _last_output(outputs: np.ndarray, model: MaskedModel) -> np.ndarray:
    """Keep the outputs that are computed: of two classes the second."""
    outputs = np.asarray(outputs, dtype=np.float64)
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    return outputs[..., -model.n_computed :]


def _close(outputs: np.ndarray, expected: np.ndarray) -> bool:
    if outputs.shape != expected.shape:
        return False
    return bool((np.abs(outputs - expected) <= TOLERANCE * np.abs(expected).max(axis=0)).all())
