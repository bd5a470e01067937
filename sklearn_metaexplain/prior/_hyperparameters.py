"""Random hyperparameters for scikit-learn estimators that stay quick to fit and to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Share of estimators left at scikit-learn's defaults, as many users leave them.
_DEFAULT_SHARE = 0.25


@dataclass(frozen=True)
class Problem:
    """What hyperparameters depend on: the size of the table and the number of classes."""

    n_rows: int
    n_columns: int
    n_classes: int


def or_default(rng: np.random.Generator, options: dict[str, Any]) -> dict[str, Any]:
    """The options, or now and then none but the seed and the number of jobs."""
    if rng.random() < _DEFAULT_SHARE:
        return {name: options[name] for name in ("random_state", "n_jobs") if name in options}
    return options


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def log_integer(rng: np.random.Generator, low: int, high: int) -> int:
    """Draw a whole number whose logarithm is about uniform."""
    return round(log_uniform(rng, low, high))


def pick(rng: np.random.Generator, *choices: Any) -> Any:
    """Draw one of the choices; repeat one to make it likelier."""
    return choices[rng.integers(len(choices))]


def seed(rng: np.random.Generator) -> int:
    """Draw a `random_state`."""
    return int(rng.integers(2**31 - 1))


def tree_options(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "max_depth": pick(rng, None, None, 2, 3, 4, 6, 10),
        "min_samples_leaf": pick(rng, 1, 1, 2, 5, 15),
        "random_state": seed(rng),
    }


def forest_options(rng: np.random.Generator) -> dict[str, Any]:
    return tree_options(rng) | {
        "n_estimators": log_integer(rng, 10, 100),
        "max_features": pick(rng, "sqrt", "sqrt", 0.3, 0.7, 1.0),
        "n_jobs": 1,
    }


def boosting_options(rng: np.random.Generator, problem: Problem) -> dict[str, Any]:
    depth = int(rng.integers(1, 6))
    # Split searches grow with rows, columns, depth, classes: keep the product bounded.
    size = problem.n_rows * problem.n_columns * depth * max(problem.n_classes - 1, 1)
    most = int(np.clip(4e6 / size, 15, 150))
    return {
        "max_depth": depth,
        "n_estimators": log_integer(rng, 10, most),
        "learning_rate": log_uniform(rng, 0.03, 0.5),
        "subsample": pick(rng, 1.0, 1.0, 0.5),
        "random_state": seed(rng),
    }


def histogram_options(rng: np.random.Generator, problem: Problem) -> dict[str, Any]:
    most = 100 // max(problem.n_classes - 1, 1)
    return {
        "max_iter": log_integer(rng, 10, most),
        "max_leaf_nodes": pick(rng, 4, 8, 16, 31),
        "learning_rate": log_uniform(rng, 0.03, 0.4),
        "min_samples_leaf": pick(rng, 5, 20, 40),
        "l2_regularization": pick(rng, 0.0, 0.0, 1.0),
        "early_stopping": False,
        "random_state": seed(rng),
    }


def network_options(rng: np.random.Generator) -> dict[str, Any]:
    n_layers = int(rng.choice([1, 2, 3], p=[0.55, 0.35, 0.1]))
    return {
        "hidden_layer_sizes": (log_integer(rng, 6, 64),) * n_layers,
        "activation": pick(rng, "relu", "relu", "tanh", "logistic"),
        "alpha": log_uniform(rng, 1e-5, 1.0),
        "solver": pick(rng, "adam", "lbfgs"),
        "learning_rate_init": log_uniform(rng, 1e-3, 2e-2),
        "max_iter": log_integer(rng, 15, 100),
        "random_state": seed(rng),
    }


def neighbour_options(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "n_neighbors": log_integer(rng, 1, 40),
        "weights": pick(rng, "uniform", "distance"),
        "p": pick(rng, 2, 2, 1),
    }


def vector_options(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "kernel": pick(rng, "rbf", "rbf", "rbf", "linear", "poly", "sigmoid"),
        "C": log_uniform(rng, 0.1, 30),
        "degree": pick(rng, 2, 3),
        "gamma": pick(rng, "scale", "scale", 0.02, 0.3),
        "coef0": pick(rng, 0.0, 1.0),
        # Steps, not accuracy, bound the time of a hard problem.
        "max_iter": 20_000,
    }


def adaptive_options(rng: np.random.Generator) -> dict[str, Any]:
    return {"n_estimators": log_integer(rng, 10, 50), "random_state": seed(rng)}
