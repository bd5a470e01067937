import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from sklearn_metaexplain import MetaExplainer, ShapExplainer
from sklearn_metaexplain._culprits import name_culprit

NUMBERS = pd.DataFrame(np.random.RandomState(0).normal(size=(40, 3)), columns=list("abc"))
Y = (NUMBERS["a"] > 0).to_numpy()


def test_missing_values_that_the_model_refuses():
    explainer = ShapExplainer(LogisticRegression(), background=5, random_state=0).fit(NUMBERS, Y)
    message = "LogisticRegression refuses missing values, which are in column 'b'; drop .* contains"
    with pytest.raises(ValueError, match=f"(?s){message} NaN"):
        explainer.explain(NUMBERS[:2].assign(b=np.nan))
    with pytest.raises(ValueError, match=r"missing values, which are in column 'a', 'c'; drop"):
        explainer.fit(NUMBERS.assign(a=np.nan, c=np.nan), Y)
    with pytest.raises(ValueError, match="missing values, which are in column 'x1'"):
        explainer.fit(np.where(np.arange(3) == 1, np.nan, NUMBERS), Y)


def test_missing_targets_are_no_fault_of_the_table():
    X = NUMBERS.assign(b=np.where(NUMBERS["b"] > 1, np.nan, NUMBERS["b"]))
    model = make_pipeline(SimpleImputer(), Ridge())
    message = "Pipeline refuses missing targets, which are in row .*Input y contains NaN"
    with pytest.raises(ValueError, match=message):
        ShapExplainer(model, background=5).fit(X, np.where(Y, np.nan, 1.0))


@pytest.mark.parametrize("table", [pd.DataFrame, sparse.csr_array])
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_missing_labels_are_no_fault_of_the_table(table, missing):
    """Of labels scikit-learn says "Input contains NaN", without the y, or something vaguer."""
    X = table(np.where(NUMBERS > 1, np.nan, NUMBERS))
    model = make_pipeline(SimpleImputer(), LogisticRegression())
    y = pd.Series(np.where(Y, "yes", "no"), dtype=object)
    y[[2, 30]] = missing
    message = "Pipeline refuses missing targets, which are in row 2, 30 of y; leave rows"
    with pytest.raises((TypeError, ValueError), match=message):
        ShapExplainer(model, background=5).fit(X, y)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_cells_of_the_kind_that_is_refused():
    """Text that the model encodes comes first, and is not what it cannot convert."""
    X = pd.DataFrame({"kind": ["u", "v"] * 20, "n": pd.array(range(40), dtype="Int64")})
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), (SimpleImputer(), ["n"]))
    model = make_pipeline(columns, LogisticRegression())
    explainer = ShapExplainer(model, background=5, random_state=0).fit(X, Y)
    with pytest.raises(TypeError, match="cannot convert <NA> in column 'n' to a number"):
        explainer.explain(np.array([["u", pd.NA], ["v", 3.5]], dtype=object))
    # Whole numbers are what the column held, and so can be missing.
    assert len(explainer.explain(np.array([["u", pd.NA], ["v", 3]], dtype=object))) == 2


def test_missing_values_that_a_step_has_made():
    """Nothing is missing in the table, so that no column can be named."""
    logarithm = FunctionTransformer(lambda X: np.log(X.clip(lower=-1) + 1e-9))
    model = make_pipeline(logarithm, LogisticRegression())
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=r"^Input X contains NaN"):
        ShapExplainer(model, background=5, random_state=0).fit(NUMBERS, Y)


@pytest.mark.parametrize(
    ("known", "unknown"), [("uv", "w, x"), ([1, 2], 7), ([0.5, 1.5], 2.5), ("uv", "it's")]
)
def test_categories_that_an_encoder_has_not_seen(known, unknown):
    X = pd.DataFrame({"kind": list(known) * 20, "size": NUMBERS["a"]})
    encoder = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression())
    explainer = ShapExplainer(model, background=5, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="which is in column 'kind'; correct") as error:
        explainer.explain(pd.DataFrame({"kind": [unknown], "size": [0.0]}))
    assert f"Pipeline was not fitted with {unknown!r}" in str(error.value)
    assert 'handle_unknown="ignore"' in str(error.value)


