"""What the makers of tables with known attributions share."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval

from sklearn_metaexplain.datasets._models import KnownClassifier, KnownModel

__all__ = [
    "COMMON",
    "COUNT",
    "NOISE",
    "check_fits",
    "draw_normal",
    "draw_weights",
    "make_bundle",
    "role_names",
]

COUNT = [Interval(Integral, 1, None, closed="left")]
NOISE = [Interval(Real, 0, None, closed="left")]
COMMON: dict[str, Any] = {
    "n_samples": COUNT,
    "n_features": COUNT,
    "random_state": ["random_state"],
    "return_X_y": ["boolean"],
    "as_frame": ["boolean"],
}


def check_fits(n_features: int, name: str, value: int, needed: int) -> None:
    """Raise a ValueError if a parameter asks for more columns than there are."""
    if n_features < needed:
        given = "" if name == "n_features" else f" for {name}={value}"
        raise ValueError(
            f"n_features={n_features} is too small{given}; at least {needed} are needed."
        )


def draw_weights(random: np.random.RandomState, n: int) -> np.ndarray:
    """Draw n weights of either sign, none so small that its column hardly mattered."""
    return random.uniform(1, 2, size=n) * random.choice([-1.0, 1.0], size=n)


def role_names(n_features: int, roles: dict[str, int]) -> list[str]:
    """Name columns by their role and a number; what is left over is irrelevant."""
    names = [f"{role}_{k}" for role, count in roles.items() for k in range(count)]
    return names + [f"irrelevant_{k}" for k in range(n_features - len(names))]


def draw_normal(random: np.random.RandomState, n_samples: int, names: list[str]) -> pd.DataFrame:
    """Draw independent standard normal columns."""
    return pd.DataFrame(random.normal(size=(n_samples, len(names))), columns=names)


def make_bundle(
    model: KnownModel,
    data: pd.DataFrame,
    important: np.ndarray,
    noise: float,
    random: np.random.RandomState,
    return_X_y: bool,
    as_frame: bool,
) -> Any:
    """Draw the targets and put everything together as the caller wants it."""
    feature_names = data.columns.tolist()
    X: Any = data if as_frame else data.to_numpy()
    truth = model.fit(X).predict(X)
    if isinstance(model, KnownClassifier):
        target = np.where(random.uniform(size=len(truth)) < noise, 1 - truth, truth)
    else:
        target = truth + noise * random.normal(size=len(truth))
    y: Any = pd.Series(target, name="target") if as_frame else target
    if return_X_y:
        return X, y
    return Bunch(
        data=X,
        target=y,
        frame=data.assign(target=y) if as_frame else None,
        feature_names=feature_names,
        important=important,
        model=model,
        attributions=model.attributions,
    )
