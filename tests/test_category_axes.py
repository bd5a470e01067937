"""Where categories are placed beside their mean outputs."""

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain._categories import learn_categories
from sklearn_metaexplain._category_axes import (
    place_by_interactions,
    place_by_outputs,
    place_in_order,
    place_out_of_fold,
    without_linear_effects,
)
from sklearn_metaexplain._encoder import TableEncoder

SLOPES = {"a": 1.0, "b": -1.0, "c": 1.0, "d": -1.0, "e": 0.0}


def crossed(n_rows=600, seed=0):
    """Categories that say nothing by themselves, but turn what a number does."""
    rng = np.random.RandomState(seed)
    table = pd.DataFrame({"word": rng.choice(list(SLOPES), n_rows), "x": rng.normal(size=n_rows)})
    table["noise"] = rng.normal(size=n_rows)
    outputs = table["word"].map(SLOPES).to_numpy() * table["x"].to_numpy()
    return table, outputs[:, None]


def fitted(table, outputs, **parameters):
    encoder = TableEncoder(further_axes=True, **parameters).fit(table)
    coded = encoder.code(table)
    return encoder.place_categories(coded, outputs), coded


def test_slopes_of_categories_can_be_read_off_their_places():
    table, outputs = crossed()
    encoder, _ = fitted(table, outputs)
    words = pd.DataFrame({"word": list(SLOPES), "x": 0.0, "noise": 0.0})
    encoded = encoder.encode(encoder.code(words))[:, encoder.source_ == 0, 0]
    # By mean outputs, in their own order, by interactions: what these tell most is the slope.
    slopes = np.array(list(SLOPES.values()))

    def missed(axes):
        read = np.column_stack([np.ones(5), encoded[:, axes]])
        return slopes - read @ np.linalg.lstsq(read, slopes, rcond=None)[0]

    assert np.abs(missed([0, 1])).max() > 0.25
    assert np.abs(missed([0, 2])).max() < 0.05


@pytest.mark.parametrize("n_others", [2, 9])
def test_further_axes_add_to_what_the_first_say(n_others):
    rng = np.random.RandomState(0)
    codes = rng.randint(7, size=900)
    others = rng.normal(size=(900, n_others))
    outputs = rng.normal(size=(7, 2))[codes] + rng.normal(size=(7, 2))[codes] * others[:, :1]
    deviation = outputs - outputs.mean(0)
    shares = np.bincount(codes) / 900
    taken = place_by_outputs(codes, deviation, shares, 1.0)[..., 0]
    assert taken.shape == (7, 2)
    left = without_linear_effects(deviation, others)
    further = place_by_interactions(codes, left, others, shares, taken, 1.0, 4)
    assert further.shape == (7, 4, 2)
    together = np.hstack([taken, further[..., 0]])
    # As many axes as categories can have; none of them clipped, so all are uncorrelated.
    np.testing.assert_allclose(together.T @ (shares[:, None] * together), np.eye(6), atol=1e-5)
    np.testing.assert_allclose(shares @ further[..., 1], 0, atol=1e-5)


def test_axes_are_those_of_frequent_categories():
    rng = np.random.RandomState(0)
    codes = np.repeat([0, 1, 2, 3], [480, 480, 20, 20])
    others = rng.normal(size=(1000, 1))
    left = np.array([1.0, -1.0, 4.0, 4.0])[codes, None] * others
    taken = np.array([0.0, 0.0, 1.0, -1.0])[:, None]
    places = place_by_interactions(codes, left, others, np.bincount(codes) / 1000, taken, 1.0, 1)
    assert abs(places[0, 0, 0] - places[1, 0, 0]) > 1.5


def test_what_is_left_has_no_linear_effect():
    rng = np.random.RandomState(1)
    columns = rng.normal(size=(500, 3))
    outputs = columns @ [[1.0], [2.0], [0.0]] + columns[:, :1] * columns[:, 1:2]
    outputs -= outputs.mean(0)
    left = without_linear_effects(outputs, columns)
    assert np.abs(columns.T @ left / 500).max() < 0.03
    assert np.corrcoef(left[:, 0], columns[:, 0] * columns[:, 1])[0, 1] > 0.98


def places_in_order(column):
    learned = learn_categories("c", column)
    ranks = place_in_order(learned.order, learned.shares)[:, 0, 1]
    return [key for _, key in sorted(zip(ranks, map(str, learned.codes), strict=True))]


