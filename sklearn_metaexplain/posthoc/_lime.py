"""LIME with the package's contract."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._progress import progress_bar
from sklearn_metaexplain.base import EstimatorTags
from sklearn_metaexplain.posthoc import _libraries
from sklearn_metaexplain.posthoc._base import PosthocExplainer
from sklearn_metaexplain.posthoc._lime_columns import LimeColumns
from sklearn_metaexplain.posthoc._lime_row import fit_local_model

__all__ = ["LimeExplainer"]


class LimeExplainer(PosthocExplainer):
    """Local linear models by the lime library, in raw columns.

    Around each row LIME draws samples from the columns' training distributions, one column
    independently of the others, weights them by their closeness to the row, and fits a linear
    model to the outputs. Its features say of each column whether the sample has the row's category
    or lies in the row's interval. All outputs are explained from the same samples.

    Parameters
    ----------
    estimator : estimator
        The model. It is cloned and fitted; a fitted one that must stay as it is is passed as
        ``FrozenEstimator(model)``.
    n_samples : int, default=5000
        Rows the linear model is fitted to, of which the explained row is one.
    kernel_width : float, default=None
        Width of the exponential kernel over distances. None: ``0.75 * sqrt(n_features_in_)``.
    discretizer : {"quartile", "decile", "entropy"} or None, default="quartile"
        How numeric columns are cut into intervals. "entropy" cuts where trees separate the classes
        that the model predicts for the training rows. None draws numbers from a normal
        distribution and multiplies coefficients by the standardised value; dates are cut into
        quartiles.
    n_features : int, default=None
        Most columns with a coefficient, selected by LIME for each output. None: all.
    background : int or table of shape (n_background, n_features), default=100
        Rows whose mean output is the base value, and which say of each row which columns can
        matter. The samples come from the training rows, not from these.
    output : {"auto", "probability", "log_odds", "raw"}, default="auto"
        What is explained. "auto": probabilities where there is `predict_proba`, else "raw".
    batch_size : int, default=10_000
        Largest number of rows passed to the model at once, by each thread.
    n_jobs : int, default=None
        Threads that explain rows, or ask the model in batches about one alone. The values are the
        same for any number.
    random_state : int, RandomState or None, default=None
        Seed of the background and of the samples, whose draws are the same for all rows.
    verbose : int, default=0
        Above 0, show progress over rows.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    background_ : {ndarray, CSR, DataFrame} of shape (n_background, n_features)
        The background.
    n_evaluations_ : int
        Rows that `fit` asked the model for, beyond fitting it: the background and, for "entropy",
        the training rows.
    classes_ : ndarray of shape (n_classes,)
        The model's classes, where it is a classifier.
    n_features_in_ : int
        Number of columns seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has string names.

    See Also
    --------
    ShapExplainer : Shapley values, which add up to the prediction.
    MetaExplainer : Shapley values from few evaluations, with error bars.

    Notes
    -----
    `Explanation.values` are the coefficients times what they multiply: 1 for a category or an
    interval, the standardised value for a number that was not discretised. They do not add up to
    the prediction. `Explanation.support` holds "conditions" of shape (n_samples, n_features), what
    each coefficient is about ("age <= 30", "city=missing"), and for each output "local_intercept",
    "local_score" (the weighted R^2 of the linear model) and "local_prediction" (its value at the
    row: intercept plus attributions), of shape (n_samples, n_outputs).

    Other than in lime, values drawn within an interval are values that training rows have (at most
    64 an interval are kept), so that whole numbers stay whole and dates dates. Missing values are a
    category, or an interval of their own, as are categories that training did not show. Numbers
    that are not discretised are rounded and kept within the limits of their dtype where it is one
    of integers, and the linear model is fitted to them as the model was asked.

    References
    ----------
    .. [1] M. T. Ribeiro, S. Singh and C. Guestrin, ""Why should I trust you?": explaining the
       predictions of any classifier", KDD, 2016. https://doi.org/10.1145/2939672.2939778

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_metaexplain import LimeExplainer
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> explainer = LimeExplainer(LogisticRegression(), n_samples=500, random_state=0).fit(X, y)
    >>> explanation = explainer.explain(X[:5])
    >>> explanation
    Explanation(5 rows, 4 features, outputs 0, 1, 2 in probability)
    >>> explanation.support["conditions"][0, 2]
    'petal length (cm) <= 1.6'
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        # LIME has features a column, not a group.
        **{
            name: constraint
            for name, constraint in PosthocExplainer._parameter_constraints.items()
            if name != "feature_groups"
        },
        "n_samples": [Interval(Integral, 2, None, closed="left")],
        "kernel_width": [Interval(Real, 0, None, closed="neither"), None],
        "discretizer": [StrOptions({"quartile", "decile", "entropy"}), None],
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        n_samples: int = 5000,
        kernel_width: float | None = None,
        discretizer: str | None = "quartile",
        n_features: int | None = None,
        background: Any = 100,
        output: str = "auto",
        batch_size: int = 10_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            background=background,
            output=output,
            batch_size=batch_size,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.n_samples = n_samples
        self.kernel_width = kernel_width
        self.discretizer = discretizer
        self.n_features = n_features

    def _check_params(self) -> None:
        super()._check_params()
        if self.discretizer == "entropy" and is_regressor(self.estimator):
            raise ValueError(
                'discretizer="entropy" separates classes, and '
                f'{type(self.estimator).__name__} is a regressor; use "quartile" or "decile".'
            )

    def _fit_explainer(self, X: Any) -> None:
        labels = None
        self.n_evaluations_ = self._masked_model_.n_background
        if self.discretizer == "entropy":
            labels = self._masked_model_.predicted_classes(X)
            self.n_evaluations_ += X.shape[0]
        self._columns_ = LimeColumns(
            X, self._attributed_names(), self.discretizer, labels, self._seed_
        )

    def _explain(self, X: Any) -> Explanation:
        self._validate_params()  # some are read here, and may have been set since fit
        model = self._masked_model_
        predictions = model.predict(X)
        can_matter = model.can_matter(X)
        groups = self._columns_.groups_of(X)
        kernel_width = self.kernel_width
        if kernel_width is None:
            kernel_width = 0.75 * float(np.sqrt(self.n_features_in_))
        lime_tabular = _libraries.lime_tabular()
        n_rows = X.shape[0]
        fits = Parallel(n_jobs=self.n_jobs, require="sharedmem")(
            delayed(fit_local_model)(
                lime_tabular,
                self._columns_,
                _safe_indexing(X, [i]),
                groups[i],
                can_matter[i],
                predictions[i],
                model.predict,
                n_samples=self.n_samples,
                n_features=self.n_features,
                kernel_width=kernel_width,
                batch_size=self.batch_size,
                n_jobs=self.n_jobs if n_rows == 1 else 1,
                seed=self._seed_,
            )
            for i in progress_bar(range(n_rows), desc="explain", verbose=self.verbose)
        )
        values = np.stack([fit.values for fit in fits])
        intercept = np.stack([fit.intercept for fit in fits])
        score = np.stack([fit.score for fit in fits])
        support = {
            "conditions": self._columns_.texts_of(X, groups),
            "local_intercept": model.expand_outputs(intercept),
            # Both outputs of a binary classifier are fitted equally well.
            "local_score": np.broadcast_to(score, (len(score), model.n_outputs)).copy(),
            "local_prediction": model.expand_outputs(intercept + values.sum(axis=1)),
        }
        return self._assemble(
            X,
            values,
            predictions,
            model.background_outputs.mean(axis=0),
            n_evaluations=np.array([fit.n_evaluations for fit in fits]),
            support=support,
            value_function="local",
        )

    def __sklearn_tags__(self) -> EstimatorTags:
        tags = super().__sklearn_tags__()
        tags.explainer_tags.additive = False
        return tags
