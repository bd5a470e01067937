"""Classifiers whose logits are sums over columns."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.nets._column_encoder import CellBlocks
from sklearn_metaexplain.selfexplaining._base import SelfExplainingClassifier

_ROUNDING = 1e-13


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

    def _explain_cells(self, cells: CellBlocks) -> tuple[torch.Tensor, torch.Tensor]:
        parts = self._contributions(cells)
        return parts, (self._intercept + parts.sum(1)).softmax(-1)

    def _explain(self, X: Any) -> Explanation:
        encoded = self._encode(X)
        parts, probabilities = self._in_chunks(self._explain_cells, encoded)
        offset = self._offset.cpu().numpy()
        intercept = self._intercept.cpu().numpy()
        of_base = np.abs(intercept).max() + np.abs(offset).sum(axis=0).max()
        sizes = of_base + np.abs(parts).sum(axis=1).max(axis=1)
        base_values = _without_rounding(_as_decisions(intercept + offset.sum(axis=0)), of_base)
        values = _as_decisions(self._by_feature(parts - offset))
        values = _without_rounding(values, sizes[:, None, None])
        predictions = base_values + values.sum(axis=1)
        likeliest = probabilities.argmax(axis=1)
        # Of classes that are as likely, `predict` has one, and rounding may have another.
        are_same = (predictions.argmax(axis=1) == likeliest).all()
        return Explanation(
            values,
            base_values,
            predictions,
            labels=None if are_same else self.classes_[likeliest],
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


def _without_rounding(differences: np.ndarray, sizes: Any) -> np.ndarray:
    """Differences of terms that are as large as `sizes`; 0 where they are no more than rounding."""
    return np.where(np.abs(differences) <= _ROUNDING * sizes, 0.0, differences)
