"""Explainers that each break one promise, for the checks to catch."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tests.small_explainers import ExactExplainer


class BatchDependent(ExactExplainer):
    """Moves the batch's mean from one column to another: sums stay right."""

    def _explain(self, X):
        explanation = super()._explain(X)
        values = explanation.values.copy()
        shift = values[:, :1].mean(axis=0) + 0.01 * values[0, :1]
        return replace(
            explanation, values=values + shift * np.array([1, -1, 0, 0])[: X.shape[1], None]
        )


class OrderDependent(ExactExplainer):
    """Each row gets a little of the row before it."""

    def _explain(self, X):
        explanation = super()._explain(X)
        values = explanation.values.copy()
        values[:, 0] += 0.1 * np.roll(explanation.values[:, 0], 1, axis=0)
        values[:, 1] -= 0.1 * np.roll(explanation.values[:, 0], 1, axis=0)
        return replace(explanation, values=values)


class PositionBiased(ExactExplainer):
    """Sees importance where a column stands."""

    def _explain(self, X):
        explanation = super()._explain(X)
        share = np.arange(X.shape[1], 0, -1.0) / np.arange(X.shape[1] + 1).sum()
        total = (explanation.predictions - explanation.base_values)[:, None, :]
        return replace(explanation, values=total * share[:, None])


class WrongPredictions(ExactExplainer):
    def _explain(self, X):
        explanation = super()._explain(X)
        return replace(
            explanation,
            predictions=explanation.predictions[:, ::-1],
            base_values=explanation.base_values[:, ::-1],
            values=explanation.values[:, :, ::-1],
        )


class WritesOverFrames(ExactExplainer):
    """Leaves arrays alone."""

    def _explain(self, X):
        explanation = super()._explain(X)
        if isinstance(X, pd.DataFrame):
            X.iloc[:, 0] = 0.0
        return explanation


class ShufflesData(ExactExplainer):
    """Keeps the rows in another order than their attributions."""

    def _explain(self, X):
        explanation = super()._explain(X)
        return replace(explanation, data=explanation.data[::-1])