def test_own_order_is_that_of_the_type_or_of_the_alphabet():
    sizes = ["large", "small", "medium", "small", None]
    assert places_in_order(pd.Series(sizes[:4], dtype="category")) == ["large", "medium", "small"]
    ordered = pd.Categorical(sizes, ["small", "medium", "large"], ordered=True)
    names = places_in_order(pd.Series(ordered))
    assert names[:3] == ["small", "medium", "large"]
    assert names[3].startswith("Missing")


def test_numbers_among_categories_are_ordered_as_numbers():
    learned = learn_categories("c", pd.Series(pd.Categorical([10, 9, 100, 9])))
    assert learned.order.tolist() == [1, 0, 2]
    # What cannot be compared is ordered by type.
    mixed = learn_categories("c", np.array(["b", 2, "a", 1], dtype=object))
    assert mixed.order.tolist() == [3, 1, 2, 0]


@pytest.mark.parametrize(
    "cells",
    [
        [frozenset("ab"), frozenset("cd"), frozenset("a")],
        [("a", 1), ("b", 2), ("c", 3)],
        [object(), object(), object()],
        [1 + 2j, 2j, 1.0],
        [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02", tz="UTC"), "never"],
    ],
)
def test_types_without_an_order_have_none(cells):
    column = np.empty(3, dtype=object)
    column[:] = cells
    learned = learn_categories("c", column)
    assert learned.order is None
    codes = np.repeat(np.arange(3), 20)
    learned.place(codes, np.repeat([[1.0], [0.0], [-1.0]], 20, axis=0), 1.0)
    learned.place_further(codes, np.zeros((60, 1)), np.ones((60, 1)), 1.0, 5)
    assert learned.n_encoded == 1


def test_equal_cells_of_several_types_are_in_one_order():
    cells = np.array([True, "a", 1.0, 1, "b"], dtype=object)
    orders = []
    for order in ([0, 1, 2, 3, 4], [3, 4, 0, 2, 1]):
        learned = learn_categories("c", cells[order])
        keys = list(learned.codes)
        orders.append([str(keys[i]) for i in np.argsort(learned.order)])
    assert orders[0] == orders[1]


def test_two_categories_need_one_axis():
    table, outputs = crossed()
    table["word"] = np.where(table["word"] == "a", "a", "b")
    encoder, _ = fitted(table, outputs)
    assert encoder.source_.tolist() == [0, 1, 2]


def test_classifiers_read_first_axes_alone():
    table, outputs = crossed()
    encoder = TableEncoder().fit(table)
    encoder.place_categories(encoder.code(table), outputs)
    assert encoder.source_.tolist() == [0, 1, 2]
    further, _ = fitted(table, outputs)
    assert further.source_.tolist() == [0, 0, 0, 0, 0, 1, 2]
    assert further.is_further_.tolist() == [False, *[True] * 4, False, False]
    coded = further.code(table)
    first = further.encode(coded)[:, ~further.is_further_]
    np.testing.assert_array_equal(first, encoder.encode(coded))


def test_many_columns_of_categories_get_fewer_axes():
    rng = np.random.RandomState(0)
    for n_columns, most in ((10, 6 * 10), (20, 20 + 64), (40, 40 + 64), (80, 80)):
        words = pd.DataFrame(rng.choice(list("abcdefgh"), size=(200, n_columns)))
        encoder, coded = fitted(words, rng.normal(size=(200, 1)))
        assert n_columns <= len(encoder.source_) <= most
        assert encoder.encode(coded).shape == (200, len(encoder.source_), 2)
        assert (len(encoder.source_) > n_columns) == (n_columns <= 64)


def test_categories_of_few_rows_get_fewer_axes():
    table, outputs = crossed(400)
    for n_rows, n_axes in ((400, 5), (119, 3), (40, 2), (39, 1)):
        encoder, _ = fitted(table[:n_rows], outputs[:n_rows])
        assert (encoder.source_ == 0).sum() == n_axes


def test_a_column_is_not_related_to_itself():
    rng = np.random.RandomState(0)
    words = pd.DataFrame({"word": rng.choice(list("abcdefgh"), 600)})
    outputs = rng.normal(size=(600, 1)) + (words[["word"]] == "a").to_numpy()
    encoder, _ = fitted(words, outputs)
    # By mean outputs, in their own order, and by the means that a line through these leaves.
    assert encoder.source_.tolist() == [0, 0, 0]


@pytest.mark.parametrize("order", ["abcde", "edcba"])
def test_equal_mean_outputs_take_nothing_out(order):
    slopes = {"a": 3.0, "b": 1.0, "c": 1.0, "d": 0.0, "e": -1.0}
    numbers = [-2.0, -1.0, 1.0, 2.0]
    table = pd.DataFrame([(word, x) for word in order for x in numbers] * 10)
    outputs = (table[0].map(slopes) * table[1]).to_numpy()[:, None]
    encoder, coded = fitted(table, outputs)
    encoded = encoder.encode(coded)[: 4 * 5 : 4, encoder.source_ == 0, 0]
    places = dict(zip(order, encoded[:, 2], strict=True))
    towards = np.sign(places["a"])
    ranked = sorted(places, key=lambda word: towards * places[word])
    assert ranked[0] == "e"
    assert ranked[1] == "d"
    assert ranked[-1] == "a"
    assert places["b"] == pytest.approx(places["c"], abs=1e-5)


@pytest.mark.parametrize("codes", [[0, 0, 1, 1, 2, 2], [1, 1, 0, 0, 2, 2]])
def test_categories_of_equal_means_share_the_middle_of_their_ranks(codes):
    # As floats, 0.1 + 0.2 is more than 0.3.
    deviation = np.array([0.1, 0.2, 0.3, 0.0, -0.8, -0.4])[:, None]
    shares = np.array([0.25, 0.25, 0.5])
    placed = place_by_outputs(np.array(codes), deviation, shares, 1.0)
    np.testing.assert_allclose(placed[:, 0, 1], np.sqrt(12) * np.array([0.25, 0.25, -0.25]))
    np.testing.assert_allclose(placed[:, 0, 0], [1, 1, -1])


def test_axes_do_not_depend_on_what_was_placed_before():
    rng = np.random.RandomState(0)
    words = pd.DataFrame(rng.choice(list("abcd"), size=(300, 70)))
    outputs = rng.normal(size=(300, 1))
    encoder = TableEncoder(further_axes=True).fit(words)
    coded = encoder.code(words)
    encoder.ignore(np.arange(70) < 30).place_categories(coded, outputs)
    assert encoder.encode(coded).shape[1] == len(encoder.source_) == 80
    encoder.ignore(np.zeros(70, dtype=bool)).place_categories(coded, outputs)
    assert encoder.encode(coded).shape[1] == len(encoder.source_) == 70


def test_a_copy_placed_by_other_rows_has_further_axes_too():
    table, outputs = crossed()
    encoder, coded = fitted(table, outputs)
    before = encoder.encode(coded)
    half = [column[:300] for column in coded]
    placed = encoder.placed_by(half, outputs[:300])
    expected = TableEncoder(further_axes=True).fit(table).place_categories(half, outputs[:300])
    np.testing.assert_array_equal(placed.encode(coded), expected.encode(coded))
    np.testing.assert_array_equal(encoder.encode(coded), before)


def test_ignored_columns_have_no_part_in_it():
    table, outputs = crossed()
    encoder = TableEncoder(further_axes=True).fit(table)
    coded = encoder.code(table)
    encoder.ignore(np.array([False, True, False])).place_categories(coded, outputs)
    without = fitted(table.drop(columns="x"), outputs)[0]
    np.testing.assert_allclose(
        encoder.encode(coded), without.encode([coded[0], coded[2]]), atol=1e-12
    )


@pytest.mark.parametrize(("second", "n_axes"), [(0.0, 1), (0.01, 2)])
def test_what_rounding_tells_of_categories_is_no_axis(second, n_axes):
    rng = np.random.RandomState(0)
    table = pd.DataFrame({"word": rng.choice(list("abc"), 300)})
    first = table["word"].map({"a": 0.1, "b": 0.3, "c": 0.7}).to_numpy() * rng.uniform(size=300)
    moved = second * (table["word"] == "b").to_numpy()
    # Of classes whose probabilities sum to one, the last says nothing more.
    encoder = TableEncoder().fit(table)
    encoder.place_categories(encoder.code(table), np.column_stack([first, 1 - first + moved]))
    assert len(encoder.source_) == n_axes


@pytest.mark.parametrize("unit", [1e-100, 1e-9, 1e9, 1e100])
@pytest.mark.parametrize("n_more", [0, 6])
def test_places_do_not_depend_on_units(unit, n_more):
    table, outputs = crossed()
    table[[f"more{i}" for i in range(n_more)]] = np.random.RandomState(1).normal(
        size=(len(table), n_more)
    )
    encoder, coded = fitted(table, outputs)
    expected = encoder.encode(coded)
    found = fitted(table, unit * outputs)[0].encode(coded)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_order_of_rows_and_columns_changes_no_digit():
    table, outputs = crossed()
    encoder, coded = fitted(table, outputs)
    expected = encoder.encode(coded)[:, encoder.source_ == 0]
    turned, coded = fitted(table[["noise", "x", "word"]], outputs)
    np.testing.assert_array_equal(turned.encode(coded)[:, turned.source_ == 2, :], expected)
    order = np.random.RandomState(0).permutation(len(table))
    shuffled, coded = fitted(table.iloc[order], outputs[order])
    found = shuffled.encode(coded)[:, shuffled.source_ == 0]
    np.testing.assert_allclose(found, expected[order], atol=1e-5)


@pytest.mark.parametrize("n_classes", [3, 5])
def test_axes_that_tell_as_much_are_the_same_in_any_order_of_rows(n_classes):
    # Each word has a class of its own, and all are as frequent.
    classes = np.arange(20 * n_classes) % n_classes
    table, outputs = pd.DataFrame({"word": np.array(list("abcde"))[classes]}), np.eye(n_classes)
    places = []
    for seed in range(10):
        order = np.random.RandomState(seed).permutation(len(classes))
        encoder = TableEncoder().fit(table.iloc[order])
        encoder.place_categories(encoder.code(table.iloc[order]), outputs[classes[order]])
        places.append(encoder.encode(encoder.code(table)))
    assert places[0].shape[1] == 2
    np.testing.assert_allclose(places, [places[0]] * 10, rtol=0, atol=1e-7)
    # The first class beside all others, and the second beside those after it.
    first, second = places[0][:n_classes, :, 0].T
    assert min(first[0], second[1]) > 0
    assert max(np.ptp(first[1:]), abs(second[0]), np.ptp(second[2:])) < 1e-9


def test_signs_of_axes_are_not_those_of_rounding():
    rng = np.random.RandomState(0)
    table, first = pd.DataFrame({"word": rng.choice(list("abc"), 90)}), rng.uniform(size=90)
    # Of two outputs that are as far from their means, the first.
    outputs = np.column_stack([first, 1 - first])
    for seed in range(10):
        order = np.random.RandomState(seed).permutation(90)
        encoder = TableEncoder().fit(table.iloc[order])
        encoder.place_categories(encoder.code(table.iloc[order]), outputs[order])
        places = encoder.encode(encoder.code(table))[:, 0, 0]
        assert np.corrcoef(places, first)[0, 1] > 0


def test_unseen_category_is_average_on_all_axes():
    table, outputs = crossed()
    encoder, _ = fitted(table, outputs)
    new = pd.DataFrame({"word": ["new"], "x": [0.0], "noise": [0.0]})
    assert not encoder.encode(encoder.code(new))[:, encoder.source_ == 0].any()


def test_a_model_that_never_changes_places_nothing():
    table, outputs = crossed()
    encoder, coded = fitted(table, np.zeros_like(outputs))
    encoded = encoder.encode(coded)
    assert np.isfinite(encoded).all()
    # Their own order is what is left.
    assert encoder.source_.tolist() == [0, 0, 1, 2]


def noisy(n_rows, n_categories, seed=0):
    """Categories and a number, and outputs that know nothing of the former."""
    rng = np.random.RandomState(seed)
    table = pd.DataFrame({"word": [f"w{i}" for i in rng.randint(n_categories, size=n_rows)]})
    table["x"] = rng.normal(size=n_rows)
    return table, rng.normal(size=(n_rows, 1))


def own_places(table, outputs):
    encoder = TableEncoder().fit(table)
    coded = encoder.code(table)
    encoder.place_categories(coded, outputs)
    return encoder.encode(coded), encoder.encode_out_of_fold(coded, outputs)


@pytest.mark.parametrize("per_category", [2, 5])
def test_places_out_of_fold_do_not_tell_a_row_its_own_output(per_category):
    told, told_out_of_fold = [], []
    for seed in range(10):
        table, outputs = noisy(200, 200 // per_category, seed)
        for told_by, encoded in zip(
            (told, told_out_of_fold), own_places(table, outputs), strict=True
        ):
            told_by.append([np.corrcoef(outputs[:, 0], encoded[:, 0, k])[0, 1] for k in (0, 1)])
    assert np.mean(told) > 0.35
    # Without a row, the mean of what is left of its category is lower where it is higher.
    assert -0.15 < np.mean(told_out_of_fold) < 0.05


def test_places_out_of_fold_are_near_those_of_the_categories_that_tell_something():
    rng = np.random.RandomState(0)
    effect = rng.normal(size=20)
    words = rng.randint(20, size=1000)
    table = pd.DataFrame({"word": [f"w{i}" for i in words]})
    placed, out_of_fold = own_places(table, effect[words, None] + 0.1 * rng.normal(size=(1000, 1)))
    np.testing.assert_allclose(out_of_fold, placed, rtol=0, atol=0.4)
    assert np.corrcoef(out_of_fold[:, 0, 0], effect[words])[0, 1] > 0.99


def test_rows_of_few_categories_are_placed_by_all():
    placed, out_of_fold = own_places(*noisy(60, 9))
    np.testing.assert_array_equal(out_of_fold, placed)
    placed, out_of_fold = own_places(*noisy(60, 10))
    assert not np.array_equal(out_of_fold, placed)
    np.testing.assert_array_equal(out_of_fold[:, 1], placed[:, 1])


def test_places_out_of_fold_are_the_same_in_any_order_of_rows_and_columns():
    table, outputs = noisy(120, 30)
    table["y"] = np.random.RandomState(1).normal(size=120)
    # Of the word alone, rows that hold the same differ in their outputs.
    for columns in (["word", "x", "y"], ["word"]):
        _, expected = own_places(table[columns], outputs)
        for seed in range(5):
            order = np.random.RandomState(seed).permutation(120)
            _, encoded = own_places(table[columns].iloc[order], outputs[order])
            np.testing.assert_allclose(encoded, expected[order], rtol=0, atol=1e-9)
    _, expected = own_places(table, outputs)
    _, turned = own_places(table[["y", "x", "word"]], outputs)
    np.testing.assert_allclose(turned[:, ::-1], expected, rtol=0, atol=1e-9)


def test_rows_whose_ranks_have_the_same_sum_are_dealt_to_folds_by_what_they_hold():
    rng = np.random.RandomState(0)
    # Two columns are half and half, and outputs go with them to different degrees.
    halves = [[0, 0], [0, 1], [1, 0], [1, 1]] * 50
    codes = np.column_stack([rng.randint(10, size=200), halves])
    table = pd.DataFrame(codes, columns=["word", "u", "v"]).astype(str)
    outputs = (codes[:, :1] + 3 * codes[:, 1:2] + codes[:, 2:] > 6).astype(float)
    encoded = []
    for seed in range(3):
        order = np.random.RandomState(seed).permutation(200)
        _, out_of_fold = own_places(table.iloc[order], outputs[order])
        # Of rows that are the same, it does not matter which is in which fold.
        held = np.column_stack([codes, outputs])[order]
        rows = np.column_stack([held, out_of_fold[:, 0]]).round(6)
        encoded.append(rows[np.lexsort(rows.T[::-1])])
    np.testing.assert_array_equal(encoded, [encoded[0]] * 3)


def test_a_row_is_placed_by_the_other_folds_on_the_axes_of_all():
    outputs = np.array([[3.0], [-1.0], [2.0], [-4.0], [0.0], [0.0]])
    codes, folds = np.array([0, 0, 1, 1, -1, 2]), np.array([0, 1, 0, 1, 0, 1])
    shares = np.array([0.4, 0.4, 0.2])
    placed = place_out_of_fold(codes, outputs, shares, 1.0, 1, folds)
    # Sums over counts and five more; the mean of categories is zero.
    means = np.array([2 / 7, -2 / 7, 0.0])
    scale = np.sqrt(shares @ means**2)
    alone = np.array([-1 / 6, 3 / 6, -4 / 6, 2 / 6]) / scale
    np.testing.assert_allclose(placed[:4, 0, 0], alone)
    assert not placed[4].any()
    # No row of its category is left: the average.
    assert placed[5, 0, 0] == pytest.approx(0.0, abs=1e-12)
    # Ranks lie between those of the categories, in whose range they stay.
    middle = np.sqrt(12) * np.array([0.5 * 0.4 - 0.5, 0.0, 0.5 - 0.5 * 0.4])
    between = np.interp([-1 / 6, 3 / 6], [-2 / 7, 0.0, 2 / 7], middle)
    np.testing.assert_allclose(placed[:2, 0, 1], between)
