"""What makes an estimator an explainer."""

from dataclasses import dataclass, field, fields, replace
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin, is_classifier, is_regressor
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._culprits import name_culprit
from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._resolve import _unwrap, explain, is_explainer
from sklearn_metaexplain._validation import check_table, column_names

__all__ = [
    "EstimatorTags",
    "ExplainerMixin",
    "ExplainerTags",
    "_unwrap",
    "explain",
    "is_explainer",
]

RESIDUAL_TOLERANCE = 1e-6


@dataclass(slots=True)
class ExplainerTags:
    """What an explainer promises.

    Parameters
    ----------
    additive : bool, default=True
        Base values and attributions sum to the predictions.
    """

    additive: bool = True


@dataclass(slots=True)
class EstimatorTags(Tags):
    """Tags of scikit-learn and ours.

    Parameters
    ----------
    explainer_tags : ExplainerTags
        What the explainer promises.
    """

    explainer_tags: ExplainerTags = field(default_factory=ExplainerTags)


class ExplainerMixin(TransformerMixin):
    """Mixin for estimators that explain.

    A subclass writes `fit`, which calls ``self._check_table(X, reset=True)``, and
    ``_explain(X, *, ...)``, which returns an `Explanation`. It gets `explain`, `transform`,
    `fit_transform`, `set_output` and `get_feature_names_out`. It stands before `BaseEstimator` in
    the list of bases. An explainer with options names them in both methods::

        def explain(self, X, *, budget=None):
            return super().explain(X, budget=budget)

        def _explain(self, X, *, budget=None): ...

    Notes
    -----
    In the middle of a pipeline `fit_transform` explains the rows that the model was fitted on.
    Attributions of rows that the model has not seen come from out-of-fold explanations.

    Examples
    --------
    An explainer of its own linear model, for which attributions are known in closed form:

    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator, RegressorMixin
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.utils.validation import check_is_fitted, check_X_y, validate_data
    >>> from sklearn_metaexplain import Explanation, ExplainerMixin
    >>> class ExplainedLeastSquares(ExplainerMixin, RegressorMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         X, y = check_X_y(self._check_table(X, reset=True), y, y_numeric=True)
    ...         self.mean_ = X.mean(axis=0)
    ...         self.intercept_ = y.mean()
    ...         self.coef_ = np.linalg.lstsq(X - self.mean_, y - self.intercept_)[0]
    ...         return self
    ...
    ...     def predict(self, X):
    ...         check_is_fitted(self)
    ...         X = validate_data(self, X, reset=False)
    ...         return self.intercept_ + (X - self.mean_) @ self.coef_
    ...
    ...     def _explain(self, X):
    ...         values = (np.asarray(X) - self.mean_) * self.coef_
    ...         return Explanation(
    ...             values[:, :, None], [self.intercept_], self.predict(X)[:, None], data=X,
    ...             feature_names=self._attributed_names(), output_names=["y"], output="raw",
    ...             n_evaluations=0,
    ...         )
    >>> X, y = load_diabetes(return_X_y=True)
    >>> explainer = ExplainedLeastSquares().fit(X, y)
    >>> explainer.explain(X[:2])
    Explanation(2 rows, 10 features, output y in raw)
    >>> explainer.transform(X[:2]).shape
    (2, 10)
    """

    if TYPE_CHECKING:
        # To a type checker `**options` would forbid subclasses to name their options.
        def explain(self, X: Any, *args: Any, **kwargs: Any) -> Explanation:
            raise NotImplementedError

        def _explain(self, X: Any, *args: Any, **kwargs: Any) -> Explanation:
            raise NotImplementedError

    else:

        def explain(self, X, **options):
            """Attribute the model's outputs to the columns.

            Parameters
            ----------
            X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
                Rows to explain.
            **options : dict
                The keyword-only parameters of the explainer's own `_explain`; any other is a
                TypeError.

            Returns
            -------
            explanation : Explanation
                Attributions with three dimensions.

            Raises
            ------
            NotFittedError
                If the explainer is not fitted.
            ValueError
                If `X` has other columns than in `fit`, or infinite values.
            """
            check_is_fitted(self)
            self._check_options(options)
            index = X.index if isinstance(X, pd.DataFrame) else None
            X = self._check_table(X, reset=False)
            try:
                explanation = self._explain(X, **options)
            except (TypeError, ValueError) as error:
                model, like = getattr(self, "estimator_", self), getattr(self, "background_", None)
                culprit = name_culprit(error, X, model, like=like)
                if culprit is error:
                    raise
                raise culprit from error
            self._check_explanation(explanation, X)
            return replace(
                explanation,
                index=explanation.index if index is None else index,
                estimator_type=explanation.estimator_type or _estimator_type(self),
            )

        def _explain(self, X, **options):
            raise NotImplementedError(f"{type(self).__name__} must define _explain(X).")

    def transform(self, X: Any) -> Any:
        """Attributions as a table, for the next step of a pipeline.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to explain.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_features) or (n_samples, n_outputs * n_features)
            Attributions of a regressor's output, or of ``classes_[1]`` of a binary classifier. With
            more classes or targets those of the first, then those of the second, and so on.

        Raises
        ------
        NotFittedError
            If the explainer is not fitted.
        ValueError
            If `X` has other columns than in `fit`, or infinite values.
        """  # noqa: E501
        values = self.explain(X).values
        if values.shape[2] == 1 or self._is_binary(values.shape[2]):
            return np.array(values[:, :, -1])
        return values.transpose(0, 2, 1).reshape(len(values), -1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns; must be `feature_names_in_` where that exists.

        Returns
        -------
        names : ndarray of object
            The input names; with several classes or targets ``{feature}__{output}``.
        """
        check_is_fitted(self)
        names = self._attributed_names(input_features)
        outputs = self._explained_outputs()
        if len(outputs) == 1 or self._is_binary(len(outputs)):
            return names
        return np.asarray([f"{name}__{output}" for output in outputs for name in names], object)

    def __sklearn_tags__(self) -> EstimatorTags:
        tags = super().__sklearn_tags__()
        return EstimatorTags(**{part.name: getattr(tags, part.name) for part in fields(tags)})

    # What a subclass may use or override

    def _check_table(self, X: Any, *, reset: bool) -> Any:
        """Check columns and values; missing values and sparse matrices pass where tags say so."""
        accepted = get_tags(self).input_tags
        return check_table(
            self,
            X,
            reset=reset,
            accept_sparse=accepted.sparse,
            accept_missing=accepted.allow_nan,
        )

    def _attributed_names(self, input_features: Any = None) -> np.ndarray:
        """Names of what is attributed to, the columns unless a subclass groups them."""
        return column_names(self, input_features)

    def _explained_outputs(self) -> np.ndarray:
        """Names of the outputs, as in `Explanation.output_names`."""
        return self.classes_ if is_classifier(self) else np.asarray(["y"], dtype=object)

    # Checks

    def _is_binary(self, n_outputs: int) -> bool:
        return n_outputs == 2 and is_classifier(self)

    def _check_options(self, options: dict[str, Any]) -> None:
        valid = [
            name
            for name, parameter in signature(self._explain).parameters.items()
            if parameter.kind is Parameter.KEYWORD_ONLY
        ]
        unknown = sorted(set(options) - set(valid))
        if unknown:
            takes = f"takes {valid}" if valid else "takes no options"
            raise TypeError(
                f"{type(self).__name__}.explain got unexpected options {unknown}; it {takes}."
            )

    def _check_explanation(self, explanation: Explanation, X: Any) -> None:
        name = f"{type(self).__name__}._explain"
        if not isinstance(explanation, Explanation):
            raise TypeError(f"{name} must return an Explanation; got {type(explanation).__name__}.")
        if len(explanation) != X.shape[0]:
            raise RuntimeError(f"{name} explained {len(explanation)} of {X.shape[0]} rows.")
        parts = (explanation.values, explanation.base_values, explanation.predictions)
        if not all(np.isfinite(part).all() for part in parts):
            raise RuntimeError(f"{name} returned NaN or infinite values.")
        if explanation.additive != get_tags(self).explainer_tags.additive:
            raise RuntimeError(f"{name} returned additive={explanation.additive}, its tag differs.")
        if explanation.additive:
            off = np.abs(explanation.residual)
            share_classes = is_classifier(self) or explanation.output != "raw"
            scale = sizes_of(explanation, share_classes=share_classes)
            # Of the smallest numbers there are, no share is left.
            if (off > RESIDUAL_TOLERANCE * scale + np.finfo(np.float64).tiny).any():
                worst = float((off / np.maximum(scale, np.finfo(np.float64).tiny)).max())
                raise RuntimeError(
                    f"{name} returned attributions that miss the predictions by {worst:.2g} of "
                    "their size; close the gap or set the tag additive to False."
                )


def sizes_of(explanation: Explanation, *, share_classes: bool) -> np.ndarray:
    """What rounding is measured by, in whatever unit outputs are: (n_samples, n_outputs)."""
    # Sums of attributions that cancel are no more exact than the attributions are.
    total = np.abs(explanation.values).sum(axis=1)
    sizes = np.maximum(total, np.abs(explanation.predictions))
    sizes = np.maximum(sizes, np.abs(explanation.base_values))
    if share_classes:
        # Classes have one unit: a rare one is as exact as those that it is told from.
        sizes = np.broadcast_to(sizes.max(axis=1, keepdims=True), sizes.shape)
    # Models in single precision round what is large, and their small outputs are left of that.
    return np.maximum(sizes, np.median(sizes, axis=0))


def _estimator_type(estimator: Any) -> str | None:
    if is_classifier(estimator):
        return "classifier"
    return "regressor" if is_regressor(estimator) else None
