"""Checks that an explainer is a good scikit-learn citizen."""

import os
import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._resolve import explain, is_explainer
from sklearn_metaexplain.testing._data import Data, as_frame, assert_same, fitted, prepared, tables

__all__: list[str] = []


def check_clone(explainer: Any, data: Data = None) -> None:
    """A clone of a fitted explainer is unfitted and, fitted on the same rows, explains the same."""
    X, y = tables(explainer, data)[0]
    explainer_ = fitted(explainer, X, y)
    copy = clone(explainer_)
    learnt = [name for name in vars(copy) if name.endswith("_") and not name.startswith("__")]
    assert not learnt, f"a clone has {learnt}"
    assert_same(copy.fit(X, y).explain(X[:8]), explainer_.explain(X[:8]), "clone")


def check_refit(explainer: Any, data: Data = None) -> None:
    """Fitted on other rows before, it explains as if it had not been."""
    for X, y in tables(explainer, data):
        is_other = np.arange(X.shape[0]) % 3 > 0
        if is_classifier(explainer):
            is_other[np.unique(y, return_index=True)[1]] = True  # of every class
        others = np.flatnonzero(is_other)
        again = fitted(explainer, _safe_indexing(X, others), _safe_indexing(y, others))
        again.explain(X[:8])
        expected = fitted(explainer, X, y).explain(X[:8])
        assert_same(again.fit(X, y).explain(X[:8]), expected, "fitted again")


def check_pickle(explainer: Any, data: Data = None) -> None:
    """Pickled and unpickled, it explains the same."""
    X, y = tables(explainer, data)[0]
    explainer_ = fitted(explainer, X, y)
    expected = explainer_.explain(X[:8])
    assert_same(pickle.loads(pickle.dumps(explainer_)).explain(X[:8]), expected, "unpickled")
    copied = pickle.loads(pickle.dumps(expected))
    assert_same(copied, expected, "unpickled Explanation")


def check_pipeline(explainer: Any, data: Data = None) -> None:
    """Behind a scaler in a Pipeline it explains the scaled columns."""
    X, y = tables(explainer, data)[0]
    step = StandardScaler() if data is None else "passthrough"
    pipeline = make_pipeline(step, prepared(explainer)).fit(X, y)
    assert is_explainer(pipeline), "is_explainer(pipeline)"
    scaled = X if data is not None else StandardScaler().fit_transform(X)
    expected = fitted(explainer, scaled, y)
    assert_same(explain(pipeline, X[:8]), expected.explain(scaled[:8]), "in a Pipeline")
    np.testing.assert_allclose(
        pipeline.transform(X[:8]), expected.transform(scaled[:8]), rtol=1e-6, atol=1e-9
    )


def check_params_untouched(explainer: Any, data: Data = None) -> None:
    """`fit` and `explain` leave `get_params` as they were."""
    X, y = tables(explainer, data)[0]
    explainer = prepared(explainer)
    before = explainer.get_params(deep=False)
    states = {name: joblib.hash(value) for name, value in before.items()}
    assert explainer.fit(X, y) is explainer, "fit must return self"
    explainer.explain(X[:5])
    for name, value in explainer.get_params(deep=False).items():
        assert value is before[name], f"the parameter {name} was replaced"
        assert joblib.hash(value) == states[name], f"the parameter {name} was changed in place"


def check_explain_changes_nothing(explainer: Any, data: Data = None) -> None:
    """`explain` changes no attribute and none of the rows it is given."""
    given, y = tables(explainer, data)[0]
    # Copies, for what is changed in place is then of no other check.
    for X in (given.copy(), as_frame(given).copy()):
        explainer_ = fitted(explainer, X, y)
        before = {name: joblib.hash(value) for name, value in vars(explainer_).items()}
        table = joblib.hash(X)
        explainer_.explain(X)
        explainer_.transform(X)
        after = {name: joblib.hash(value) for name, value in vars(explainer_).items()}
        names = before.keys() | after.keys()
        changed = [name for name in names if before.get(name) != after.get(name)]
        assert not changed, f"explain changed {sorted(changed)}"
        assert joblib.hash(X) == table, f"explain changed the rows of a {type(X).__name__}"


