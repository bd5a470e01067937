"""The shipped table says what its own paper and packages say of it."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.datasets import load_penguins

COLUMNS = [
    "island",
    "bill_length_mm",
    "bill_depth_mm",
    "flipper_length_mm",
    "body_mass_g",
    "sex",
    "year",
]


def test_file_is_the_one_its_readme_describes():
    bunch = load_penguins()
    digest = hashlib.sha256(Path(bunch.filename).read_bytes()).hexdigest()
    assert digest in bunch.DESCR


def test_counts_of_species():
    y = load_penguins().target
    assert y.value_counts().to_dict() == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}


@pytest.mark.parametrize(
    ("species", "bill_length", "bill_depth", "flipper", "mass"),
    [
        # Means that the documentation of the palmerpenguins package prints.
        ("Adelie", 38.8, 18.3, 190, 3701),
        ("Chinstrap", 48.8, 18.4, 196, 3733),
        ("Gentoo", 47.5, 15.0, 217, 5076),
    ],
)
def test_means_are_those_published(species, bill_length, bill_depth, flipper, mass):
    means = load_penguins().frame.groupby("species").mean(numeric_only=True).loc[species]
    assert round(means["bill_length_mm"], 1) == bill_length
    assert round(means["bill_depth_mm"], 1) == bill_depth
    assert round(means["flipper_length_mm"]) == flipper
    assert round(means["body_mass_g"]) == mass


def test_frame_keeps_strings_numbers_and_missing_values():
    bunch = load_penguins()
    assert bunch.data.columns.tolist() == bunch.feature_names == COLUMNS
    assert bunch.target_names == ["Adelie", "Chinstrap", "Gentoo"]
    numeric = bunch.data.select_dtypes("number").columns.tolist()
    assert numeric == [name for name in COLUMNS if name not in ("island", "sex")]
    missing = bunch.data.isna().sum()
    assert missing[missing > 0].to_dict() == {
        "bill_length_mm": 2,
        "bill_depth_mm": 2,
        "flipper_length_mm": 2,
        "body_mass_g": 2,
        "sex": 11,
    }
    pd.testing.assert_frame_equal(bunch.frame.drop(columns="species"), bunch.data)


def test_arrays_hold_the_same_cells():
    X, y = load_penguins(return_X_y=True)
    X_array, y_array = load_penguins(return_X_y=True, as_frame=False)
    assert isinstance(X_array, np.ndarray)
    assert isinstance(y_array, np.ndarray)
    assert load_penguins(as_frame=False).frame is None
    np.testing.assert_array_equal(pd.isna(X_array), X.isna().to_numpy())
    present = X.notna().to_numpy()
    assert (X_array[present] == X.to_numpy(dtype=object)[present]).all()
    assert y_array.tolist() == y.tolist()


def test_callers_cannot_change_each_others_table():
    first = load_penguins().data
    first.iloc[:, 0] = "elsewhere"
    assert (load_penguins().data["island"] != "elsewhere").all()


@pytest.mark.parametrize("parameter", ["return_X_y", "as_frame"])
def test_what_is_neither_true_nor_false_is_refused(parameter):
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of load_penguins must be"):
        load_penguins(**{parameter: "auto"})
