"""Explanations of several folds, put together as one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain._coverage import reach
from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain.masking import RowPool
from sklearn_metaexplain.masking._outputs import log_odds

__all__ = ["join_folds"]

# Entries of a support with a number for each output, those of `LimeExplainer`.
_OF_OUTPUTS = frozenset({"local_intercept", "local_score", "local_prediction"})


def join_folds(
    explanations: list[Explanation], order: np.ndarray, index: pd.Index | None
) -> Explanation:
    """Put the explanations of all folds together.

    Parameters
    ----------
    explanations : list of Explanation
        One a fold.
    order : ndarray of int of shape (n_samples,)
        Positions, among the rows of all folds in turn, of the rows of the result.
    index : Index of length n_samples or None
        Row labels of the result.

    Returns
    -------
    explanation : Explanation
        Of all rows.
    """
    _check_alike(explanations)
    explanations = _with_all_outputs(explanations)
    has_labels = any(explanation.labels is not None for explanation in explanations)

    def collect(part: Callable[[Explanation], Any]) -> Any:
        return _stack([part(explanation) for explanation in explanations], order, index)

    return replace(
        explanations[0],
        values=collect(lambda one: one.values),
        base_values=collect(lambda one: one.base_values),
        predictions=collect(lambda one: one.predictions),
        std=collect(lambda one: one.std),
        std_quantiles=_join_quantiles(explanations, order),
        data=collect(lambda one: one.data),
        labels=collect(lambda one: one.predicted_labels) if has_labels else None,
        n_evaluations=collect(lambda one: one.n_evaluations),
        support=_join_support(explanations, order, index),
        index=index,
    )


def _check_alike(explanations: list[Explanation]) -> None:
    """Folds must explain the same columns in the same units."""
    first = explanations[0]
    for fold, other in enumerate(explanations[1:], 1):
        ours, theirs = first.feature_names.tolist(), other.feature_names.tolist()
        if ours != theirs:
            raise ValueError(
                f"Fold {fold} explains other columns than fold 0: {_difference(ours, theirs)}. A "
                "step before the explainer keeps or makes columns by what it sees in the training "
                "part; fix its columns (for OneHotEncoder: categories), or wrap the whole Pipeline "
                "in the explainer, which then explains the columns of X."
            )
        for name in ("output", "value_function", "additive", "estimator_type"):
            ours, theirs = getattr(first, name), getattr(other, name)
            if ours != theirs:
                raise ValueError(
                    f"Fold {fold} has {name}={theirs!r} and fold 0 {ours!r}; explanations of "
                    "different kinds cannot be joined."
                )


def _difference(ours: list[Any], theirs: list[Any]) -> str:
    lacking = [name for name in ours if name not in theirs]
    added = [name for name in theirs if name not in ours]
    parts = []
    if lacking:
        parts.append(f"it lacks {_some(lacking)}")
    if added:
        parts.append(f"it adds {_some(added)}")
    return " and ".join(parts) or "their order differs"


def _some(names: list[Any]) -> str:
    return ", ".join(map(repr, names[:5])) + ", ..." * (len(names) > 5)


def _with_all_outputs(explanations: list[Explanation]) -> list[Explanation]:
    """Give each fold the classes of all folds, in sorted order."""
    first = explanations[0]
    names = [explanation.output_names for explanation in explanations]
    if all(own.tolist() == names[0].tolist() for own in names):
        return explanations
    if first.estimator_type == "regressor":
        raise ValueError(
            f"Folds have different targets: {[own.tolist() for own in names]}; they cannot be "
            "joined."
        )
    every = np.unique(np.concatenate(names))
    aligned = []
    for fold, explanation in enumerate(explanations):
        places = np.searchsorted(every, explanation.output_names)
        absent = np.delete(every, places).tolist()
        if absent and first.output == "raw":
            raise ValueError(
                f"The classes {absent} are absent from the training part of fold {fold}, so its "
                "decision function has no value for them; use a stratified cv of fewer folds, or "
                'explain output="probability".'
            )
        if absent:
            warnings.warn(
                f"The classes {absent} are absent from the training part of fold {fold}; its rows "
                "get probability 0 and attributions 0 for them. Use a stratified cv of fewer "
                "folds.",
                RuntimeWarning,
                stacklevel=stacklevel_of_caller(),
            )
        aligned.append(_align_outputs(explanation, every, places))
    return aligned


def _align_outputs(explanation: Explanation, names: np.ndarray, places: np.ndarray) -> Explanation:
    # What an explainer says of a class whose probability is 0 everywhere.
    never = 0.0 if explanation.output == "probability" else float(log_odds(np.zeros(1))[0])

    def spread(part: np.ndarray | None, fill: float) -> Any:
        if part is None:
            return None
        wide = np.full((*part.shape[:-1], len(names)), fill)
        wide[..., places] = part
        return wide

    support = explanation.support
    if support is not None:
        # Of a class that a model does not know there is no local model.
        support = {
            key: spread(np.asarray(part), np.nan) if key in _OF_OUTPUTS else part
            for key, part in support.items()
        }
    return replace(
        explanation,
        values=spread(explanation.values, 0.0),
        base_values=spread(explanation.base_values, never),
        predictions=spread(explanation.predictions, never),
        std=spread(explanation.std, 0.0),
        support=support,
        output_names=names,
    )


def _join_quantiles(explanations: list[Explanation], order: np.ndarray) -> np.ndarray | None:
    """Multiples of `std` by row, unless those of all folds are the same."""
    found = [explanation.std_quantiles for explanation in explanations]
    known = [quantiles for quantiles in found if quantiles is not None]
    if not known:
        return None
    first = known[0]
    if first.ndim == 2 and all(own is not None and np.array_equal(own, first) for own in found):
        return first
    # Folds that know none have Gaussian errors.
    shares = first.reshape(-1, *first.shape[-2:])[0, :, 0]
    gaussian = np.column_stack([shares, [reach(share) for share in shares]])
    n_levels = min(quantiles.shape[-2] for quantiles in known)
    parts = [
        np.broadcast_to(
            (gaussian if own is None else own)[..., :n_levels, :],
            (len(explanation), n_levels, 2),
        )
        for explanation, own in zip(explanations, found, strict=True)
    ]
    return _stack(parts, order, None)


def _join_support(
    explanations: list[Explanation], order: np.ndarray, index: pd.Index | None
) -> dict[str, Any] | None:
    supports = [explanation.support or {} for explanation in explanations]
    joined = {}
    for name, first in supports[0].items():
        parts = [support[name] for support in supports if name in support]
        shapes = {np.shape(part)[1:] for part in parts}
        if len(parts) == len(supports) and shapes == {np.shape(first)[1:]}:
            joined[name] = _stack(parts, order, index)
    return joined or None


def _stack(parts: list[Any], order: np.ndarray, index: pd.Index | None) -> Any:
    """Stack what the folds have and bring the rows in order; None if a fold has none."""
    if any(part is None for part in parts):
        return None
    stacked: Any
    if any(sparse.issparse(part) for part in parts):
        return sparse.vstack(parts, format="csr")[order]
    if isinstance(parts[0], pd.DataFrame):
        stacked = RowPool(*parts).rows(order)  # categories of all folds
    elif isinstance(parts[0], pd.Series):
        stacked = take_rows(pd.concat(parts), order)
    else:
        return np.concatenate([np.asarray(part) for part in parts])[order]
    if index is not None:
        stacked.index = index
    return stacked
