"""Rows that surrogates were fitted to."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.posthoc._known_rows import KnownRows
from sklearn_metaexplain.shapley._deviation import EVIDENCE, LEAST_VARIANCE


def test_known_rows_have_the_residual_of_before_and_others_what_they_miss():
    encoded = torch.randn(6, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    encoded[2, 0] = 0.0
    residuals = torch.arange(12.0, dtype=torch.float64).view(6, 2)
    outputs = residuals + 100
    known = KnownRows(encoded, outputs, residuals)
    asked = encoded[[4, 2, 0, 5]].clone()
    asked[1, 0] = -0.0
    asked[2, 1, 1] += 0.01
    asked[3] *= 1 + 1e-14
    missing = torch.full((4, 2), 99.0, dtype=torch.float64)
    expected = torch.stack([residuals[4], residuals[2], missing[2], residuals[5]])
    theirs = outputs[[4, 2, 0, 5]] + 1e-9
    assert torch.equal(known.unseen(asked, theirs, missing), expected)
    # A row that is encoded like a known one, but has another output, is another row.
    theirs[0, 1] += 0.01
    expected[0] = missing[0]
    assert torch.equal(known.unseen(asked, theirs, missing), expected)


@pytest.fixture(scope="module")
def small():
    """An explainer of a table so small that many of its rows are asked about whole."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = RandomForestClassifier(20, random_state=0).fit(X, y)
    explainer = MetaExplainer(model, background=8, n_support=300, random_state=0).fit(X, y)
    return explainer, X


def test_std_of_a_row_that_fit_asked_about_tells_of_the_row_before_it_was_known(small):
    explainer, X = small
    surrogate, model = explainer._surrogate_, explainer._masked_model_
    encoded = explainer._encode(X)
    nothing = torch.full((len(X), 1), torch.nan, dtype=torch.float64)
    predictions, able = torch.from_numpy(model.predict(X)), torch.from_numpy(model.can_matter(X))
    outputs = surrogate.standardise(predictions)
    held_out = surrogate.known.unseen(encoded, outputs, nothing)[:, 0]
    known = held_out.isfinite()
    assert 10 < int(known.sum()) < len(X)
    told = surrogate.explain(encoded, predictions, able).seen[..., 0, EVIDENCE.index("missing")]
    expected = (held_out.square() / 4 + LEAST_VARIANCE).log().numpy()
    np.testing.assert_allclose(told[known], np.repeat(expected[known, None], 4, 1), atol=1e-9)
    # Having seen a row makes its residual smaller, which is why that of before is told.
    residuals = surrogate.standardise(predictions) - surrogate.stack.predict(encoded)
    assert float(residuals[known].square().mean()) < 0.7 * float(held_out[known].square().mean())