def check_global_state(explainer: Any, data: Data = None) -> None:
    """Global random generators and the working directory stay as they are."""
    X, y = tables(explainer, data)[0]
    with _unusual_random_state(), _empty_working_directory() as folder:
        before = _random_states()
        fitted(explainer, X, y).explain(X)
        changed = [name for name, state in _random_states().items() if state != before[name]]
        assert not changed, f"the global random generator of {changed} was touched"
        assert Path.cwd() == folder, "the working directory was changed"
        written = sorted(path.name for path in folder.iterdir())
        assert not written, f"files were left in the working directory: {written}"


def check_user_estimator(explainer: Any, data: Data = None) -> None:
    """The estimator that the user passed is neither fitted nor changed."""
    X, y = tables(explainer, data)[0]
    explainer = prepared(explainer)
    model = explainer.estimator
    before = joblib.hash(model)
    explainer.fit(X, y).explain(X[:5])
    assert explainer.estimator is model, "the parameter estimator was replaced"
    assert joblib.hash(model) == before, "the user's estimator was changed"
    if not isinstance(model, FrozenEstimator):
        assert explainer.estimator_ is not model, "estimator_ must be a clone"


def check_n_evaluations(explainer: Any, data: Data = None) -> None:
    """`n_evaluations` are the rows that the model is asked for, beyond the explained ones.

    No fewer than each further row costs, for what is asked once may serve all rows; and no more
    than are asked for a row alone.
    """
    for X, y in tables(explainer, data):
        asked: list[Any] = []
        explainer_ = _fitted_to_listen(explainer, X, y, asked)
        if explainer_ is None:
            return
        costs = []
        for n_rows in (4, 8):
            asked.clear()
            explanation = explainer_.explain(X[:n_rows])
            costs.append(_count_others(asked, X[:8]))
        told, least = int(explanation.n_evaluations[4:].sum()), costs[1] - costs[0]
        assert told >= least, f"n_evaluations say {told} of four rows that took {least} evaluations"
        asked.clear()
        told = int(explainer_.explain(X[:1]).n_evaluations[0])
        most = sum(table.shape[0] for table in asked)
        assert told <= most, f"n_evaluations say {told} of a row that took {most} evaluations"


def _fitted_to_listen(explainer: Any, X: Any, y: Any, asked: list[Any]) -> Any:
    """The explainer, fitted, of the same estimator behind a step that keeps all it is asked.

    None for one that takes no Pipeline in place of its estimator.
    """

    def keep(table: Any) -> Any:
        asked.append(table.copy())  # whoever asks may write over it
        return table

    explainer = prepared(explainer)
    if "n_jobs" in explainer.get_params(deep=False):
        explainer.set_params(n_jobs=1)  # what other processes ask is not heard
    model = make_pipeline(FunctionTransformer(keep), explainer.estimator)
    try:
        return explainer.set_params(estimator=model).fit(X, y)
    except (AttributeError, TypeError, ValueError):
        return None


def _count_others(tables: list[Any], rows: Any) -> int:
    """Rows of tables that are none of the given ones."""
    known = set(_keys(rows))
    return sum(key not in known for table in tables for key in _keys(table))


def _keys(table: Any) -> list[tuple[Any, ...]]:
    cells = as_frame(table).astype(object)
    # Missing values are not equal to each other.
    return list(map(tuple, cells.where(cells.notna(), None).to_numpy().tolist()))


def _random_states() -> dict[str, str]:
    return {
        "random": joblib.hash(random.getstate()),
        "numpy": joblib.hash(np.random.get_state()),  # noqa: NPY002
        "torch": joblib.hash(torch.get_rng_state().numpy()),
    }


@contextmanager
def _unusual_random_state() -> Iterator[None]:
    """Seed as nobody does, lest reseeding to the present state go unseen; restore at the end."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(786_433)
    np.random.seed(786_433)  # noqa: NPY002
    torch.manual_seed(786_433)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


@contextmanager
def _empty_working_directory() -> Iterator[Path]:
    home = Path.cwd()
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(home)
