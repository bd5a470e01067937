"""Tables of text, categories and gaps, and pipelines of models for them.

Chosen before any explainer was fitted to them: open or public-domain tables inside packages of the
Python index that have columns of categories, at most 9 columns of them so that the truth can be
enumerated. Months, hours and days of the week are written as text, as exports often have them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from wheels import WheelFile, read_file

from sklearn_metaexplain.datasets import load_penguins

SEED = 0
MOST_ROWS = 1000
_N_GENERATED = 800


class MixedTable(NamedTuple):
    """A frame of numbers and categories, some of them missing."""

    name: str
    X: pd.DataFrame
    y: np.ndarray  # (n_rows,)
    is_classification: bool


def _read(package: str, version: str, path: str, **options: Any) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(read_file(WheelFile(package, version, path))), **options)


def _penguins() -> tuple[pd.DataFrame, str]:
    columns = ["island", "sex", "bill_length_mm", "bill_depth_mm", "flipper_length_mm"]
    frame = load_penguins().frame[[*columns, "body_mass_g", "species"]]
    return frame, "species"


def _income() -> tuple[pd.DataFrame, str]:
    frame = _read("shapiq", "1.4.1", "shapiq/datasets/data/adult_census.csv", skipinitialspace=True)
    columns = ["age", "workclass", "education", "marital-status", "occupation", "relationship"]
    columns += ["sex", "hours-per-week"]
    return frame[[*columns, "class"]], "class"


def _bikes() -> tuple[pd.DataFrame, str]:
    frame = _read("shapiq", "1.4.1", "shapiq/datasets/data/bike.csv")
    frame["hour"] = [f"{hour:02}h" for hour in frame["hour"]]
    days = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    frame["weekday"] = [days[day] for day in frame["weekday"]]
    columns = ["season", "hour", "weekday", "weather", "temp", "humidity", "windspeed"]
    return frame[[*columns, "count"]], "count"


def _cars() -> tuple[pd.DataFrame, str]:
    content = read_file(WheelFile("vega_datasets", "0.9.0", "vega_datasets/_data/cars.json"))
    frame = pd.DataFrame(json.loads(content))
    frame["Maker"] = frame["Name"].str.split().str[0]
    frame["Cylinders"] = "V" + frame["Cylinders"].astype(str)
    columns = ["Maker", "Origin", "Cylinders", "Displacement", "Horsepower", "Weight_in_lbs"]
    columns += ["Acceleration"]
    frame = frame[[*columns, "Miles_per_Gallon"]].dropna(subset="Miles_per_Gallon")
    return frame, "Miles_per_Gallon"


def _lettered() -> tuple[pd.DataFrame, str]:
    X, y = datasets.make_friedman1(_N_GENERATED, n_features=7, noise=1.0, random_state=SEED)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(7)])
    rng = np.random.RandomState(SEED)
    for column, n_letters in (("x0", 12), ("x2", 6), ("x3", 20), ("x5", 8)):
        letters = rng.permutation([chr(ord("A") + i) for i in range(n_letters)])
        frame[column] = letters[pd.qcut(frame[column], n_letters, labels=False)]
    return frame.assign(y=y), "y"


CLASSIFICATION: dict[str, Callable[[], tuple[pd.DataFrame, str]]] = {
    "penguins": _penguins,
    "income": _income,
}
REGRESSION: dict[str, Callable[[], tuple[pd.DataFrame, str]]] = {
    "bikes": _bikes,
    "cars": _cars,
    "lettered": _lettered,
}
TABLE_NAMES = (*CLASSIFICATION, *REGRESSION)
SOURCES = {
    "penguins": "palmerpenguins, CC0, shipped with the package",
    "income": "Adult, CC BY 4.0 (UCI), in shapiq",
    "bikes": "bike sharing, CC BY 4.0 (UCI), in shapiq",
    "cars": "cars of 1970 to 1982 (StatLib), in vega_datasets, BSD",
    "lettered": "friedman1 of scikit-learn, four of seven columns cut into letters",
}


def load_mixed_table(name: str) -> MixedTable:
    """Load, fetch or generate one of `TABLE_NAMES`, 1,000 rows at most; text becomes categories.

    Parameters
    ----------
    name : str

    Raises
    ------
    wheels.Unavailable
        If it cannot be fetched.
    """
    is_classification = name in CLASSIFICATION
    frame, target = (CLASSIFICATION if is_classification else REGRESSION)[name]()
    if len(frame) > MOST_ROWS:
        frame = frame.iloc[np.random.RandomState(SEED).permutation(len(frame))[:MOST_ROWS]]
    frame = frame.reset_index(drop=True)
    X = frame.drop(columns=target)
    for column in X.select_dtypes(exclude="number"):
        X[column] = X[column].astype("category")
    return MixedTable(name, X, frame[target].to_numpy(), is_classification)


_categories = make_column_selector(dtype_exclude="number")
_numbers = make_column_selector(dtype_include="number")


def one_hot() -> Any:
    """Categories as indicators, numbers imputed and standardised."""
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), _categories),
        (make_pipeline(SimpleImputer(), StandardScaler()), _numbers),
    )


def _ordinal() -> Any:
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    )
    return make_column_transformer((codes, _categories), (SimpleImputer(), _numbers))


def _both_ways(estimator: Any) -> Any:
    return TransformedTargetRegressor(estimator, transformer=StandardScaler())


def _of(prepare: Callable[[], Any], estimator: Any) -> Pipeline:
    return make_pipeline(prepare(), estimator)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "forest": lambda: _of(one_hot, RandomForestClassifier(random_state=SEED)),
    "ordinal forest": lambda: _of(_ordinal, RandomForestClassifier(random_state=SEED)),
    "boosting": lambda: HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=SEED
    ),
    "svm": lambda: _of(one_hot, CalibratedClassifierCV(SVC(), ensemble=False)),
    "mlp": lambda: _of(one_hot, MLPClassifier(max_iter=500, random_state=SEED)),
    "neighbours": lambda: _of(one_hot, KNeighborsClassifier()),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "forest": lambda: _of(one_hot, RandomForestRegressor(random_state=SEED)),
    "ordinal forest": lambda: _of(_ordinal, RandomForestRegressor(random_state=SEED)),
    "boosting": lambda: HistGradientBoostingRegressor(
        categorical_features="from_dtype", random_state=SEED
    ),
    "svm": lambda: _both_ways(_of(one_hot, SVR())),
    "mlp": lambda: _both_ways(_of(one_hot, MLPRegressor(max_iter=500, random_state=SEED))),
    "neighbours": lambda: _of(one_hot, KNeighborsRegressor()),
}
MODEL_NAMES = tuple(CLASSIFIERS)
