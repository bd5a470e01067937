from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.inspection import AdaptationDisplay
from tests.inspection.pictures import HISTORY


def test_history_gives_both_losses_and_the_step_that_was_kept():
    display = AdaptationDisplay.from_history(HISTORY)
    train, valid = display.lines_
    np.testing.assert_array_equal(train.get_xdata(), np.arange(1, 21))
    np.testing.assert_allclose(train.get_ydata(), [epoch["train_loss"] for epoch in HISTORY])
    np.testing.assert_allclose(valid.get_ydata(), [epoch["valid_loss"] for epoch in HISTORY])
    assert display.best == 13
    assert display.best_line_.get_xdata()[0] == 13
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["train loss", "valid loss", "kept: epoch 13"]
    assert display.ax_.get_xlabel() == "epoch"


class Adapted:
    """What fit leaves of an adaptation."""

    def __init__(self, **net):
        self.net_ = SimpleNamespace(history=HISTORY, **net)


def test_the_net_says_which_epoch_it_kept():
    display = AdaptationDisplay.from_explainer(Adapted(kept_epoch_=4))
    assert display.best_line_.get_xdata()[0] == 4
    assert display.legend_.get_texts()[-1].get_text() == "kept: epoch 4"
    # All epochs were worse than the start, which is none of them.
    display = AdaptationDisplay.from_explainer(Adapted(kept_epoch_=0))
    assert display.best_line_ is None
    assert display.legend_.get_texts()[-1].get_text() == "kept: the start"
    assert not any(line.get_linestyle() == ":" for line in display.ax_.get_lines())
    display = AdaptationDisplay.from_explainer(Adapted())
    assert display.legend_.get_texts()[-1].get_text() == "kept: epoch 13"


def test_arrays_are_of_inner_steps_of_which_the_start_may_be_one():
    display = AdaptationDisplay(curves={"query_loss": [1.0, 2.0]}, steps=[0, 1], best=0).plot()
    assert display.ax_.get_xlabel() == "inner step"
    assert display.best_line_.get_xdata()[0] == 0
    assert display.legend_.get_texts()[-1].get_text() == "kept: the start"
    display = AdaptationDisplay(curves={"query_loss": [1.0, 2.0]}, best=2).plot()
    assert display.legend_.get_texts()[-1].get_text() == "kept: inner step 2"


def test_other_entries_and_steps_without_one():
    history = [{"epoch": 5, "accuracy": 0.5}, {"epoch": 6}, {"epoch": 7, "accuracy": 0.75}]
    display = AdaptationDisplay.from_history(history, keys=["accuracy"])
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [5, 6, 7])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [0.5, np.nan, 0.75])
    assert display.ax_.get_ylabel() == "value"
    assert display.best_line_ is None


def test_an_adapted_explainer_also_in_a_pipeline():
    random = np.random.RandomState(0)
    X = random.normal(size=(60, 3))
    explainer = MetaExplainer(
        LogisticRegression(), background=10, n_support=64, max_epochs=2, random_state=0
    )
    model = make_pipeline(explainer).fit(X, X[:, 0] > 0)
    display = AdaptationDisplay.from_explainer(model)
    history = model[-1].net_.history
    np.testing.assert_allclose(display.lines_[1].get_ydata(), history[:, "valid_loss"])
    with pytest.raises(ValueError, match="max_epochs"):
        AdaptationDisplay.from_explainer(LogisticRegression())


def test_wrong_histories():
    with pytest.raises(ValueError, match="history is empty"):
        AdaptationDisplay.from_history([])
    with pytest.raises(ValueError, match=r"history has no \['auc'\]; it has \['epoch'"):
        AdaptationDisplay.from_history(HISTORY, keys=["auc"])
    with pytest.raises(ValueError, match=r"history has no \['train_loss', 'valid_loss'\]"):
        AdaptationDisplay.from_history([{"epoch": 1}])
    with pytest.raises(ValueError, match="'b' has shape"):
        AdaptationDisplay(curves={"a": [1.0, 2.0], "b": [1.0]}).plot()
    with pytest.raises(ValueError, match="curves is empty"):
        AdaptationDisplay(curves={}).plot()
    with pytest.raises(ValueError, match=r"pass at most 7 curves\."):
        AdaptationDisplay(curves={str(k): [1.0] for k in range(8)}).plot()
