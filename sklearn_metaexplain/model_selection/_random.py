"""The explainer that any other has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.posthoc import PosthocExplainer

__all__ = ["RandomExplainer"]


class RandomExplainer(PosthocExplainer):
    """Attributions drawn at random that sum up as they should.

    Normal numbers of the size of the model's own spread over the background, shifted so that base
    values and attributions sum to the predictions. Those of a row depend on the seed, on the rows
    of `fit` and on the row's values alone. Parameters and attributes are those of
    `PosthocExplainer`.

    Attributes
    ----------
    n_evaluations_ : int
        Rows that `fit` asked the model about, those of the background.
    """

    def _fit_explainer(self, X: Any) -> None:
        self.n_evaluations_ = self._masked_model_.n_background
        # What is random is no steadier than that when it is fitted to other rows.
        self._rows_ = sum(_hash_rows(X))

    def _explain(self, X: Any) -> Explanation:
        model = self._masked_model_
        predictions = model.predict(X)
        base = model.background_outputs.mean(axis=0)
        spread = np.abs(model.background_outputs - base).mean(axis=0)
        values = spread * np.stack(
            [
                np.random.default_rng([self._seed_, self._rows_, row]).normal(
                    size=(model.n_players, model.n_computed)
                )
                for row in _hash_rows(X)
            ]
        )
        gap = predictions - base - values.sum(axis=1)
        values += gap[:, None] / model.n_players
        return self._assemble(X, values, predictions, base, n_evaluations=0)


def _hash_rows(X: Any) -> list[int]:
    dense = X.toarray() if sparse.issparse(X) else X
    return pd.util.hash_pandas_object(pd.DataFrame(dense), index=False).tolist()
