"""SHAP with the package's contract."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._progress import progress_bar
from sklearn_metaexplain._validation import column_names
from sklearn_metaexplain.masking import resolve_feature_groups
from sklearn_metaexplain.posthoc._base import PosthocExplainer
from sklearn_metaexplain.posthoc._budget import resolve_budget
from sklearn_metaexplain.posthoc._shap_game import ALGORITHMS, MaskGame
from sklearn_metaexplain.posthoc._shap_tree import (
    REMEDY,
    TreeValues,
    check_supported,
    is_close_to_additive,
)

__all__ = ["ShapExplainer"]

# Cells of (row, background row, player) that are compared at once.
COMPARED_AT_ONCE = 50_000_000


class ShapExplainer(PosthocExplainer):
    """Shapley values by the algorithms of the shap library, in raw columns.

    shap never sees the model or the table: it is handed a function of 0/1 vectors, one entry for
    each column or group of columns. So strings, categories, dates and missing values need no
    encoding, and any model can be explained, Pipelines included.

    Parameters
    ----------
    estimator : estimator
        The model. It is cloned and fitted; a fitted one that must stay as it is is passed as
        ``FrozenEstimator(model)``.
    algorithm : {"auto", "exact", "permutation", "kernel", "tree"}, default="auto"
        "exact" enumerates all coalitions of the columns that differ from the background,
        "permutation" walks through random permutations, "kernel" regresses on random coalitions
        (all columns are kept: shap's selection of ten is off), "tree" reads exact values off bare
        tree models of scikit-learn and does not ask the model: `output="probability"` of trees
        and forests, `output="raw"` of boosting and regressors. Of these it refuses
        `GradientBoostingClassifier` with three classes or more or ``loss="exponential"``, gradient
        boosting with an `init`, and histogram boosting with categorical columns or
        ``loss="poisson"`` or ``"gamma"``. "auto": "tree" where it works, else "exact" for rows that
        it does not cost more than the budget, else "permutation".
    background : int or table of shape (n_background, n_features), default=100
        Rows whose values stand for columns that are left out: a number of rows drawn from `X`
        without replacement (all of them if there are fewer), or the rows.
    budget : int, default=None
        Most model evaluations spent on each row, beyond the row's own prediction. A coalition
        costs an evaluation for each background row, fewer where rows share cells, and nothing when
        it is drawn again: random permutations of few columns repeat coalitions, and spend less than
        they may. "tree" never spends any. None: what shap draws by default (up to 500 coalitions
        for "permutation", at least one walk, and for "auto"; 2,048 and two a column for "kernel";
        all for "exact").
    output : {"auto", "probability", "log_odds", "raw"}, default="auto"
        What is explained. "auto": probabilities where there is `predict_proba`, else "raw".
    feature_groups : mapping or list of lists, default=None
        Columns, by name or position, that move together and are explained as one.
    batch_size : int, default=10_000
        Largest number of rows passed to the model at once.
    n_jobs : int, default=None
        Threads that ask the model.
    random_state : int, RandomState or None, default=None
        Seed of the background and of the permutations and coalitions, which are the same for all
        rows.
    verbose : int, default=0
        Above 0, show progress over rows.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    background_ : {ndarray, CSR, DataFrame} of shape (n_background, n_features)
        The background.
    n_evaluations_ : int
        Rows that `fit` asked the model for, beyond fitting it: the background.
    classes_ : ndarray of shape (n_classes,)
        The model's classes, where it is a classifier.
    n_features_in_ : int
        Number of columns seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has string names.

    See Also
    --------
    MetaExplainer : Shapley values from few evaluations, with error bars.
    LimeExplainer : Local linear models.

    References
    ----------
    .. [1] S. M. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions",
       NeurIPS, 2017. https://arxiv.org/abs/1705.07874
    .. [2] S. M. Lundberg et al., "From local explanations to global understanding with explainable
       AI for trees", Nature Machine Intelligence 2, 2020. https://doi.org/10.1038/s42256-019-0138-9

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LogisticRegression(), background=20, random_state=0).fit(X, y)
    >>> explainer.explain(X[:5])
    Explanation(5 rows, 4 features, outputs 0, 1, 2 in probability)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **PosthocExplainer._parameter_constraints,
        "algorithm": [StrOptions({*ALGORITHMS, "tree"})],
        "budget": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        algorithm: str = "auto",
        background: Any = 100,
        budget: int | None = None,
        output: str = "auto",
        feature_groups: Any = None,
        batch_size: int = 10_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            background=background,
            output=output,
            feature_groups=feature_groups,
            batch_size=batch_size,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.algorithm = algorithm
        self.budget = budget

    def explain(self, X: Any, *, budget: int | None = None) -> Explanation:
        """Attribute the model's outputs to the columns.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to explain.
        budget : int, default=None
            In place of the parameter of that name.

        Returns
        -------
        explanation : Explanation
            Interventional Shapley values; `n_evaluations` are those spent on each row.

        Raises
        ------
        ValueError
            If `X` has other columns than in `fit`, or infinite values, or `budget` is too small
            for the algorithm; the message says what serves.
        """
        return super().explain(X, budget=budget)

    def _check_params(self) -> None:
        super()._check_params()
        if self.algorithm == "tree":
            names = column_names(self)
            n_players = len(resolve_feature_groups(self.feature_groups, names).names)
            check_supported(self.estimator, self.output, grouped=n_players < len(names))

    def _fit_explainer(self, X: Any) -> None:
        self.n_evaluations_ = self._masked_model_.n_background
        # As at fit, whatever is set later.
        self._algorithm_ = self.algorithm
        self._trees_ = None
        if self.algorithm in ("auto", "tree"):
            try:
                self._trees_ = TreeValues(self._masked_model_)
            except ValueError:
                if self.algorithm == "tree":
                    raise

    def _explain(self, X: Any, *, budget: int | None = None) -> Explanation:
        budget = resolve_budget(budget, self.budget, least=1)
        model = self._masked_model_
        base = model.background_outputs.mean(axis=0)
        predictions = model.predict(X)
        values = np.zeros((X.shape[0], model.n_players, model.n_computed))
        n_evaluations = np.zeros(X.shape[0], dtype=np.int64)
        remaining = np.arange(X.shape[0])
        if self._trees_ is not None:
            values, added_up = self._explain_trees(self._trees_, X, predictions - base)
            remaining = remaining[~added_up]
        for i, game in self._games(X, predictions, remaining):
            values[i] = self._play(game, predictions[i] - base, budget)
            n_evaluations[i] = game.n_evaluations
        return self._assemble(X, values, predictions, base, n_evaluations=n_evaluations)

    def _explain_trees(
        self, trees: TreeValues, X: Any, total: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        values = trees.explain(X)
        values[~self._masked_model_.can_matter(X)] = 0.0
        gap = total - values.sum(axis=1)
        model = self._masked_model_
        added_up = is_close_to_additive(values, gap, model, trees.spread)
        if self._algorithm_ == "tree" and not added_up.all():
            row = int(np.flatnonzero(~added_up)[0])
            raise ValueError(
                f"shap's tree algorithm misses the prediction of row {row} by "
                f"{np.abs(gap[row]).max():.3g}, which is more than rounding; {REMEDY}"
            )
        return _close_rounding(values, total, added_up), added_up

    def _games(self, X: Any, predictions: np.ndarray, rows: np.ndarray) -> Any:
        model = self._masked_model_
        step = max(1, COMPARED_AT_ONCE // (model.n_background * model.n_players))
        progress = progress_bar(total=len(rows), desc="explain", verbose=self.verbose)
        with progress:
            for start in range(0, len(rows), step):
                chunk = rows[start : start + step]
                differing = model.differing(_safe_indexing(X, chunk))
                for i, differs in zip(chunk, differing, strict=True):
                    yield i, MaskGame(model, _safe_indexing(X, [i]), predictions[i], differs)
                    progress.update()

    def _play(self, game: MaskGame, total: np.ndarray, budget: int | None) -> np.ndarray:
        model = self._masked_model_
        values = np.zeros((model.n_players, model.n_computed))
        if game.n_playing == 1:
            values[game.players] = total
        elif game.n_playing > 1:
            played = ALGORITHMS[self._algorithm_](game, budget, self._seed_)
            values[game.players] = np.reshape(played, (game.n_playing, model.n_computed))
        gap = total - values.sum(axis=0)
        close = is_close_to_additive(values[None], gap[None], model)
        return _close_rounding(values[None], total[None], close)[0]


def _close_rounding(values: np.ndarray, total: np.ndarray, close: np.ndarray) -> np.ndarray:
    """Add what rounding has lost to the largest attributions."""
    gap = total - values.sum(axis=1)
    largest = np.abs(values).argmax(axis=1)
    rows, outputs = np.indices(gap.shape)
    closed = values.copy()
    closed[rows, largest, outputs] += np.where(close[:, None], gap, 0.0)
    return closed
