"""AttentionClassifier: gates times evidence, their penalty, groups, perturbations."""

from collections import UserDict
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone

from sklearn_metaexplain import AttentionClassifier
from sklearn_metaexplain.metrics import local_lipschitz
from tests.selfexplaining.tables import clouds, mixed_frame

GATES = [(a, g) for a in ("shared", "per_class") for g in ("sigmoid", "sparsemax")]


def fitted(X, y, **settings):
    return AttentionClassifier(random_state=0, **settings).fit(X, y)


def evidence_of(classifier, X):
    """What each column says of each class, (n, d, n_classes), of columns that are all read."""
    blocks = classifier.embed(X).reshape(len(X), X.shape[1], -1)
    n_heads, n_classes = len(classifier._network.weight), len(classifier.classes_)
    evidence = blocks[..., -n_heads * n_classes :].reshape(*blocks.shape[:2], n_heads, n_classes)
    return np.einsum("h,ndhc->ndc", classifier._network.weight.numpy(), evidence)


@pytest.mark.parametrize(("attention", "gate"), GATES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logits_are_gates_times_evidence(attention, gate, n_classes):
    X, y = clouds(30, 4, n_classes)
    classifier = fitted(X, y, attention=attention, gate=gate)
    explanation = classifier.explain(X[:7])
    weights = explanation.support["attention"]
    assert weights.shape == ((7, 4) if attention == "shared" else (7, 4, n_classes))
    assert (weights >= 0).all()
    if gate == "sparsemax":
        np.testing.assert_allclose(weights.sum(1), 1, rtol=0, atol=1e-12)
    else:
        assert (weights < 1).all()
    if attention == "shared":
        weights = weights[..., None]
    said = weights * evidence_of(classifier, X[:7])
    if gate == "sparsemax":
        start, slope = classifier._network.log_total.tolist()
        said *= np.exp(start) * 4**slope
    logits = np.log(np.bincount(y) / 30) + said.sum(1)
    np.testing.assert_allclose(classifier.predict_proba(X[:7]), softmax(logits, axis=1), atol=1e-9)
    # Values are the terms of the sum, up to what all classes share.
    centred = said - said.mean(-1, keepdims=True)
    centred = 2 * centred if n_classes == 2 else centred
    np.testing.assert_allclose(explanation.values, centred, rtol=0, atol=1e-9)
    assert not np.abs(explanation.values).max() < 1e-2


def test_evidence_is_that_of_the_shares_where_nothing_is_known():
    X, y = clouds(31, 3, 3)
    explanation = fitted(X, y).explain(X)
    expected = np.log(np.bincount(y) / 31)
    np.testing.assert_allclose(explanation.base_values[0], expected - expected.mean(), atol=1e-12)


@pytest.mark.parametrize("n_support", [4, 10, 31])
def test_shares_are_those_of_the_table_whoever_was_drawn(n_support):
    X, y = clouds(31, 3, 2)
    y[:2] = 2
    explanation = fitted(X, y, n_support=n_support).explain(X)
    expected = np.log(np.bincount(y) / 31)
    np.testing.assert_allclose(explanation.base_values[0], expected - expected.mean(), atol=1e-12)
    assert np.abs(explanation.residual).max() < 1e-9


def test_kinds_of_gates_have_gates_of_their_own():
    X, y = clouds(30, 4, 3)
    kinds = [fitted(X, y, attention=a, gate=g).predict_proba(X) for a, g in GATES]
    for i in range(4):
        for j in range(i):
            assert np.abs(kinds[i] - kinds[j]).max() > 1e-3


@pytest.mark.parametrize("gate", ["sigmoid", "sparsemax"])
@pytest.mark.parametrize("attention", ["shared", "per_class"])
def test_groups_have_gates_that_multiply(attention, gate):
    X, y = clouds(30, 5, 3)
    X[:, 4] = 1.0
    groups = {"pair": [2, 0], "still": [4]}
    classifier = fitted(X, y, attention=attention, gate=gate, groups_by=groups)
    assert classifier.group_names_.tolist() == ["pair", "x1", "x3", "still"]
    explanation = classifier.explain(X[:6])
    assert explanation.feature_names.tolist() == ["x0", "x1", "x2", "x3", "x4"]
    support = explanation.support
    trailing = () if attention == "shared" else (3,)
    assert support["attention"].shape == (6, 5, *trailing)
    assert support["group_attention"].shape == (6, 4, *trailing)
    group_of_column = [0, 1, 0, 2, 3]
    product = support["group_attention"][:, group_of_column] * support["attention_in_group"]
    np.testing.assert_allclose(support["attention"], product, rtol=0, atol=1e-12)
    assert not support["attention"][:, 4].any()
    assert not support["group_attention"][:, 3].any()
    if gate == "sparsemax":
        np.testing.assert_allclose(support["group_attention"].sum(1), 1, atol=1e-12)
        pair = support["attention_in_group"][:, [0, 2]].sum(1)
        np.testing.assert_allclose(pair, 1, rtol=0, atol=1e-12)
        np.testing.assert_allclose(support["attention_in_group"][:, [1, 3]], 1, atol=1e-12)
    else:
        # A group's gate is open as far as its columns' scores are on average.
        within = support["attention_in_group"]
        scores = np.log(within[:, [0, 2]] / (1 - within[:, [0, 2]])).mean(1)
        expected = 1 / (1 + np.exp(-scores))
        np.testing.assert_allclose(support["group_attention"][:, 0], expected, atol=1e-9)
    assert np.abs(explanation.residual).max() < 1e-9


def test_groups_by_name_and_refit_without():
    frame, y = mixed_frame()
    classifier = fitted(frame, y, groups_by=[["number", "count"]])
    assert classifier.group_names_[0] == "number+count"
    assert len(classifier.group_names_) == frame.shape[1] - 1
    classifier.set_params(groups_by=None).fit(frame, y)
    assert not hasattr(classifier, "group_names_")
    assert set(classifier.explain(frame[:2]).support) == {"attention"}


@pytest.mark.parametrize(("attention", "gate"), GATES)
@pytest.mark.parametrize("groups", [[], [["a"], ["c"]], [["a", "constant"]]])
def test_groups_of_one_change_nothing(attention, gate, groups):
    X, y = clouds(30, 3, 3)
    X[::5, 0] = np.nan  # this column is read as two numbers
    frame = pd.DataFrame(X, columns=list("abc")).assign(constant=1.0)
    plain, grouped = (
        fitted(frame, y, attention=attention, gate=gate, groups_by=by) for by in (None, groups)
    )
    np.testing.assert_allclose(
        grouped.predict_proba(frame), plain.predict_proba(frame), rtol=0, atol=1e-12
    )
    support = grouped.explain(frame).support
    expected = plain.explain(frame).support["attention"]
    np.testing.assert_allclose(support["attention"], expected, rtol=0, atol=1e-12)
    assert (support["attention_in_group"][:, :3] == 1).all()
    players = grouped._groups.player_of_column[:3]
    np.testing.assert_allclose(
        support["group_attention"][:, players], expected[:, :3], rtol=0, atol=1e-12
    )


def read_twice(n_classes=3):
    """A table whose columns a, b and town are read as two numbers each; one column is constant."""
    X, y = clouds(45, 3, n_classes)
    X[::5, 0] = X[1::4, 1] = np.nan
    frame = pd.DataFrame(X, columns=list("abc"))
    towns = np.array(["Bath", "Hull", "York"])[(y + (np.arange(45) % 5 == 0)) % 3]
    return frame.assign(constant=1.0, town=towns), y


@pytest.mark.parametrize("gate", ["sigmoid", "sparsemax"])
def test_weight_of_a_column_read_twice(gate):
    X, y = read_twice()
    classifier = fitted(X, y, gate=gate)
    assert classifier._encoder.source_.tolist() == [0, 0, 1, 1, 2, 4, 4]
    weights = classifier.explain(X).support["attention"]
    gates = classifier._in_chunks(
        lambda cells: classifier._gates(cells).columns, classifier._encode(X)
    )
    merge = np.mean if gate == "sigmoid" else np.sum
    np.testing.assert_allclose(weights[:, 0], merge(gates[:, :2, 0], axis=1), rtol=1e-12)
    assert not weights[:, 3].any()
    if gate == "sigmoid":
        assert (weights[:, [0, 1, 2, 4]] > 0).all()
        assert (weights < 1).all()
    else:
        np.testing.assert_allclose(weights.sum(1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("attention", "gate"), GATES)
@pytest.mark.parametrize(
    "groups",
    [
        {"numbers": ["a", "c"]},  # one part, of columns read twice and once
        {"alone": ["b", "constant"]},  # two parts, as of a column without a group
        [["a", "b", "town"], ["c", "constant"]],
    ],
)
def test_groups_of_columns_read_twice_multiply(attention, gate, groups):
    X, y = read_twice()
    classifier = fitted(X, y, attention=attention, gate=gate, groups_by=groups)
    support = classifier.explain(X).support
    players = classifier._groups.player_of_column
    attended, within = support["attention"], support["attention_in_group"]
    product = support["group_attention"][:, players] * within
    np.testing.assert_allclose(attended, product, rtol=0, atol=1e-12)
    assert not attended[:, 3].any()
    if gate == "sparsemax":
        np.testing.assert_allclose(attended.sum(1), 1, rtol=0, atol=1e-12)
        np.testing.assert_allclose(support["group_attention"].sum(1), 1, rtol=0, atol=1e-12)
        for player in set(players[[0, 1, 2, 4]]):  # the others are constant
            shares = within[:, players == player].sum(1)
            np.testing.assert_allclose(shares, 1, rtol=0, atol=1e-12)
    else:
        assert (within <= 1).all()
        assert (support["group_attention"] <= 1).all()


@pytest.mark.parametrize("gate", ["sigmoid", "sparsemax"])
def test_where_all_is_constant_nothing_has_weight(gate):
    X, y = np.ones((12, 3)), np.arange(12) % 2
    for groups in (None, [[0, 1]]):
        support = fitted(X, y, gate=gate, groups_by=groups).explain(X).support
        assert not support["attention"].any()
        assert not support.get("group_attention", np.zeros(1)).any()


@pytest.mark.parametrize(
    "groups",
    [UserDict(pair=["a", "c"]), (("a", "c"),), [("a", "c")], {"pair": (0, 2)}],
)
def test_groups_may_be_any_mapping_or_sequence(groups):
    X, y = clouds(30, 3, 2)
    frame = pd.DataFrame(X, columns=list("abc"))
    expected = fitted(frame, y, groups_by=[["a", "c"]]).explain(frame)
    classifier = clone(AttentionClassifier(random_state=0, groups_by=groups)).fit(frame, y)
    assert len(classifier.group_names_) == 2
    np.testing.assert_array_equal(classifier.explain(frame).values, expected.values)


def test_embedding_has_the_evidence_of_each_class():
    X, y = clouds(40, 3, 2, separation=4.0)
    evidence = evidence_of(fitted(X, y), X).sum(1)
    assert (evidence.argmax(1) == y).mean() > 0.9


def openness(classifier, X, gate):
    """Gates of a row in all; of weights that sum to 1, how many count besides the one that must."""
    weights = classifier.explain(X).support["attention"]
    if gate == "sigmoid":
        return float(weights.sum(1).mean())
    return float(1 / (weights**2).sum(1).mean()) - 1


@pytest.mark.parametrize(("attention", "gate"), GATES)
def test_raising_l1_closes_gates(attention, gate):
    X, y = clouds(40, 5, 2, separation=1.0)
    trained = {"max_epochs": 5, "lr": 0.02, "attention": attention, "gate": gate}
    # Weights that sum to 1 go where they must in leaps, once it pays.
    levels = (0.0, 0.3, 30.0) if gate == "sigmoid" else (0.0, 30.0)
    opened = [openness(fitted(X, y, l1=l1, **trained), X, gate) for l1 in levels]
    for more, less in pairwise(opened):
        assert less < 0.8 * more


@pytest.mark.slow
def test_adversarial_training_makes_explanations_more_stable():
    ratios, scores = [], []
    for seed in range(10, 30):  # ratios of single tables are between a tenth and two
        X, y = clouds(120, 5, 2, separation=0.7, seed=seed)
        rough, stable = (
            fitted(X[:70], y[:70], adversarial_eps=eps, pretrained=None, max_epochs=15, lr=5e-3)
            for eps in (0.0, 0.3)
        )
        constants = [
            local_lipschitz(model, X[70:], reference=X, random_state=0) for model in (stable, rough)
        ]
        ratios.append(constants[0] / constants[1])
        scores.append(stable.score(X[70:], y[70:]) - rough.score(X[70:], y[70:]))
    assert np.exp(np.mean(np.log(ratios))) < 0.8
    assert np.mean(scores) > -0.02


@pytest.mark.parametrize("name", ["l1", "adversarial_eps"])
def test_parts_of_the_loss_need_training(name):
    with pytest.raises(ValueError, match=rf"{name}=0\.5 .* nothing with max_epochs=0; set max_ep"):
        fitted(*clouds(), **{name: 0.5})


@pytest.mark.parametrize(
    ("groups_by", "kind", "message"),
    [
        ([["a", "z"]], ValueError, "groups_by names 'z', which is none of the columns"),
        ({"g": [0, 7]}, ValueError, "groups_by names 7, which is none of the columns"),
        ([["a"], ["a", "b"]], ValueError, "'a' is named twice in groups_by"),
        ({"g": []}, ValueError, "Group 'g' of groups_by is empty"),
        ({"b": ["a", "c"]}, ValueError, "groups_by would give two players the name 'b'"),
        (["a"], TypeError, "A group of groups_by must be a list of columns; got 'a'"),
    ],
)
def test_bad_groups(groups_by, kind, message):
    X, y = clouds()
    with pytest.raises(kind, match=message):
        fitted(pd.DataFrame(X, columns=list("abc")), y, groups_by=groups_by)
