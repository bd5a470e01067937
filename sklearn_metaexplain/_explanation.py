"""The one result type: what every explainer returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._explanation_parts import checked_parts, labels_of
from sklearn_metaexplain._explanation_views import ExplanationViews
from sklearn_metaexplain._read_only import freeze
from sklearn_metaexplain._rows import row_positions, take_rows
from sklearn_metaexplain._storage import load_record, save_record

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(ExplanationViews):
    """Attributions of a model's outputs to the columns of some rows.

    Everything has the same number of dimensions whatever the model: a binary classifier has two
    outputs, a classifier of K classes K (one class: one), a regressor one for each target.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_features, n_outputs)
        What each column adds to each output, in the units of `output`.
    base_values : array-like of shape (n_samples, n_outputs) or (n_outputs,)
        The output that the attributions start from.
    predictions : array-like of shape (n_samples, n_outputs)
        The model's outputs for the rows.
    std : array-like of shape (n_samples, n_features, n_outputs), default=None
        Standard deviation of the error of `values`, where the explainer knows it.
    std_quantiles : array-like of shape (n_levels, 2) or (n_samples, n_levels, 2), default=None
        For `interval`: increasing shares of errors, and the multiples of `std` below which they
        were found to lie, for all rows or for each. None: as of Gaussian errors.
    data : DataFrame, ndarray or sparse matrix with n_samples rows, default=None
        The rows as the explainer saw them.
    feature_names : array-like of shape (n_features,)
        Names along the second axis: columns, or groups of columns.
    feature_of_column : array-like of int of shape (n_columns,), default=None
        Which feature each column of `data` belongs to, by position, where columns are grouped: a
        group may be called as one of its columns is. None: each column is a feature, or, of groups,
        those are columns whose names are.
    output_names : array-like of shape (n_outputs,)
        Names along the third axis: the labels in `classes_` order, or a regressor's targets.
    output : {"probability", "log_odds", "raw"}
        The units: a probability, log(p / (1 - p)), or what `decision_function` or a regressor's
        `predict` returns.
    value_function : str, default="interventional"
        What it means for a column to be left out. "interventional": it is replaced by the
        background's values, whatever the other columns are. "intrinsic": none is left out, values
        are the model's own terms. "local": none is left out, values are the terms of a simple
        model that was fitted around the row.
    n_evaluations : int or array-like of int of shape (n_samples,)
        Rows that the model was asked for to explain each row, beyond the row's own prediction.
    additive : bool, default=True
        Whether base values and attributions are meant to sum to the predictions.
    support : mapping of str to array-like of shape (n_samples, ...), default=None
        What an explainer adds to each row, such as its nearest prototypes. Selected with the rows.
    estimator_type : {"classifier", "regressor"} or None, default=None
        What kind of model was explained, where it is known.
    labels : array-like of shape (n_samples,), default=None
        The class that the model predicts in each row, where it need not be the largest output, as
        with a threshold of its own; after `for_predicted`, what the only output is. None: the
        largest output.
    index : Index of length n_samples, default=None
        Row labels. None: those of `data` where it is a DataFrame.

    Attributes
    ----------
    residual : ndarray of shape (n_samples, n_outputs)
        ``predictions - base_values - values.sum(axis=1)``, NaN where not `additive`.

    Notes
    -----
    The arrays are read-only, and copied where whoever passed them could still write into them; of
    `data` and `support` no copy is made. ``dataclasses.replace`` makes a changed copy.

    Examples
    --------
    >>> from sklearn_metaexplain import Explanation
    >>> explanation = Explanation(
    ...     [[[-0.2, 0.2], [0.1, -0.1]]], [0.5, 0.5], [[0.4, 0.6]], output="probability",
    ...     feature_names=["age", "fare"], output_names=["died", "survived"], n_evaluations=0,
    ... )
    >>> explanation
    Explanation(1 row, 2 features, outputs died, survived in probability)
    >>> explanation.for_output("survived").values.shape
    (1, 2, 1)
    >>> explanation.to_frame("survived")
    feature  age  fare
    0        0.2  -0.1
    """

    values: np.ndarray
    base_values: np.ndarray
    predictions: np.ndarray
    _: KW_ONLY
    std: np.ndarray | None = None
    std_quantiles: np.ndarray | None = None
    data: Any = None
    feature_names: np.ndarray
    feature_of_column: np.ndarray | None = None
    output_names: np.ndarray
    output: str
    value_function: str = "interventional"
    n_evaluations: np.ndarray
    additive: bool = True
    support: Mapping[str, Any] | None = None
    estimator_type: str | None = None
    labels: np.ndarray | None = None
    index: pd.Index | None = None

    def __post_init__(self) -> None:
        for name, part in checked_parts(self._parts()).items():
            object.__setattr__(self, name, part)

    def _parts(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # unpickled arrays are writeable

    # Selecting

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Explanation]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, rows: Any) -> Explanation:
        """Select rows by position: an int, a slice, a mask or positions. An int gives one row.

        A mask that is a Series is read by position, too, and refused where it has the labels of the
        rows in another order.
        """
        positions = row_positions(rows, len(self), self.index)
        support = self.support
        if support is not None:
            support = {name: take_rows(part, positions) for name, part in support.items()}
        quantiles = self.std_quantiles
        if quantiles is not None and quantiles.ndim == 3:
            quantiles = freeze(quantiles[positions])
        return replace(
            self,
            values=freeze(self.values[positions]),
            base_values=freeze(self.base_values[positions]),
            predictions=freeze(self.predictions[positions]),
            std=None if self.std is None else freeze(self.std[positions]),
            std_quantiles=quantiles,
            data=take_rows(self.data, positions),
            n_evaluations=self.n_evaluations[positions],
            support=support,
            labels=None if self.labels is None else self.labels[positions],
            index=None if self.index is None else self.index[positions],
        )

    def for_output(self, label: Any) -> Explanation:
        """Keep one output.

        Parameters
        ----------
        label : object
            One of `output_names`.

        Returns
        -------
        explanation : Explanation
            With one output; `support` is kept as it is.

        Raises
        ------
        TypeError
            If `label` is an array or a list.
        ValueError
            If there is no such output.
        """
        if not isinstance(label, tuple) and np.ndim(label) > 0:
            raise TypeError(
                f"label takes one of {self.output_names.tolist()}, got a {type(label).__name__}; "
                "for_predicted() keeps of each row the class that is predicted."
            )
        own = labels_of([label])[0] if isinstance(label, np.generic) else label
        kept = [k for k, name in enumerate(self.output_names.tolist()) if name == own]
        if not kept:
            raise ValueError(f"No output {label!r}; there are {self.output_names.tolist()}.")
        one = self._with_outputs(np.full(len(self), kept[0]), self.output_names[kept[:1]])
        return one if len(self.output_names) == 1 else replace(one, labels=None)

    def for_predicted(self) -> Explanation:
        """Keep of each row the predicted class, as of `predicted_labels`.

        Returns
        -------
        explanation : Explanation
            With one output, named "predicted"; `predicted_labels` still says which it is in each
            row. A regressor's only output is kept with its name.

        Raises
        ------
        ValueError
            For a regressor with several targets, of which none is predicted more than the others.
        """
        labels = self.predicted_labels
        if self.estimator_type == "regressor":
            return self
        outputs = self._predicted_positions()
        return replace(self._with_outputs(outputs, np.array(["predicted"])), labels=labels)

    def _predicted_positions(self) -> np.ndarray:
        """Which output is predicted in each row, (n_samples,)."""
        if self.labels is None or len(self.output_names) == 1:
            return self.predictions.argmax(axis=1)
        return self._positions_of(self.labels)

    def _positions_of(self, labels: np.ndarray) -> np.ndarray:
        """Which outputs labels name, (n,); -1 for none."""
        # As objects: True is 1, as Python has it, where pandas tells indexes of two types apart.
        names = pd.Index(self.output_names, dtype=object)
        return names.get_indexer(pd.Index(labels, dtype=object))

    def _with_outputs(self, outputs: np.ndarray, names: np.ndarray) -> Explanation:
        rows = np.arange(len(self))

        def pick(array: np.ndarray) -> np.ndarray:
            return freeze(array[rows, ..., outputs])[..., None]

        return replace(
            self,
            values=pick(self.values),
            base_values=pick(self.base_values),
            predictions=pick(self.predictions),
            std=None if self.std is None else pick(self.std),
            output_names=names,
        )

    # Keeping

    def save(self, path: str | Path) -> None:
        """Write to one compressed file, without pickle.

        Parameters
        ----------
        path : str or Path
            The file; written as named, ``.npz`` is the custom.

        Raises
        ------
        TypeError
            If `data`, `support` or a label holds Python objects other than text, numbers, booleans,
            dates, periods, times, durations, missing values and tuples of these.
        """
        save_record(path, self._parts())

    @classmethod
    def load(cls, path: str | Path) -> Explanation:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        explanation : Explanation
            With the same arrays, labels and data; sparse `data` comes back as CSR.

        Raises
        ------
        ValueError
            If the file is not one that `save` wrote.
        """
        return cls(**load_record(path))
