"""Training on one table: what is held out, what history says, which weights are kept."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback, EarlyStopping

from sklearn_metaexplain import AttentionClassifier, MatchingClassifier, PrototypeClassifier
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.nets._classifier_weights import load_classifier
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.selfexplaining._training import TableNet, _hold_out
from tests.selfexplaining.tables import CLASSIFIERS, clouds

some_labels = st.lists(st.integers(0, 3), min_size=2, max_size=50).map(
    lambda labels: np.unique([*labels, labels[0]], return_inverse=True)[1]
)


@given(some_labels, st.floats(0.05, 0.95), st.integers(0, 100))
def test_each_class_keeps_a_row_and_holds_one_out(labels, fraction, seed):
    kept, held_out = _hold_out(labels, fraction, np.random.RandomState(seed))
    assert sorted([*kept, *held_out]) == list(range(len(labels)))
    counts, out = np.bincount(labels), np.bincount(labels[held_out], minlength=labels.max() + 1)
    assert (out < counts).all()
    assert (out[counts > 1] >= 1).all()
    many = counts > 1
    expected = np.clip(fraction * counts[many], 1, counts[many] - 1)
    assert (np.abs(out[many] - expected) <= 0.5 + 1e-9).all()


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("pretrained", ["default", None])
def test_history_is_that_of_the_rows_held_out(kind, pretrained):
    X, y = clouds(36, 3, 3)
    classifier = kind(
        pretrained=pretrained, max_epochs=3, lr=0.003, validation_fraction=0.3, random_state=0
    ).fit(X, y)
    history = classifier.net_.history
    assert len(history) == 3
    for row in history:
        assert {"train_loss", "valid_loss", "train_accuracy", "valid_accuracy"} <= set(row)
        assert 0 < row["train_accuracy"] <= 1
    # The rows are found again by their seed.
    kept, out = _hold_out(y, 0.3, np.random.RandomState(_training_seed(classifier)))
    encoded, labels = classifier._encoder.encoded_, torch.from_numpy(y)
    episode = LabelledEpisode(encoded[kept], labels[kept], encoded[out], labels[out], 3)

    def judge(network):
        with torch.no_grad():
            told = network(episode).numpy()
        return -told[range(len(out)), y[out]].mean(), (told.argmax(1) == y[out]).mean()

    # The weights are those of the best epoch; what is better by a hair only is passed by.
    best = min(history, key=lambda row: row["valid_loss"])
    expected = best["valid_loss"], best["valid_accuracy"]
    if pretrained is not None:
        start, _ = load_classifier(pretrained, kind._kind)
        expected = min(expected, judge(start.double()))
    assert judge(classifier.net_.module_) == pytest.approx(expected, rel=2e-4)


def _training_seed(classifier):
    """What `fit` draws first from its generator where all rows are read."""
    rng = np.random.RandomState(draw_seed(classifier.random_state))
    return int(rng.randint(np.iinfo(np.int32).max))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_training_that_only_harms_is_undone(kind):
    X, y = clouds(60, 3, 2, separation=1.5, seed=4)
    in_context = kind(random_state=0).fit(X, y).predict_proba(X)
    trained = kind(random_state=0, max_epochs=2, lr=10.0).fit(X, y)
    np.testing.assert_allclose(trained.predict_proba(X), in_context, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_from_scratch_it_learns(kind):
    X, y = clouds(90, 4, 3, separation=1.5, seed=3)
    classifier = kind(pretrained=None, max_epochs=6, lr=0.01, random_state=0).fit(X[:60], y[:60])
    assert classifier.score(X[60:], y[60:]) > 0.75
    assert np.abs(classifier.explain(X).residual).max() < 1e-9


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_training_moves_the_shipped_weights_and_not_those_of_others(kind):
    X, y = clouds(120, 3, 2, separation=2.0)
    plain, trained = kind(random_state=0).fit(X, y), kind(random_state=0, max_epochs=4)
    before = plain.predict_proba(X)
    trained.fit(X, y)
    assert np.abs(trained.predict_proba(X) - before).max() > 1e-4
    np.testing.assert_array_equal(plain.predict_proba(X), before)
    again = clone(plain).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), before)
    assert not any(parameter.requires_grad for parameter in trained._network.parameters())
    trained.set_params(max_epochs=0).fit(X, y)
    assert not hasattr(trained, "net_")
    np.testing.assert_array_equal(trained.predict_proba(X), before)


def test_patience_and_callbacks_and_verbose(capsys):
    class Epochs(Callback):
        def __init__(self, seen):
            self.seen = seen

        def on_epoch_end(self, net, **kwargs):
            self.seen.append(len(net.history))

    X, y = clouds(20, 2, 2)
    seen: list[int] = []
    classifier = PrototypeClassifier(
        max_epochs=30, lr=10.0, patience=2, callbacks=[Epochs(seen)], random_state=0
    ).fit(X, y)
    assert 3 <= len(classifier.net_.history) < 30
    assert seen[:2] == [1, 2]
    assert capsys.readouterr().out == ""
    classifier.set_params(verbose=1, callbacks=None, max_epochs=1).fit(X, y)
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("train_loss", "valid_loss", "valid_accuracy"))


@pytest.mark.parametrize("patience", [1, 7])
def test_training_that_changes_nothing_lasts_as_long_as_patience(patience):
    X, y = clouds(20, 2, 2)
    classifier = PrototypeClassifier(max_epochs=30, lr=1e-30, patience=patience, random_state=0)
    with pytest.warns(ConvergenceWarning) as caught:
        classifier.fit(X, y)
    assert caught[0].filename == __file__
    # After the first epoch, which is the best so far.
    assert len(classifier.net_.history) == 1 + patience


def test_steps_have_no_more_rows_than_asked(monkeypatch):
    sizes = []

    def note(net, batch, **kwargs):
        (episode,) = batch.episodes
        sizes.append((len(episode.labels), len(episode.query)))
        return original(net, batch, **kwargs)

    original = TableNet.train_step_single
    monkeypatch.setattr(TableNet, "train_step_single", note)
    X, y = clouds(60, 2, 2)
    MatchingClassifier(max_epochs=2, batch_size=7, n_support=15, random_state=0).fit(X, y)
    # 48 rows are trained on, 7 at a time.
    assert len(sizes) == 2 * 7
    assert {size for size, _ in sizes} == {15}
    assert {size for _, size in sizes} == {7}
    sizes.clear()
    MatchingClassifier(max_epochs=1, random_state=0).fit(X, y)
    assert len(sizes) == 4
    for read, labelled in sizes:
        assert read + labelled == 48
        assert 0.5 * 48 - 1 <= read <= 0.9 * 48


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_rows_that_are_labelled_do_not_place_categories(kind):
    # Labels are noise, and a category has three rows: each would know its own.
    accuracies = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame({"c": [f"k{each}" for each in rng.integers(100, size=300)]})
        fitted = kind(max_epochs=1, random_state=0).fit(X, rng.integers(2, size=300))
        row = fitted.net_.history[0]
        accuracies.append([row["valid_accuracy"], row["train_accuracy"]])
    assert (np.mean(accuracies, axis=0) < 0.6).all()


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_two_rows_in_a_class_are_enough_and_one_is_not(kind):
    X, y = clouds(4, 2, 2)
    classifier = kind(max_epochs=1, random_state=0).fit(X, y)
    assert np.isfinite(classifier.explain(X).values).all()
    with pytest.raises(ValueError, match="every class has one row only; use max_epochs=0, or more"):
        kind(max_epochs=1, random_state=0).fit(X[:2], y[:2])


def test_validation_loss_has_the_penalty():
    X, y = clouds(30, 3, 2)
    free, penalised = (
        AttentionClassifier(max_epochs=1, lr=1e-9, l1=l1, random_state=0).fit(X, y).net_.history[0]
        for l1 in (0.0, 2.0)
    )
    # Three gates, each between 0 and 1.
    assert 0 < penalised["valid_loss"] - free["valid_loss"] < 6
    assert penalised["valid_accuracy"] == free["valid_accuracy"]


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_fit_from_scratch_draws_one_seed(kind):
    X, y = clouds(30, 2, 2)
    state = np.random.RandomState(3)
    settings = {"pretrained": None, "max_epochs": 1, "width": 4, "n_layers": 0}
    drawn = kind(random_state=state, **settings).fit(X, y)
    once = np.random.RandomState(3)
    draw_seed(once)
    assert state.randint(2**31) == once.randint(2**31)
    seeded = kind(random_state=np.random.RandomState(3), **settings).fit(X, y)
    np.testing.assert_array_equal(drawn.predict_proba(X), seeded.predict_proba(X))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_training_is_the_same_whatever_classes_are_called(kind):
    X, y = clouds(n_rows=45, separation=1.0)
    names = np.array(["b", "c", "a"])
    trained, renamed = (kind(max_epochs=2, random_state=0).fit(X, each) for each in (y, names[y]))
    probabilities = renamed.predict_proba(X)[:, np.argsort(np.argsort(names))]
    # In single precision, whose rounding depends on the order of sums.
    np.testing.assert_allclose(probabilities, trained.predict_proba(X), atol=1e-3)


def test_callbacks_may_have_any_name_of_their_own():
    X, y = clouds(60, 3, 3)
    stop = EarlyStopping(monitor="valid_accuracy", lower_is_better=False, patience=1)
    classifier = PrototypeClassifier(
        max_epochs=20, patience=20, callbacks=[("early_stopping", stop)], random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = classifier.fit(X, y)
    assert len(fitted.net_.history) < 20
