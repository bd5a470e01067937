"""What can be read off an Explanation: residuals, importances, tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._arrays import as_array, as_objects
from sklearn_metaexplain._coverage import reach, reach_of_rows

if TYPE_CHECKING:
    import shap

__all__ = ["ExplanationViews"]

# In a notebook.
_ROWS_SHOWN, _COLUMNS_SHOWN = 5, 10


class ExplanationViews:
    """Methods of `Explanation` that only read it."""

    values: np.ndarray
    base_values: np.ndarray
    predictions: np.ndarray
    data: Any
    feature_names: np.ndarray
    output_names: np.ndarray
    output: str
    additive: bool
    std: np.ndarray | None
    std_quantiles: np.ndarray | None
    estimator_type: str | None
    labels: np.ndarray | None
    index: pd.Index | None

    if TYPE_CHECKING:

        def __len__(self) -> int: ...
        def __getitem__(self, rows: Any) -> Any: ...
        def for_output(self, label: Any) -> Any: ...
        def for_predicted(self) -> Any: ...

    @property
    def residual(self) -> np.ndarray:
        """What the attributions leave unexplained, ndarray of shape (n_samples, n_outputs)."""
        if not self.additive:
            return np.full(self.predictions.shape, np.nan)
        return self.predictions - self.base_values - self.values.sum(axis=1)

    @property
    def predicted_labels(self) -> np.ndarray:
        """The predicted class of each row, ndarray of shape (n_samples,).

        It is the output that is largest, or `labels` of a model that may predict another one
        (as `FixedThresholdClassifier`, `TunedThresholdClassifierCV`, `SVC`, `NearestCentroid`,
        `SGDClassifier` or `OneVsRestClassifier`). After `for_predicted` they are the same as
        before. A ValueError for a regressor with several targets, of which none is predicted more
        than the others.
        """
        if self.labels is not None:
            return self.labels
        if self.estimator_type == "regressor" and len(self.output_names) > 1:
            raise ValueError(
                "A regressor with several targets has no predicted class; use for_output with "
                f"one of {self.output_names.tolist()}."
            )
        return self.output_names[self.predictions.argmax(axis=1)]

    def interval(self, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Intervals for the attributions' true values.

        Where the explainer was calibrated, so large a share of intervals covers the true value
        over tasks like those of its calibration, one value taken from each. That is no promise
        for every row of one task: there the share may be smaller or larger.

        Parameters
        ----------
        coverage : float, default=0.9
            Share to be covered.

        Returns
        -------
        low, high : ndarray of shape (n_samples, n_features, n_outputs)
            In the units of `output`; symmetric around `values`.

        Raises
        ------
        ValueError
            If there is no `std`, or `coverage` is not between 0 and 1 or is beyond what was
            calibrated.

        Examples
        --------
        >>> from sklearn_metaexplain import Explanation
        >>> explanation = Explanation(
        ...     [[[1.0], [2.0]]], [0.0], [[3.0]], std=[[[0.1], [0.0]]], output="raw",
        ...     feature_names=["a", "b"], output_names=["y"], n_evaluations=0,
        ... )
        >>> low, high = explanation.interval(0.9)
        >>> high[0, :, 0].round(2)
        array([1.16, 2.  ])
        """
        if self.std is None:
            raise ValueError(
                "The explanation has no std, hence no intervals: MetaExplainer gives one."
            )
        quantiles = self.std_quantiles
        if quantiles is None or quantiles.ndim == 2:
            half = reach(coverage, quantiles) * self.std
        else:
            half = reach_of_rows(coverage, quantiles)[:, None, None] * self.std
        return self.values - half, self.values + half

    @property
    def display_data(self) -> np.ndarray | None:
        """Cells of `data`, "missing" for NaN, ndarray of object of shape (n_samples, n_columns)."""
        if self.data is None:
            return None
        dense = self.data.toarray() if sparse.issparse(self.data) else self.data
        cells = as_objects(dense if isinstance(dense, np.ndarray) else np.asarray(dense, object))
        return np.where(pd.isna(cells), "missing", cells)

    def global_importance(self) -> pd.DataFrame:
        """Mean of the attributions' absolute values over the rows.

        Returns
        -------
        importance : DataFrame of shape (n_features, n_outputs)
            Features down, outputs across, in the units of `output`; NaN if there are no rows.
        """
        # Of no rows numpy warns.
        sizes = np.abs(self.values).mean(axis=0) if len(self.values) else np.nan
        return pd.DataFrame(
            sizes,
            index=pd.Index(self.feature_names, name="feature"),
            columns=pd.Index(self.output_names, name="output"),
        )

    def to_frame(self, output: Any = None) -> pd.DataFrame:
        """Attributions as a table with the row labels of what was explained.

        Parameters
        ----------
        output : object, default=None
            One of `output_names`. None: all of them.

        Returns
        -------
        frame : DataFrame of shape (n_samples, n_features) or (n_samples, n_outputs * n_features)
            Columns are the features, or, for all outputs, pairs (output, feature).

        Raises
        ------
        ValueError
            If there is no such output.
        """
        if output is not None:
            values = self.for_output(output).values[:, :, 0]
            columns: pd.Index = pd.Index(self.feature_names, name="feature")
        else:
            n_samples, n_features, n_outputs = self.values.shape
            values = self.values.transpose(0, 2, 1).reshape(n_samples, n_outputs * n_features)
            columns = pd.MultiIndex.from_product(
                [self.output_names.tolist(), self.feature_names], names=["output", "feature"]
            )
        return pd.DataFrame(values, index=self.index, columns=columns)

    def to_shap(self, label: Any = None) -> shap.Explanation:
        """Hand one output to shap's plots.

        Parameters
        ----------
        label : object, default=None
            One of `output_names`. None: the predicted class of each row.

        Returns
        -------
        explanation : shap.Explanation
            With two-dimensional values. Cells that are missing read "missing"; in `data` missing
            numbers are NaN. `data` is left out where features are groups of columns.

        Raises
        ------
        ValueError
            If there is no such output, or none is named for a regressor with several targets.
        """
        import shap

        one = self.for_predicted() if label is None else self.for_output(label)
        data = display_data = None
        if self.data is not None and self.data.shape[1] == len(self.feature_names):
            dense = self.data.toarray() if sparse.issparse(self.data) else self.data
            # shap's plots compute with numbers, which pandas' own missing value is none of.
            data = as_array(dense) if isinstance(dense, pd.DataFrame) else np.asarray(dense)
            display_data = self.display_data if pd.isna(data).any() else None
        return shap.Explanation(
            values=one.values[:, :, 0].copy(),
            base_values=one.base_values[:, 0].copy(),
            data=data,
            display_data=display_data,
            feature_names=[str(name) for name in self.feature_names],
        )

    def __repr__(self) -> str:
        n_samples, n_features, _ = self.values.shape
        names = [str(name) for name in self.output_names[:5]]
        if len(self.output_names) > 5:
            names.append("...")
        return (
            f"Explanation({n_samples} row{'s' * (n_samples != 1)}, "
            f"{n_features} feature{'s' * (n_features != 1)}, "
            f"output{'s' * (len(names) != 1)} {', '.join(names)} in {self.output})"
        )

    def _repr_html_(self) -> str:
        label = None
        if len(self.output_names) <= 2:
            label = self.output_names[-1]
        elif self.estimator_type == "regressor":
            label = self.output_names[0]
        one = self[:_ROWS_SHOWN]
        one = one.for_predicted() if label is None else one.for_output(label)
        importance = self.global_importance().to_numpy().sum(axis=1)
        largest = np.argsort(-importance, kind="stable")[:_COLUMNS_SHOWN]
        frame = pd.DataFrame(
            one.values[:, largest, 0], index=one.index, columns=self.feature_names[largest]
        )
        frame.insert(0, "prediction", one.predictions[:, 0], allow_duplicates=True)
        frame.insert(1, "base value", one.base_values[:, 0], allow_duplicates=True)
        table = frame.to_html(escape=True, border=0, float_format="{:+.3g}".format)
        what = "the predicted class" if label is None else str(label)
        left_out = [
            f"{n - shown:,} more {noun}{'s' * (n - shown > 1)}"
            for n, shown, noun in (
                (len(self), len(one), "row"),
                (len(self.feature_names), len(largest), "feature"),
            )
            if n > shown
        ]
        more = f"<p>and {' and '.join(left_out)}</p>" if left_out else ""
        return f"<p>{escape(repr(self))}; shown: {escape(what)}</p>{table}{more}"
