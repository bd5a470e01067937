"""A table in parts: what places its categories, and what does not."""

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.nets._labelled_table import LabelledEncoder
from sklearn_metaexplain.nets._part_encoder import PartEncoder


def towns(n_rows=60, n_classes=3):
    rng = np.random.default_rng(0)
    town = rng.integers(12, size=n_rows)
    X = pd.DataFrame({"town": [f"t{each}" for each in town], "x": rng.normal(size=n_rows)})
    return X, rng.integers(n_classes, size=n_rows)


def parts_of(X, labels, n_classes):
    encoder = LabelledEncoder(X, labels, n_classes)
    return encoder, PartEncoder(encoder, X, labels, n_classes)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_of_other_rows_have_no_part_in_it(n_classes):
    X, labels = towns(n_classes=n_classes)
    placing, rows = np.arange(40), np.arange(30, 60)
    encoder, parts = parts_of(X, labels, n_classes)
    encoded = parts.encode(rows, placing)
    assert encoded.shape == (30, parts.n_encoded, 2)
    assert not encoded.equal(encoder.encoded_[rows])
    turned = labels.copy()
    turned[40:] = (turned[40:] + 1) % n_classes
    assert parts_of(X, turned, n_classes)[1].encode(rows, placing).equal(encoded)
    turned[0] = (turned[0] + 1) % n_classes
    assert not parts_of(X, turned, n_classes)[1].encode(rows, placing).equal(encoded)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_by_all_labels_it_is_the_table_itself(n_classes):
    encoder, parts = parts_of(*towns(n_classes=n_classes), n_classes)
    assert parts.encode(np.arange(60), np.arange(60)).equal(encoder.encoded_)


def test_each_of_the_rows_that_place_is_encoded_the_same_beside_any_others():
    _, parts = parts_of(*towns(), 3)
    placing = np.arange(0, 60, 2)
    expected = parts.encode(placing, placing)
    assert parts.encode(placing[[7, 3, 21]], placing).equal(expected[[7, 3, 21]])
    # Others are not placed out of fold, and are where the category is.
    mixed = parts.encode(np.array([9, placing[5], 11]), placing)
    assert mixed[1].equal(expected[5])
    assert mixed[[0, 2]].equal(parts.encode(np.array([9, 11]), placing))


def test_numbers_are_encoded_as_in_the_whole_table():
    X, labels = towns()
    encoder, parts = parts_of(X, labels, 3)
    (number,) = np.flatnonzero(encoder.source_ == 1)
    encoded = parts.encode(np.arange(60), np.arange(20))
    assert encoded[:, number].equal(encoder.encoded_[:, number])
    encoder, parts = parts_of(X[["x"]], labels, 3)
    assert parts.encode(np.arange(9), np.arange(20)).equal(encoder.encoded_[:9])


def test_a_category_of_one_row_that_places_counts_as_not_seen():
    X = pd.DataFrame({"town": list("aaaabbbbcc")})
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 0, 0, 1])
    _, parts = parts_of(X, labels, 2)
    encoded = parts.encode(np.arange(10), np.arange(9))
    assert (encoded[:8] != 0).all()
    assert (encoded[8:] == 0).all()


def test_columns_are_those_of_the_whole_table():
    X, labels = towns()
    _, parts = parts_of(X, labels, 3)
    # Of no category two rows place, so that no axis has anything to say.
    few = [np.flatnonzero(labels == label)[0] for label in range(3)]
    encoded = parts.encode(np.arange(60), np.array(few))
    assert encoded.shape == (60, parts.n_encoded, 2)
    assert encoded.isfinite().all()
