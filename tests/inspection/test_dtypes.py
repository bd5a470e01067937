"""Columns of every type through the Displays that read columns."""

import datetime
from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.fixes import parse_version

from sklearn_metaexplain.inspection import (
    ALEDisplay,
    AttributionDisplay,
    BeeswarmDisplay,
    DependenceDisplay,
    EmbeddingDisplay,
    HeatmapDisplay,
    PrototypeDisplay,
    ScatterDisplay,
    accumulated_local_effects,
)
from tests.inspection.explanations import regression_explanation

N = 24
RANDOM = np.random.RandomState(0)
FLAGS, NUMBERS = RANDOM.rand(N) < 0.5, RANDOM.normal(size=N)

COLUMNS = {
    "boolean": pd.Series(FLAGS, dtype="boolean"),
    "Int64": pd.Series(RANDOM.randint(0, 9, N), dtype="Int64"),
    "Float64": pd.Series(NUMBERS, dtype="Float64"),
    "string": pd.Series(RANDOM.choice(list("abc"), N), dtype="string"),
    "category": pd.Series(RANDOM.choice(list("abc"), N), dtype="category"),
    "integer category": pd.Series(RANDOM.choice([1, 2, 10], N), dtype="category"),
    "cut": pd.Series(pd.cut(NUMBERS, 4)),
    "interval": pd.Series(pd.cut(NUMBERS, 4)).astype(pd.IntervalDtype(closed="right")),
    "period": pd.Series(pd.period_range("2024-01", periods=N, freq="M")),
    "decimal": pd.Series([Decimal(int(x)) / 4 for x in 10 * NUMBERS], dtype=object),
    "date": pd.Series(pd.date_range("2015-01-01", periods=N, freq="70D")),
    "duration": pd.Series(pd.to_timedelta(np.abs(NUMBERS), "D")),
}

# Beyond the nanoseconds of 64 bits, and in part beyond what matplotlib and pandas have dates for.
DAYS = [datetime.date(2024, 1, 1 + k) for k in range(N)]
END = datetime.date(9999, 12, 31)
FAR = {
    "dates": pd.Series([*DAYS[2:], END, datetime.date(1, 1, 1)], dtype=object),
    "dates of one day": pd.Series([END] * N, dtype=object),
    "moments": pd.Series([datetime.datetime(9999, 12, 31, 23, 59, 59), *DAYS[1:]], dtype=object),
    "microseconds": pd.Series(
        np.array(["9999-12-31T23:59:59.999999", *DAYS[1:]], dtype="datetime64[us]")
    ),
    "seconds": pd.Series(np.array([END, *DAYS[1:]], dtype="datetime64[s]")),
    "periods": pd.Series(pd.PeriodIndex(["9999-12", *["0900-01", "2024-01"] * 12][:N], freq="M")),
    "durations": pd.Series(
        [datetime.timedelta(days=999_999_999), *[datetime.timedelta(1)] * (N - 1)], dtype=object
    ),
}
# Before 3.1 pandas cannot copy such a column without an OverflowError of its own.
if parse_version(pd.__version__) >= parse_version("3.1"):
    FAR["numbers"] = pd.Series([10**400, *range(N - 1)], dtype=object)


