"""MetaExplainer as users have it, and the evaluated hybrids that it learned from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from measures import Result, Stopwatch
from tasks import SEED, Task

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.posthoc._base import _sum_to_zero_over_classes
from sklearn_metaexplain.shapley._stack import close_gap

META = "MetaExplainer"


class Support(NamedTuple):
    """What a fitted MetaExplainer learned from, in its order, and the rows to explain."""

    hybrids: np.ndarray  # (n, n_columns)
    outputs: np.ndarray  # (n, n_outputs)
    encoded: torch.Tensor  # (n, n_encoded, 2)
    background: torch.Tensor  # (n_background, n_encoded, 2)
    rows: torch.Tensor  # (n_rows, n_encoded, 2)
    player_of_column: torch.Tensor  # (n_encoded,)


def fit_meta(task: Task, n_support: int, pretrained: Any) -> tuple[MetaExplainer, float]:
    """Fit a MetaExplainer; also return its CPU seconds without the model's."""
    explainer = MetaExplainer(
        task.frozen,
        background=task.background,
        n_support=n_support,
        pretrained=pretrained,
        random_state=SEED,
    )
    model_seconds = task.model.seconds
    with Stopwatch() as watch:
        explainer.fit(task.X_train)
    return explainer, watch.seconds - (task.model.seconds - model_seconds)


def explain_meta(task: Task, explainer: MetaExplainer, seconds_fit: float, budget: int) -> Result:
    """Explain the task's rows within a budget."""
    with Stopwatch() as watch:
        explanation = explainer.explain(task.rows, budget=budget)
    return Result(
        META,
        task.computed(explanation.values),
        watch.seconds,
        explainer.n_support,
        budget,
        float(explanation.n_evaluations.mean()),
        seconds_fit,
    )


def support_of(task: Task, explainer: MetaExplainer) -> Support:
    """Draw and evaluate again what `explainer` learned from."""
    rng = np.random.RandomState(explainer._seed_)
    rng.randint(np.iinfo(np.int32).max)
    probes = explainer._draw_support(rng, task.X_train)
    mixed = np.where(
        probes.coalitions, task.X_train[probes.rows], task.background[probes.backgrounds]
    )
    hybrids = np.concatenate([task.background, mixed])
    hybrids = hybrids[rng.permutation(len(hybrids))]
    outputs = task.masked.predict(hybrids)
    if not np.allclose(outputs.mean(0), explainer._surrogate_.center.numpy()):
        raise RuntimeError("MetaExplainer draws its hybrids otherwise: update support_of.")
    encoder = explainer._encoder_

    def encode(table: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(encoder.encode(encoder.code(table)))

    return Support(
        hybrids,
        outputs,
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
    return _sum_to_zero_over_classes(values, task.predictions, base)
