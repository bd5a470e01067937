"""KernelSHAP, permutation SHAP and LIME, by their libraries."""

from __future__ import annotations

import numpy as np
from measures import Result, Stopwatch
from tasks import N_BACKGROUND, SEED, Task

from sklearn_metaexplain import LimeExplainer, ShapExplainer
from sklearn_metaexplain.posthoc import _libraries
from sklearn_metaexplain.posthoc._shap_game import _numpy_seeded

KERNEL = "shap Kernel, 25 background rows a coalition"
KERNEL_ONE = "shap Kernel, 1 background row a coalition"
PERMUTATION = "shap Permutation"
LIME = "LIME (no Shapley estimate)"


class SampledGame:
    """A row as a game whose coalitions meet only some random background rows.

    All evaluations are spent in the one call in which KernelExplainer asks for its coalitions:
    one background row a coalition, or more, all different, where coalitions are fewer than
    evaluations.

    Parameters
    ----------
    task : Task
    position : int
        The explained row.
    budget : int
        Evaluations.
    rng : RandomState
        Draws the background rows.
    """

    def __init__(self, task: Task, position: int, budget: int, rng: np.random.RandomState) -> None:
        self.masked = task.masked
        self.row = task.rows[[position]]
        self.prediction = task.predictions[position]
        self.base = task.base
        self.budget = budget
        self.rng = rng

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Mean outputs, shape (n, n_outputs), of 0/1 vectors, shape (n, n_columns)."""
        masks = np.asarray(masks, dtype=bool)
        whole = masks.all(axis=1)
        outputs = np.where(whole[:, None], self.prediction, self.base)
        asked = np.flatnonzero(masks.any(axis=1) & ~whole)
        if len(asked) == 0:
            return outputs
        n_background = self.masked.n_background
        each, left = divmod(self.budget, len(asked))
        counts = each + (self.rng.permutation(len(asked)) < left)
        order = self.rng.random_sample((len(asked), n_background)).argsort(1)
        chosen = np.argwhere(order < counts[:, None])
        answers = self.masked.evaluate(
            self.row, np.zeros(len(chosen), dtype=int), chosen[:, 1], masks[asked[chosen[:, 0]]]
        )
        total = np.zeros((len(asked), answers.shape[1]))
        np.add.at(total, chosen[:, 0], answers)
        outputs[asked] = total / np.minimum(counts, n_background)[:, None]
        return outputs


def explain_kernel(task: Task, budget: int) -> Result:
    """KernelExplainer as its documentation has it; its selection of columns is off."""
    asked = task.model.rows
    with Stopwatch() as watch, _numpy_seeded(SEED):
        explainer = _libraries.shap().KernelExplainer(task.masked.predict, task.background)
        values = explainer.shap_values(
            task.rows, nsamples=budget // N_BACKGROUND, l1_reg=False, silent=True
        )
    evaluations = (task.model.rows - asked - N_BACKGROUND) / len(task.rows) - 1
    return _result(KERNEL, task, values, watch, budget, evaluations)


def explain_kernel_one(task: Task, budget: int) -> Result:
    """KernelExplainer on games that meet one background row a coalition."""
    asked = task.model.rows
    rng = np.random.RandomState(SEED)
    n_columns = task.rows.shape[1]
    values = []
    with Stopwatch() as watch, _numpy_seeded(SEED):
        for position in range(len(task.rows)):
            game = SampledGame(task, position, budget, rng)
            explainer = _libraries.shap().KernelExplainer(game, np.zeros((1, n_columns)))
            coalitions = min(budget, 2**n_columns - 2)
            values.append(
                explainer.shap_values(
                    np.ones((1, n_columns)), nsamples=coalitions, l1_reg=False, silent=True
                )
            )
    evaluations = (task.model.rows - asked) / len(task.rows)
    return _result(KERNEL_ONE, task, np.array(values), watch, budget, evaluations)


def explain_permutation(task: Task, budget: int) -> Result | None:
    """Antithetic permutations; None where the budget does not allow one."""
    if budget < 2 * (task.rows.shape[1] - 1) * N_BACKGROUND:
        return None
    explainer = ShapExplainer(
        task.frozen,
        algorithm="permutation",
        background=task.background,
        budget=budget,
        random_state=SEED,
    ).fit(task.X_train)
    with Stopwatch() as watch:
        explanation = explainer.explain(task.rows)
    values = task.computed(explanation.values)
    evaluations = float(explanation.n_evaluations.mean())
    return _result(PERMUTATION, task, values, watch, budget, evaluations)


def explain_lime(task: Task) -> Result:
    """LIME's coefficients, which do not estimate Shapley values."""
    explainer = LimeExplainer(task.frozen, background=task.background, random_state=SEED)
    with Stopwatch() as fit:
        explainer.fit(task.X_train)
    asked = task.model.rows
    with Stopwatch() as watch:
        values = task.computed(explainer.explain(task.rows).values)
    evaluations = (task.model.rows - asked) / len(task.rows) - 1
    return _result(LIME, task, values, watch, explainer.n_samples, evaluations, fit.seconds)


def _result(
    method: str,
    task: Task,
    values: np.ndarray,
    watch: Stopwatch,
    budget: int,
    evaluations: float,
    seconds_fit: float = 0.0,
) -> Result:
    n_outputs = task.truth.shape[2]
    values = np.reshape(values, (-1, task.rows.shape[1], n_outputs))
    return Result(
        method,
        values,
        watch.seconds,
        budget=budget,
        evaluations=evaluations,
        seconds_fit=seconds_fit,
    )
