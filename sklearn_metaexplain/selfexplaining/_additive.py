"""Classifiers whose logits are sums over columns."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.nets._column_encoder import CellBlocks
from sklearn_metaexplain.selfexplaining._base import SelfExplainingClassifier


class AdditiveClassifier(SelfExplainingClassifier):
    """Base of classifiers with a logit for each class that columns add to.

    A subclass writes `_contributions`, sets `_intercept` (n_classes,) and `_offset`
    (n_encoded, n_classes), what the base values hold of each column's contributions, and adds to
    the explanation by `_support`.
    """

    _intercept: torch.Tensor
    _offset: torch.Tensor

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits of the classes, with mean zero over the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        logits : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of two classes the difference, the logit of `predict_proba`'s second column; of more
            one column each, of which `predict_proba` is the softmax.
        """
        logits = self._in_chunks(self._logits, self._encode(X))
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits - logits.mean(axis=1, keepdims=True)

    @abstractmethod
    def _contributions(self, cells: CellBlocks) -> torch.Tensor:
        """What each encoded column adds to each logit, (n, m, n_classes)."""

    @abstractmethod
    def _support(self, encoded: torch.Tensor) -> dict[str, Any]:
        """What the explanation of encoded rows shows besides attributions."""

    def _logits(self, cells: CellBlocks) -> torch.Tensor:
        return self._intercept + self._contributions(cells).sum(1)

    def _probabilities(self, cells: CellBlocks) -> torch.Tensor:
        return self._logits(cells).softmax(-1)

    def _explain(self, X: Any) -> Explanation:
        encoded = self._encode(X)
        parts = self._in_chunks(self._contributions, encoded)
        offset = self._offset.cpu().numpy()
        values = self._by_feature(parts - offset)
        intercept = self._intercept.cpu().numpy()
        base_values, predictions = intercept + offset.sum(0), intercept + parts.sum(1)
        values, base_values, predictions = (
            _as_decisions(part) for part in (values, base_values, predictions)
        )
        return Explanation(
            values,
            base_values,
            predictions,
            data=X,
            feature_names=self._attributed_names(),
            output_names=self.classes_,
            output="raw",
            value_function="intrinsic",
            n_evaluations=np.zeros(len(values), dtype=int),
            support=self._support(encoded),
            estimator_type="classifier",
        )


def _as_decisions(logits: np.ndarray) -> np.ndarray:
    """Logits up to what all classes share, as `decision_function` gives them."""
    centred = logits - logits.mean(axis=-1, keepdims=True)
    # Of two classes the decision is the difference, of which each has half.
    return 2 * centred if logits.shape[-1] == 2 else centred
