"""A fitted model that is asked for one of its outputs, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from sklearn_metaexplain._progress import progress_bar
from sklearn_metaexplain._rows import copy_rows, listed_rows
from sklearn_metaexplain._validation import name_of
from sklearn_metaexplain.masking._labels import decides_by_pairs, predicts_apart
from sklearn_metaexplain.masking._outputs import (
    NO_CLASS,
    ONE_VS_ONE,
    SEVERAL_TARGETS,
    NotFiniteError,
    copy_of_numbers,
    expand_outputs,
    expand_values,
    has_several_targets,
    lists_classes_by_target,
    log_odds,
    method_of,
    must_be_classifier_or_regressor,
    name_targets,
    resolve_output,
)

__all__ = ["AskedModel"]

# A classifier's probabilities must sum to one; single precision and rounding are let through.
SUM_TOLERANCE = 1e-3


class AskedModel:
    """A fitted estimator, the output of it that is explained, and the checks of its answers.

    What outputs there are is known once the first rows were asked about, by `_ask_first`.

    Parameters
    ----------
    estimator, output, batch_size, n_jobs, verbose
        As of `MaskedModel`.

    Attributes
    ----------
    output, output_names, n_outputs, n_computed
        As of `MaskedModel`.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        output: str = "auto",
        batch_size: int = 10_000,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.verbose = verbose
        self._is_classifier = must_be_classifier_or_regressor(estimator)
        self.output = resolve_output(estimator, output, self._is_classifier)
        self._method = method_of(self.output, self._is_classifier)
        if self._is_classifier and lists_classes_by_target(estimator):
            raise ValueError(SEVERAL_TARGETS)

    def _ask_first(self, table: Any, target_names: np.ndarray | None) -> np.ndarray:
        """Ask about the first rows, and find out what outputs there are.

        Parameters
        ----------
        table : ndarray, DataFrame or CSR of shape (n, n_columns)
            Rows, at least one.
        target_names : ndarray of shape (n_targets,) or None
            As of `MaskedModel`.

        Returns
        -------
        outputs : ndarray of float64 of shape (n, n_computed)
            In the units of `output`.
        """
        try:
            answers = self._ask_in_batches(table.shape[0], lambda batch: copy_rows(table, batch))
        except NotFiniteError as error:
            raise ValueError(
                f"{error} It has no answer to {listed_rows(error.rows)} of the background; pass "
                "others (background=)."
            ) from error
        if (
            self._method == "decision_function"
            and answers.ndim == 2
            and has_several_targets(self.estimator, copy_rows(table, slice(0, 1)))
        ):
            raise ValueError(SEVERAL_TARGETS)
        width = 1 if answers.ndim == 1 else answers.shape[1]
        if self._is_classifier:
            self.output_names = np.asarray(getattr(self.estimator, "classes_", np.arange(width)))
        else:
            self.output_names = name_targets(target_names, width)
        self.n_outputs = len(self.output_names)
        self._is_binary = self._is_classifier and self.n_outputs == 2
        self.n_computed = 1 if self._is_binary else self.n_outputs
        return self._to_outputs(answers)

    def predict(self, table: Any) -> np.ndarray:
        """Outputs of the model on a table, at most `batch_size` rows at once.

        Parameters
        ----------
        table : ndarray, DataFrame or CSR of shape (n, n_columns)
            Rows, passed on as they are.

        Returns
        -------
        outputs : ndarray of float64 of shape (n, n_computed)
            In the units of `output`.

        Raises
        ------
        ValueError
            If the model returns NaN or infinite values, or no array of one number an output.
        """
        try:
            return self._outputs_in_batches(table.shape[0], lambda batch: copy_rows(table, batch))
        except NotFiniteError as error:
            raise ValueError(
                f"{error} It has no answer to {listed_rows(error.rows)}; leave such rows out."
            ) from error

    def labels(self, table: Any) -> np.ndarray | None:
        """Classes that the model predicts, where they may be others than the largest outputs.

        Parameters
        ----------
        table : ndarray, DataFrame or CSR of shape (n, n_columns)
            Rows, passed on as they are.

        Returns
        -------
        labels : ndarray of shape (n,) or None
            What `predict` says of scikit-learn's classifiers with a threshold of their own, support
            vector machines, `NearestCentroid`, those of several binary ones, `SGDClassifier` with
            probabilities that may be equal, and gradient boosting of two classes. None of others,
            which are not asked.
        """
        if self.n_outputs < 2 or not predicts_apart(self.estimator):
            return None
        return self.predicted_classes(table)

    def predicted_classes(self, table: Any) -> np.ndarray:
        """Classes that a classifier predicts, at most `batch_size` rows at once.

        Parameters
        ----------
        table : ndarray, DataFrame or CSR of shape (n, n_columns)
            Rows, passed on as they are.

        Returns
        -------
        classes : ndarray of shape (n,)
            What `predict` says.
        """
        predict = self.estimator.predict

        def ask(batch: slice) -> np.ndarray:
            labels = np.asarray(predict(copy_rows(table, batch)))
            # Some give a column.
            return labels.ravel() if labels.shape[1:] == (1,) else labels

        return self._in_batches(table.shape[0], ask)

    def expand_values(self, values: np.ndarray) -> np.ndarray:
        """Attributions of all outputs from those computed.

        Parameters
        ----------
        values : ndarray of shape (..., n_computed)
            Attributions of the outputs computed.

        Returns
        -------
        values : ndarray of shape (..., n_outputs)
            Attributions of all outputs.
        """
        return expand_values(values, self._is_binary)

    def expand_outputs(self, outputs: np.ndarray) -> np.ndarray:
        """All outputs from those computed.

        Parameters
        ----------
        outputs : ndarray of shape (..., n_computed)
            The outputs computed.

        Returns
        -------
        outputs : ndarray of shape (..., n_outputs)
            One for each of `output_names`.
        """
        return expand_outputs(outputs, self.output, self._is_binary)

    def _outputs_in_batches(self, n: int, rows_of: Callable[[slice], Any]) -> np.ndarray:
        if n == 0:
            return np.empty((0, self.n_computed))
        return self._to_outputs(self._ask_in_batches(n, rows_of))

    def _ask_in_batches(self, n: int, rows_of: Callable[[slice], Any]) -> np.ndarray:
        def ask(batch: slice) -> np.ndarray:
            try:
                return self._ask(rows_of(batch), batch.stop - batch.start)
            except NotFiniteError as error:
                raise NotFiniteError(str(error), batch.start + error.rows) from error

        return self._in_batches(n, ask)

    def _in_batches(self, n: int, ask: Callable[[slice], np.ndarray]) -> np.ndarray:
        batches = [slice(i, min(i + self.batch_size, n)) for i in range(0, n, self.batch_size)]
        if len(batches) == 1:
            return ask(batches[0])
        parallel = Parallel(n_jobs=self.n_jobs, require="sharedmem")
        bar = progress_bar(batches, desc="ask the model", verbose=self.verbose, unit="batch")
        return np.concatenate(parallel(delayed(ask)(batch) for batch in bar))

    def _ask(self, table: Any, n: int) -> np.ndarray:
        answers = getattr(self.estimator, self._method)(table)
        if isinstance(answers, list) and answers and np.ndim(answers[0]) == 2:
            raise ValueError(SEVERAL_TARGETS)
        # A view would keep the batch of hybrid rows alive.
        return copy_of_numbers(answers, n, self._name())

    def _to_outputs(self, answers: np.ndarray) -> np.ndarray:
        outputs = answers[:, None] if answers.ndim == 1 else answers
        is_probability = self._method == "predict_proba"
        # Some that were fitted to one class give that of none beside it.
        of_none = is_probability and self.n_outputs == 1 and outputs.shape[1] == 2
        expected = 2 if of_none else self.n_outputs if is_probability else self.n_computed
        is_decision = self._method == "decision_function"
        in_pairs = is_decision and self.n_outputs > 2 and decides_by_pairs(self.estimator)
        if in_pairs and outputs.shape[1] == expected:
            raise ValueError(f"{self._name()} does not tell classes from each other.{ONE_VS_ONE}")
        if outputs.shape[1] != expected:
            remedy = ONE_VS_ONE if is_decision else ""
            raise ValueError(
                f"{self._name()} returned {outputs.shape[1]} columns for {self.n_outputs} outputs; "
                f"{expected} expected.{remedy}"
            )
        sums = outputs.sum(axis=1)
        if is_probability and np.abs(sums - 1.0).max() > SUM_TOLERANCE:
            is_one = np.abs(sums - 1.0) <= SUM_TOLERANCE
            if (is_one | ~outputs.any(axis=1)).all():
                raise ValueError(f"{self._name()} {NO_CLASS}")
            raise ValueError(
                f"{self._name()} returned probabilities that do not sum to 1 over the classes. "
                + SEVERAL_TARGETS
            )
        if self._is_binary:
            outputs = outputs[:, -1:]
        elif of_none:
            outputs = outputs[:, :1]
        return log_odds(outputs) if self.output == "log_odds" else outputs

    def _name(self) -> str:
        return f"{name_of(self.estimator)}.{self._method}"
