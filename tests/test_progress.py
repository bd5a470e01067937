"""Bars where asked for, silence otherwise, and durations through the standard logging."""

import logging
import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer

X = np.random.RandomState(0).normal(size=(60, 3))
y = (X[:, 0] > X[:, 1]).astype(int)
MAKERS = {
    "meta": lambda **options: MetaExplainer(
        LogisticRegression(), background=10, n_support=80, budget=5, random_state=0, **options
    ),
    "shap": lambda **options: ShapExplainer(
        LogisticRegression(), background=10, random_state=0, **options
    ),
    "lime": lambda **options: LimeExplainer(
        LogisticRegression(), n_samples=40, random_state=0, **options
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_silent_unless_asked(name, capfd, caplog):
    MAKERS[name]().fit(X, y).explain(X[:3])
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("name", MAKERS)
def test_bars_name_what_is_being_done(name, capfd):
    explainer = MAKERS[name](verbose=1).fit(X, y)
    fitting = capfd.readouterr().err
    assert "fit LogisticRegression: 100%" in fitting
    explainer.explain(X[:3])
    assert re.search(r"explain: 100%.* 3/3 ", capfd.readouterr().err)
    if name == "meta":
        for stage in ("ask the model", "fit the surrogates", "estimate the error"):
            assert f"{stage}: 100%" in fitting


def test_asking_in_many_batches_shows_a_bar(capfd):
    explainer = MetaExplainer(
        LogisticRegression(), background=10, n_support=80, batch_size=20, budget=5,
        random_state=0, verbose=1,
    )  # fmt: skip
    explainer.fit(X, y)
    fitting = capfd.readouterr().err
    assert re.search(r"ask the model: 100%.* 4/4 ", fitting)


def test_durations_are_logged(caplog):
    with caplog.at_level(logging.INFO, logger="sklearn_metaexplain"):
        MAKERS["meta"]().fit(X, y)
    said = [
        record.getMessage() for record in caplog.records if record.name == "sklearn_metaexplain"
    ]
    assert [text.partition(":")[0] for text in said] == [
        "fit LogisticRegression",
        "ask the model",
        "fit the surrogates",
        "estimate the error",
    ]
    assert all(re.fullmatch(r".*: [\d.e+-]+ s", text) for text in said)
