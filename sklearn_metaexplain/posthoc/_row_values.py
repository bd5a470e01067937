"""Shapley values of rows by what was learned at fit, with or without further evaluations."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain.exceptions import ToleranceWarning
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._fast import Student
from sklearn_metaexplain.posthoc._own import ask_about_rows
from sklearn_metaexplain.posthoc._promise import Goal
from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.shapley._enumeration import can_enumerate, enumerate_shapley


def explain_unasked(
    model: MaskedModel,
    learned: TaskSurrogate | Student,
    X: Any,
    encoded: torch.Tensor,
    predictions: torch.Tensor,
    *,
    dummies: np.ndarray,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Explain rows of which nothing is asked but what the model says of them.

    Parameters
    ----------
    model, X, encoded, predictions, n_jobs, verbose
        As of `explain_asking`.
    learned : TaskSurrogate or Student
        What was learned at fit.
    dummies : ndarray of bool of shape (n_players,)
        Players that are taken not to matter.

    Returns
    -------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
    """
    can_matter, may_matter = _who_matters(model, X, dummies)
    if isinstance(learned, Student):
        return learned.explain(encoded, predictions, can_matter, may_matter=may_matter)
    values, std, *_ = learned.explain(
        encoded, predictions, can_matter, may_matter=may_matter, n_jobs=n_jobs, verbose=verbose
    )
    return values, std


def explain_asking(
    model: MaskedModel,
    surrogate: TaskSurrogate,
    X: Any,
    encoded: torch.Tensor,
    predictions: torch.Tensor,
    *,
    dummies: np.ndarray,
    budget: int,
    goal: Goal | None = None,
    seed: int,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Explain rows with the help of evaluations of their own.

    What is asked about a row depends on the row and on what was learned at fit alone; a larger
    budget asks all that a smaller one does, and more. How much is asked to reach a goal depends on
    the answers too. A row all of whose hybrids are within the budget is enumerated, unless it
    reaches its goal before.

    Parameters
    ----------
    model : MaskedModel
        The model on its background.
    surrogate : TaskSurrogate
        What was learned at fit.
    X : table of shape (n_rows, n_columns)
        Explained rows.
    encoded, predictions : tensor
        As of `TaskSurrogate.explain`.
    dummies : ndarray of bool of shape (n_players,)
        Players that are taken not to matter, unless a row is enumerated.
    budget : int
        Most evaluations a row, at least 1.
    goal : Goal or None, default=None
        When a row has had enough. None: when `budget` is spent.
    seed : int
        Seed of what may be asked.
    n_jobs : int or None, default=None
        Threads over rows.
    verbose : int, default=0
        Shows bars if positive.

    Returns
    -------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
    n_evaluations : ndarray of int of shape (n_rows,)
        At most `budget`: nothing is asked that is known or that could tell nothing.
    """
    n_rows = len(predictions)
    is_exact = can_enumerate(model, X, budget)
    values = np.zeros((n_rows, model.n_players, predictions.shape[1]))
    std, n_evaluations = np.zeros_like(values), np.zeros(n_rows, dtype=int)
    asked = np.flatnonzero(~is_exact) if goal is None else np.arange(n_rows)
    known = None
    if len(asked):
        rows = _safe_indexing(X, asked)
        part = (encoded[asked], predictions[asked])
        can_matter, may_matter = _who_matters(model, rows, dummies)
        explain = partial(
            surrogate.explain,
            *part,
            can_matter,
            may_matter=may_matter,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        before = None if goal is None else explain()
        found = ask_about_rows(
            model.with_dummies(dummies),
            surrogate,
            rows,
            part[0],
            part[1].numpy(),
            budget,
            seed,
            goal,
            before,
            keep=is_exact[asked],
            n_jobs=n_jobs,
            verbose=verbose,
        )
        values[asked], std[asked], *_ = explain(own=found.own)
        n_evaluations[asked] = found.n_evaluations
        if goal is not None:
            is_exact &= ~found.is_enough
            known = [heard for heard in found.heard if heard is not None]
            _warn_of_missed(found.is_enough | is_exact, goal, budget)
    exact = np.flatnonzero(is_exact)
    if len(exact):
        rows = _safe_indexing(X, exact)
        values[exact], further = enumerate_shapley(model, rows, predictions[exact].numpy(), known)
        std[exact] = 0.0
        n_evaluations[exact] += further
    return values, std, n_evaluations


def _warn_of_missed(is_enough: np.ndarray, goal: Goal, budget: int) -> None:
    missed = int((~is_enough).sum())
    if missed:
        warnings.warn(
            f"{missed} of {len(is_enough)} rows are expected to be above tol={goal.tol} after at "
            f"most budget={budget} evaluations each: raise budget or n_support.",
            ToleranceWarning,
            stacklevel=stacklevel_of_caller(),
        )


def _who_matters(
    model: MaskedModel, X: Any, dummies: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Players that can matter to rows, and those that might if none were a dummy."""
    may_matter = torch.from_numpy(model.can_matter(X))
    # Of what joblib maps from a file torch takes no array as it is.
    return may_matter & torch.from_numpy(~dummies), may_matter
