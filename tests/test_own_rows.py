"""Rows that place categories by their own outputs."""

import numpy as np
import pandas as pd

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain._own_rows import OwnRows


def read(table):
    encoder = TableEncoder().fit(table)
    return encoder, OwnRows(encoder, encoder.code(table))


def test_a_category_of_a_single_row_is_the_average_one_in_all_rows():
    table = pd.DataFrame({"town": list("aabbc"), "x": np.arange(5.0)})
    encoder, rows = read(table)
    encoded = rows.place(np.array([[0.0], [1.0], [5.0], [4.0], [9.0]]))
    assert not encoded[4, 0].any()
    assert encoded[:4, 0].all()
    assert (encoded[:, 1, 0] == encoder.encode(encoder.code(table))[:, 1, 0]).all()
    others = rows.encode(encoder.code(pd.DataFrame({"town": list("cda"), "x": 0.0})))
    assert not others[:2, 0].any()
    assert others[2, 0].any()
    assert rows.coded[0].tolist() == [0, 0, 1, 1, -1]


def test_rows_are_encoded_out_of_fold_and_others_by_all():
    rng = np.random.RandomState(0)
    table = pd.DataFrame({"town": [f"t{i % 20}" for i in range(40)]})
    outputs = rng.normal(size=(40, 1))
    encoder, rows = read(table)
    encoded = rows.place(outputs)
    # Of two rows in a town each is placed by the other.
    assert np.corrcoef(encoded[:, 0, 0], np.roll(outputs[:, 0], 20))[0, 1] > 0.95
    again = rows.encode(encoder.code(table))
    sums = outputs[:20, 0] + outputs[20:, 0]
    np.testing.assert_array_equal(again[:20], again[20:])
    assert np.corrcoef(again[:20, 0, 0], sums)[0, 1] > 0.99