class SecondColumn(RegressorMixin, BaseEstimator):
    """A regressor that reads one column of numbers."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return X["number"].to_numpy(dtype=float)


def table(column):
    text = np.random.RandomState(1).choice(list("xyz"), N)
    return pd.DataFrame({"column": column, "number": NUMBERS, "text": text})


def explanation(X):
    values = np.random.RandomState(2).normal(size=X.shape)
    return regression_explanation(values, X, names=list(X.columns))


DRAW = {
    "row": lambda X: AttributionDisplay.from_explanation(explanation(X)[1]),
    "waterfall": lambda X: AttributionDisplay.from_explanation(explanation(X)[1], kind="waterfall"),
    "heatmap": lambda X: HeatmapDisplay.from_explanation(explanation(X)),
    "beeswarm": lambda X: BeeswarmDisplay.from_explanation(explanation(X)),
    "dependence": lambda X: DependenceDisplay.from_explanation(explanation(X), "column"),
    "colour": lambda X: DependenceDisplay.from_explanation(
        explanation(X), "number", color_by="column"
    ),
    "scatter": lambda X: ScatterDisplay.from_explanation(explanation(X), ("column", "text")),
    "embedding": lambda X: EmbeddingDisplay.from_explanation(explanation(X), color_by="column"),
    "prototypes": lambda X: PrototypeDisplay.from_rows(
        X.iloc[[0]], X.iloc[1:4], weights=[3, 2, 1], X=X
    ),
    # The order of the texts is by likeness in the other columns.
    "ale": lambda X: ALEDisplay.from_estimator(SecondColumn().fit(X), X, ["column", "text"]),
}


CASES = [
    (draw, name)
    for draw, name in product(DRAW, COLUMNS | FAR)
    # A column of one value has no effect.
    if (draw, name) != ("ale", "dates of one day")
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(("draw", "name"), CASES)
def test_displays_take_columns_of_every_type(draw, name, missing):
    known = (COLUMNS | FAR)[name]
    column = known.copy()
    if missing:
        column.iloc[[1, 5]] = None
    X = table(column)
    assert X["column"].dtype == known.dtype
    DRAW[draw](X).figure_.draw_without_rendering()


def test_axes_say_the_unit_of_durations():
    X = table(pd.Series(pd.to_timedelta(NUMBERS, "h")))
    named = "column (hours)"
    assert DRAW["dependence"](X).ax_.get_xlabel() == named
    assert DRAW["colour"](X).colorbar_.ax.get_ylabel() == named
    assert DRAW["scatter"](X).ax_.get_xlabel() == named
    assert DRAW["embedding"](X).colorbar_.ax.get_ylabel() == named
    model = SecondColumn().fit(X)
    display = ALEDisplay.from_estimator(model, X, ["column", ("number", "column")])
    assert display.ax_[0].get_xlabel() == display.ax_[1].get_ylabel() == named
    grid = display.results[0].grid_values[0]
    np.testing.assert_allclose(display.lines_[0].get_xdata(), 24 * grid)
    assert display.ax_[1].get_ylim() == pytest.approx(24 * grid[[0, -1]])


def test_effects_of_durations_are_at_days_whatever_the_longest():
    X = table(pd.Series(pd.to_timedelta(7 * np.arange(N), "h")))
    model = SecondColumn().fit(X)
    short, long = (
        accumulated_local_effects(model, rows, "column", n_bins=N) for rows in (X[:3], X)
    )
    assert short.is_duration == [True]
    np.testing.assert_array_equal(short.grid_values[0], long.grid_values[0][:3])
    np.testing.assert_allclose(short.grid_values[0], 7 * np.arange(3) / 24)
    assert accumulated_local_effects(model, X, "number").is_duration == [False]


@pytest.mark.parametrize("missing", [False, True])
def test_nullable_booleans_are_drawn_as_those_of_numpy(missing):
    nullable, plain = COLUMNS["boolean"].copy(), pd.Series(FLAGS).astype(object)
    if missing:
        nullable.iloc[[1, 5]], plain.iloc[[1, 5]] = pd.NA, None
    ways = []
    for column in (nullable, plain if missing else plain.astype(bool)):
        X = table(column)
        dependence, swarm, effects = (DRAW[name](X) for name in ("dependence", "beeswarm", "ale"))
        ways.append(
            {
                "points": np.asarray(dependence.points_[0].get_offsets()).tolist(),
                "ticks": [text.get_text() for text in dependence.ax_.get_xticklabels()],
                "missing": np.asarray(swarm.missing).tolist(),
                "levels": [list(result.grid_values[0]) for result in effects.results],
                "cells": DRAW["prototypes"](X).cells.to_numpy().tolist(),
            }
        )
    assert ways[0] == ways[1]
