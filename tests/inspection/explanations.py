"""Explanations of mixed tables, of made-up numbers that sum up."""

import numpy as np
import pandas as pd

from sklearn_metaexplain import Explanation

SPECIES = ["Adelie", "Chinstrap", "Gentoo"]


def mixed_frame(n=30):
    """Numbers, text, ordered categories, dates and missing values; labels that are not 0, 1, ..."""
    random = np.random.RandomState(3)
    frame = pd.DataFrame(
        {
            "bill": random.normal(45, 5, n).round(1),
            "island": random.choice(["Biscoe", "Dream", "Torgersen"], n),
            "size": pd.Categorical(
                random.choice(["S", "M", "L"], n), categories=["S", "M", "L"], ordered=True
            ),
            "seen": pd.Timestamp("2024-03-01") + pd.to_timedelta(random.randint(0, 300, n), "D"),
            "mass": random.randint(3000, 5000, n),
        },
        index=[f"bird {i}" for i in range(n)],
    )
    frame.loc[frame.index[2], "bill"] = np.nan
    frame.loc[frame.index[[0, 5]], "island"] = None
    return frame


def mixed_explanation(n=30, labels=SPECIES, **changes):
    """Of a classifier's probabilities, with the errors of the attributions."""
    X = mixed_frame(n)
    random = np.random.RandomState(0)
    strength = np.array([0.2, 0.15, 0.06, 0.03, 0.01])[:, None]
    values = random.normal(size=(n, 5, len(labels))) * strength
    values -= values.mean(axis=2, keepdims=True)
    base = np.full(len(labels), 1 / len(labels))
    settings = {
        "std": np.abs(random.normal(size=values.shape)) * 0.02,
        "data": X,
        "feature_names": X.columns,
        "output_names": labels,
        "output": "probability",
        "n_evaluations": 10,
        "estimator_type": "classifier",
        **changes,
    }
    return Explanation(values, base, base + values.sum(axis=1), **settings)


def binary_explanation(n=30, **changes):
    """Of two classes, of which one gains what the other loses."""
    return mixed_explanation(n, labels=["no", "yes"], **changes)


def wide_explanation(n=40, d=40, labels=tuple("ABCDEFG"), **changes):
    """Of many columns with long names, all alike but for a number."""
    random = np.random.RandomState(1)
    X = pd.DataFrame(
        random.normal(size=(n, d)),
        columns=[f"concentration_of_substance_{j:02d}_in_blood_$_plasma" for j in range(d)],
    )
    values = random.normal(size=(n, d, len(labels))) / (1 + np.arange(d))[None, :, None] ** 1.5
    values -= values.mean(axis=2, keepdims=True)
    base = np.zeros(len(labels))
    settings = {
        "data": X,
        "feature_names": X.columns,
        "output_names": list(labels),
        "output": "log_odds",
        "n_evaluations": 0,
        "estimator_type": "classifier",
        **changes,
    }
    return Explanation(values, base, base + values.sum(axis=1), **settings)


def regression_explanation(values, X=None, base=0.0, names=None, **changes):
    """Of one target, from attributions (n_samples, n_features)."""
    values = np.asarray(values, dtype=float)
    settings = {
        "data": X,
        "feature_names": [f"x{j}" for j in range(values.shape[1])] if names is None else names,
        "output_names": ["y"],
        "output": "raw",
        "n_evaluations": 0,
        "estimator_type": "regressor",
        **changes,
    }
    total = base + values.sum(axis=1, keepdims=True)
    return Explanation(values[:, :, None], [base], total, **settings)