def test_a_column_of_which_everything_is_missing_keeps_its_type():
    """As read_csv gives it: numbers, where text was expected."""
    X = pd.DataFrame({"sex": ["f", "m"] * 20, "fare": NUMBERS["b"]})
    X.loc[3, "sex"] = np.nan
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    )
    columns = make_column_transformer((encoder, ["sex"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression())
    explainer = ShapExplainer(model, background=5, random_state=0).fit(X, Y)
    rows = X.iloc[[3]]
    assert rows["sex"].astype(float).dtype == float
    missing = explainer.explain(rows.astype({"sex": float}))
    np.testing.assert_array_equal(missing.values, explainer.explain(rows).values)


def test_sparse_targets_hold_what_they_hold():
    error = ValueError("Input contains NaN.")
    targets = sparse.csr_array(np.eye(3))
    assert name_culprit(error, NUMBERS[:3], Ridge(), targets) is error
    X = NUMBERS[:3].assign(b=np.nan)
    assert "missing values, which are in column 'b'" in str(
        name_culprit(error, X, Ridge(), targets)
    )


def test_cells_that_no_category_can_be_are_passed_by():
    X = pd.DataFrame({"port": ["A", "B"] * 20, "notes": [[1]] * 40})
    encoder = make_column_transformer((OneHotEncoder(), ["port"]))
    model = make_pipeline(encoder, LogisticRegression()).fit(X, Y)
    rows = X[:3].assign(port="C")
    with pytest.raises(ValueError, match="Found unknown categories") as error:
        model.predict(rows)
    assert "'C', which is in column 'port'" in str(name_culprit(error.value, rows, model))


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "Float64", "string"])
def test_missing_cells_of_nullable_columns_that_an_encoder_has_not_seen(dtype):
    X = pd.DataFrame({"size": NUMBERS["a"], "kind": pd.array([0, 1] * 20).astype(dtype)})
    encoder = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression())
    explainer = ShapExplainer(model, background=5, random_state=0).fit(X, Y)
    odd = X[:2].copy()
    odd.loc[1, "kind"] = pd.NA
    with pytest.raises(ValueError, match=r"not fitted with (nan|<NA>), which is in column 'kind'"):
        explainer.explain(odd)


@pytest.mark.parametrize(
    ("cells", "kinds", "remedy"),
    [
        (
            pd.array(["u", pd.NA], dtype="string"),
            "NAType, str",
            "column.astype(object).where(column.notna(), None)",
        ),
        (np.array(["u", 3], dtype=object), "int, str", "column.astype(str)"),
        (
            np.array(["u", 3, None], dtype=object),
            "NoneType, int, str",
            "column.astype(str).where(column.notna(), None)",
        ),
        (
            np.array(["u", 3, pd.NA], dtype=object),
            "NAType, int, str",
            "column.astype(str).where(column.notna(), None)",
        ),
    ],
    ids=["missing", "mixed", "mixed with None", "mixed with NA"],
)
def test_categories_of_several_kinds(cells, kinds, remedy):
    """Scikit-learn's encoders take None and NaN among text, and neither pandas' NA nor numbers."""
    column = pd.Series(cells).iloc[np.arange(40) % len(cells)].reset_index(drop=True)
    X = pd.DataFrame({"plain": ["a", "b"] * 20, "kind": column})
    explainer = ShapExplainer(make_pipeline(OneHotEncoder(), Ridge()), background=5)
    with pytest.raises(TypeError, match=f"'kind', which are of the kinds {kinds};") as error:
        explainer.fit(X, Y)
    assert f"by {remedy}. (" in str(error.value)
    # What the message says does help, and makes no category of what is missing.
    explainer.fit(X.assign(kind=eval(remedy)), Y)
    categories = explainer.estimator_[0].categories_[1]
    assert not {"None", "nan", "<NA>"} & set(categories)


def test_all_columns_of_several_kinds_are_named():
    """The error does not say which of them the encoder reads."""
    mixed = np.array(["u", 3] * 20, dtype=object)
    X = pd.DataFrame({"a": mixed, "plain": ["a", "b"] * 20, "b": mixed})
    encoder = make_column_transformer((OneHotEncoder(), ["b"]))
    with pytest.raises(TypeError, match="categories in column 'a', 'b', which are of the kinds"):
        ShapExplainer(make_pipeline(encoder, Ridge()), background=5).fit(X, Y)


@pytest.mark.parametrize("kind", ["str", "category"])
@pytest.mark.parametrize("explainer", [MetaExplainer, ShapExplainer])
def test_numbers_where_an_encoder_was_fitted_with_text(kind, explainer):
    X = pd.DataFrame({"age": np.arange(40.0), "race": ["a", "b"] * 20, "name": ["x", "y"] * 20})
    X = X.astype({"race": kind})
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["race", "name"]), remainder="passthrough"
    )
    model = make_pipeline(encode, LogisticRegression()).fit(X, np.arange(40) > 20)
    fitted = explainer(model, background=10).fit(X, np.arange(40) > 20)
    with pytest.raises(TypeError, match=r"text or categories in column 'race', which holds"):
        fitted.explain(X[:2].assign(race=1))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("table", [np.asarray, sparse.csr_array])
def test_columns_that_are_picked_by_name_from_an_array(table):
    """So DataFrames of other libraries reach the model."""
    columns = make_column_transformer((SimpleImputer(), ["a", "b"]))
    explainer = ShapExplainer(make_pipeline(columns, LogisticRegression()), background=5)
    message = r"Pipeline picks columns by their names, .* as an array.*pass a pandas DataFrame"
    with pytest.raises(ValueError, match=message):
        explainer.fit(table(NUMBERS), Y)
    assert len(explainer.fit(NUMBERS, Y).explain(table(NUMBERS)[:2])) == 2
