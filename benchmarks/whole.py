"""MetaExplainer as users have it, and the evaluated hybrids that it learned from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from interval_coverage import measure_coverage, measure_error_estimate
from measures import Result, Stopwatch
from tasks import SEED, Task

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.masking._outputs import sum_to_zero_over_classes
from sklearn_metaexplain.shapley._gap import close_gap

META = "MetaExplainer"
ONE_ROUND = "MetaExplainer, n_rounds=1"
FAST = 'MetaExplainer, speed="fast"'


class Fitted(NamedTuple):
    """A fitted MetaExplainer and what it asked."""

    explainer: MetaExplainer
    seconds: float  # CPU seconds of fit, without the model's
    seconds_model: float  # the model's
    hybrids: Any  # table of shape (n_support, n_columns)


class Support(NamedTuple):
    """Evaluated hybrids, in random order, and the rows to explain."""

    hybrids: np.ndarray  # (n, n_columns)
    outputs: np.ndarray  # (n, n_outputs)
    encoded: torch.Tensor  # (n, n_encoded, 2)
    background: torch.Tensor  # (n_background, n_encoded, 2)
    rows: torch.Tensor  # (n_rows, n_encoded, 2)
    player_of_column: torch.Tensor  # (n_encoded,)


def has_speeds() -> bool:
    """Whether this version of MetaExplainer has the parameter `speed`."""
    return "speed" in MetaExplainer._get_param_names()


def fit_meta(task: Task, n_support: int, pretrained: Any, **parameters: Any) -> Fitted:
    """Fit a MetaExplainer, with further parameters where given."""
    explainer = MetaExplainer(
        task.frozen,
        background=task.background,
        n_support=n_support,
        pretrained=pretrained,
        **{"random_state": SEED, **parameters},
    )
    model = task.model
    model_seconds, model.asked = model.seconds, []
    with Stopwatch() as watch:
        explainer.fit(task.X_train)
    hybrids, model.asked = _join(model.asked), None
    if not len(hybrids) == explainer.n_evaluations_ == n_support:
        raise RuntimeError(f"MetaExplainer asked for {len(hybrids)} rows, not {n_support}.")
    model_seconds = model.seconds - model_seconds
    return Fitted(explainer, watch.seconds - model_seconds, model_seconds, hybrids)


def _join(tables: list[Any]) -> Any:
    """Arrays or frames, one below the other."""
    if isinstance(tables[0], pd.DataFrame):
        return pd.concat(tables, ignore_index=True)
    return np.concatenate(tables)


def explain_meta(task: Task, fitted: Fitted, budget: int, method: str = META) -> Result:
    """Explain the task's rows within a budget, and see whether it knows how good it is."""
    with Stopwatch() as watch:
        explanation = fitted.explainer.explain(task.rows, budget=budget)
    values = task.computed(explanation.values)
    extra = {"seconds_model_at_fit": fitted.seconds_model, **measure_coverage(task, explanation)}
    if budget == 0:
        extra |= measure_error_estimate(task, fitted.explainer, values)
    return Result(
        method,
        values,
        watch.seconds,
        len(fitted.hybrids),
        budget,
        float(explanation.n_evaluations.mean()),
        fitted.seconds,
        extra=extra,
    )


def support_of(task: Task, fitted: Fitted) -> Support:
    """What `fitted` learned from, for others to learn from."""
    order = np.random.RandomState(SEED).permutation(len(fitted.hybrids))
    hybrids = fitted.hybrids[order]
    encoder = fitted.explainer._encoder_

    def encode(table: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(encoder.encode(encoder.code(table)))

    return Support(
        hybrids,
        task.masked.predict(hybrids),
        encode(hybrids),
        encode(task.background),
        encode(task.rows),
        torch.from_numpy(encoder.source_),
    )


def close(task: Task, values: np.ndarray) -> np.ndarray:
    """Distribute the gap to the predictions, half equally and half by size, as the package does."""
    able = torch.from_numpy(task.masked.can_matter(task.rows))
    open_values = torch.from_numpy(np.ascontiguousarray(values)) * able[..., None]
    gap = torch.from_numpy(task.predictions - task.base) - open_values.sum(1)
    return sum_to_zero(task, close_gap(open_values, gap, able).numpy())


def sum_to_zero(task: Task, values: np.ndarray) -> np.ndarray:
    """Project attributions of class probabilities, as explainers do."""
    if task.masked.output != "probability" or task.masked.n_computed == 1:
        return values
    base = np.broadcast_to(task.base, task.predictions.shape)
    return sum_to_zero_over_classes(values, task.predictions, base)