class CountsBatches(ExactExplainer):
    """Says that a row of many costs less."""

    def _explain(self, X):
        explanation = super()._explain(X)
        return replace(explanation, n_evaluations=np.full(len(explanation), 100 // len(X)))


class Inefficient(ExactExplainer):
    """Goes round the check that `explain` makes itself."""

    def explain(self, X):
        explanation = super().explain(X)
        return replace(explanation, values=1.01 * explanation.values)


class WrongNames(ExactExplainer):
    def _explain(self, X):
        explanation = super()._explain(X)
        return replace(explanation, feature_names=[f"f{j}" for j in range(X.shape[1])])


class LosesIndex(ExactExplainer):
    def explain(self, X):
        explanation = super().explain(X)
        return replace(explanation, index=pd.RangeIndex(len(explanation)))


class OneOutputOnly(ExactExplainer):
    def explain(self, X):
        explanation = super().explain(X)
        return explanation.for_output(explanation.output_names[-1])


class WrongTransform(ExactExplainer):
    def transform(self, X):
        return -super().transform(X)


class SwallowsOptions(ExactExplainer):
    def explain(self, X, **options):
        return super().explain(X)


class SkipsValidation(ExactExplainer):
    def _check_table(self, X, *, reset):
        if reset:
            return super()._check_table(X, reset=True)
        return np.nan_to_num(np.asarray(X, dtype=float))


class SeedsNumpy(ExactExplainer):
    def _explain(self, X):
        np.random.seed(0)
        return super()._explain(X)


class SeedsTorch(ExactExplainer):
    def _fit_explainer(self, X):
        torch.manual_seed(0)


class LeavesFiles(ExactExplainer):
    def _fit_explainer(self, X):
        Path("cache.txt").write_text("left behind")


class ChangesDirectory(ExactExplainer):
    def _fit_explainer(self, X):
        os.chdir(Path.cwd().parent)


class FitsUserEstimator(ExactExplainer):
    def _fit_explainer(self, X):
        self.estimator.fit(X, np.arange(X.shape[0]) % 2)


class ChangesParameter(ExactExplainer):
    def _fit_explainer(self, X):
        self.batch_size = 17


class CountsCalls(ExactExplainer):
    def _explain(self, X):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        return super()._explain(X)


class IgnoresSeed(ExactExplainer):
    def _fit_explainer(self, X):
        self._noise_ = np.random.default_rng().normal(scale=1e-3)

    def _explain(self, X):
        explanation = super()._explain(X)
        shift = np.zeros(explanation.values.shape[1:])
        shift[0], shift[-1] = self._noise_, -self._noise_
        return replace(explanation, values=explanation.values + shift)


class CannotBePickled(ExactExplainer):
    def _fit_explainer(self, X):
        self._function_ = lambda rows: rows


class DependsOnThreads(ExactExplainer):
    def _explain(self, X):
        explanation = super()._explain(X)
        values = explanation.values * (1.001 if self.n_jobs == 2 else 1.0)
        gap = explanation.predictions - explanation.base_values - values.sum(axis=1)
        values[:, 0] += gap
        return replace(explanation, values=values)


class DependsOnContainer(ExactExplainer):
    def _explain(self, X):
        explanation = super()._explain(X)
        if not isinstance(X, pd.DataFrame):
            return explanation
        values = explanation.values.copy()
        values[:, 0] += 0.01
        values[:, 1] -= 0.01
        return replace(explanation, values=values)


class ExplainsUnfitted(ExactExplainer):
    def explain(self, X):
        if not hasattr(self, "estimator_"):
            return None
        return super().explain(X)


class NeedsTwoColumns(ExactExplainer):
    def _fit_explainer(self, X):
        if X.shape[1] < 2:
            raise ValueError("two columns")


class SavesNothing(ExactExplainer):
    def _explain(self, X):
        return replace(super()._explain(X), support={"made of": np.full(X.shape[0], object())})


class SilencesChecks(ExactExplainer):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags._skip_test = True
        return tags


class StartsElsewhere(ExactExplainer):
    """Takes from the first column what it adds to base values: sums stay right."""

    def _explain(self, X):
        explanation = super()._explain(X)
        signs = np.linspace(-1, 1, explanation.values.shape[2])
        moved = self._moved(np.asarray(X, dtype=float)) * signs
        values = explanation.values.copy()
        values[:, 0] -= moved
        return replace(explanation, values=values, base_values=explanation.base_values + moved)

    def _moved(self, X):
        return np.full((len(X), 1), 0.01)


class StartsWhereTheRowIs(StartsElsewhere):
    """By a value function whose base values are not known."""

    def _explain(self, X):
        return replace(super()._explain(X), value_function="conditional")

    def _moved(self, X):
        return 0.01 * np.tanh(X[:, :1])


class CountsTooFew(ExactExplainer):
    def _explain(self, X):
        return replace(super()._explain(X), n_evaluations=np.ones(X.shape[0], dtype=int))


class CountsTooMany(ExactExplainer):
    def _explain(self, X):
        explanation = super()._explain(X)
        return replace(explanation, n_evaluations=2 * explanation.n_evaluations)


class SupportsByPlace(ExactExplainer):
    """Shows of each row where it stood among the others."""

    def _explain(self, X):
        return replace(super()._explain(X), support={"place": np.arange(X.shape[0])})


class PredictsOtherwise(ExactExplainer):
    """Says another class than the model predicts."""

    def _explain(self, X):
        explanation = super()._explain(X)
        return replace(explanation, labels=self._said(explanation))

    def _said(self, explanation):
        return np.full(len(explanation), self.classes_[0])


class PredictsOtherwiseAlone(PredictsOtherwise):
    def _said(self, explanation):
        return super()._said(explanation) if len(explanation) == 1 else explanation.predicted_labels


class KeepsFirstFit(ExactExplainer):
    """Moves a little from column to column, by the rows that it was fitted on first."""

    def _fit_explainer(self, X):
        if not hasattr(self, "_first_"):
            self._first_ = 0.1 * np.asarray(X, dtype=float)[:, 0].mean()

    def _explain(self, X):
        explanation = super()._explain(X)
        values = explanation.values.copy()
        if X.shape[1] > 1:
            values[:, 0] += self._first_
            values[:, 1] -= self._first_
        return replace(explanation, values=values)
