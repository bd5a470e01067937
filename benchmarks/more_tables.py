"""Tables that no method was developed on, most of them inside packages of the Python index.

Chosen before anything was fitted to them: tables of wheels that pip can download, whose licence is
open or which are in the public domain, with 150 rows or more and, of the columns, those of numbers,
of two values or in an order, all of them, 4 to 13. Of long tables 1,000 rows are drawn by a fixed
seed. Two further ones are whole tables of scikit-learn, one of 13 and one of 30 columns.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from wheels import WheelFile, read_file

from sklearn_metaexplain.datasets import load_penguins

MOST_ROWS = 1000
SEED = 0
_CC_BY = "CC BY 4.0 (UCI)"
_STATSMODELS = ("statsmodels", "0.15.0")
_SHAPIQ = ("shapiq", "1.4.1")


def _read(package: tuple[str, str], path: str, **options: Any) -> pd.DataFrame:
    content = read_file(WheelFile(*package, path))
    if path.endswith(".gz"):
        content = gzip.decompress(content)
    return pd.read_csv(io.BytesIO(content), **options)


def _table(frame: pd.DataFrame, target: str, columns: list[str], licence: str) -> tuple:
    """Columns in the file's order; 1,000 rows where there are more."""
    frame = frame[[*columns, target]].dropna()
    n_rows = len(frame)
    if n_rows > MOST_ROWS:
        frame = frame.iloc[np.random.RandomState(SEED).permutation(n_rows)[:MOST_ROWS]]
    chosen = f"{', '.join(columns)}; {target}; of {n_rows:,} rows; {licence}"
    return frame[columns].to_numpy(dtype=float), frame[target].to_numpy(), chosen


def _penguins() -> tuple:
    frame = load_penguins().frame.dropna()
    frame["sex"] = (frame["sex"] == "male").astype(float)
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "year"]
    return _table(frame, "species", columns, "CC0")


def _election() -> tuple:
    frame = _read(_STATSMODELS, "statsmodels/datasets/anes96/anes96.csv", sep="\t", quotechar="'")
    columns = ["popul", "TVnews", "selfLR", "ClinLR", "DoleLR", "PID", "age", "educ", "income"]
    return _table(frame, "vote", columns, "public domain (ANES 1996)")


def _doctor_visits() -> tuple:
    frame = _read(_STATSMODELS, "statsmodels/datasets/randhie/randhie.csv")
    columns = [column for column in frame.columns if column != "mdvis"]
    return _table(frame, "mdvis", columns, "public domain (RAND)")


def _travel_mode() -> tuple:
    frame = _read(_STATSMODELS, "statsmodels/datasets/modechoice/modechoice.csv", sep=";")
    columns = ["ttme", "invc", "invt", "gc", "hinc", "psize"]
    return _table(frame, "choice", columns, "public domain (Greene and Hensher 1997)")


def _miles_per_gallon() -> tuple:
    columns = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "year"]
    frame = _read(
        ("mlxtend", "0.25.0"),
        "mlxtend/data/data/autompg.csv.gz",
        header=None,
        names=[*columns, "origin", "name", "mpg"],
    )
    return _table(frame, "mpg", columns, _CC_BY)


def _bikes() -> tuple:
    frame = _read(_SHAPIQ, "shapiq/datasets/data/bike.csv")
    codes = {name: code for code, name in enumerate(("clear", "misty", "rain", "heavy_rain"))}
    frame["weather"] = frame["weather"].map(codes)
    columns = [column for column in frame.columns if column not in ("season", "count")]
    return _table(frame, "count", columns, _CC_BY)


def _income() -> tuple:
    frame = _read(_SHAPIQ, "shapiq/datasets/data/adult_census.csv", skipinitialspace=True)
    frame["sex"] = (frame["sex"] == "Male").astype(float)
    columns = ["age", "education-num", "sex", "capital-gain", "capital-loss", "hours-per-week"]
    return _table(frame, "class", columns, _CC_BY)


def _weather() -> tuple:
    frame = _read(("vega_datasets", "0.9.0"), "vega_datasets/_data/seattle-weather.csv")
    frame["month"] = pd.to_datetime(frame["date"]).dt.month
    columns = ["month", "precipitation", "temp_max", "temp_min", "wind"]
    return _table(frame, "weather", columns, "public domain (NOAA)")


def _all_columns(load: Callable[..., tuple[np.ndarray, np.ndarray]]) -> tuple:
    X, y = load(return_X_y=True)
    return X, y, f"all {X.shape[1]}"


CLASSIFICATION: dict[str, Callable[[], tuple]] = {
    "penguins": _penguins,
    "election": _election,
    "travel_mode": _travel_mode,
    "income": _income,
    "weather": _weather,
    "wine_13": lambda: _all_columns(datasets.load_wine),
    "breast_cancer_30": lambda: _all_columns(datasets.load_breast_cancer),
}
REGRESSION: dict[str, Callable[[], tuple]] = {
    "doctor_visits": _doctor_visits,
    "miles_per_gallon": _miles_per_gallon,
    "bikes": _bikes,
}
# Parts of these two were looked at already, as tables of ten columns.
SEEN_IN_PART = ("wine_13", "breast_cancer_30")
# These two need no download.
LOCAL = ("penguins", *SEEN_IN_PART)
