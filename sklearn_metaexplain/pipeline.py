"""scikit-learn's Pipeline with `explain`."""

from typing import Any

from sklearn import pipeline as sklearn_pipeline
from sklearn.utils.metaestimators import available_if

from sklearn_metaexplain import base
from sklearn_metaexplain._explanation import Explanation

__all__ = ["Pipeline", "make_pipeline"]


class Pipeline(sklearn_pipeline.Pipeline):
    """Pipeline of scikit-learn that also explains where its last step does.

    Nothing else differs. A plain scikit-learn Pipeline is explained by
    ``sklearn_metaexplain.explain(pipeline, X)``, which does the same.

    Parameters
    ----------
    steps : list of tuple of (str, estimator)
        Transformers, then an explainer or any other estimator.
    transform_input : list of str, default=None
        Metadata that the steps transform, see `sklearn.pipeline.Pipeline`.
    memory : str or joblib.Memory, default=None
        Cache of fitted transformers.
    verbose : bool, default=False
        Print the time that each step takes to fit.

    See Also
    --------
    make_pipeline : Names the steps by itself.
    sklearn_metaexplain.explain : Explain with whatever contains an explainer.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_metaexplain.pipeline import Pipeline
    >>> pipe = Pipeline([("scale", StandardScaler()), ("model", Ridge())])
    >>> hasattr(pipe, "explain")  # Ridge is no explainer
    False
    """

    @available_if(base.is_explainer)
    def explain(self, X: Any, **params: Any) -> Explanation:
        """Transform the rows by the earlier steps and explain them by the last.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows as the first step takes them.
        **params : dict
            Options of the last step's `explain`.

        Returns
        -------
        explanation : Explanation
            Of the columns that reach the last step; `data` is what it saw.
        """
        return base.explain(self, X, **params)


def make_pipeline(
    *steps: Any, memory: Any = None, transform_input: list[str] | None = None, verbose: bool = False
) -> Pipeline:
    """Make a `Pipeline` whose steps are named after their classes.

    Parameters
    ----------
    *steps : estimators
        Transformers, then an explainer or any other estimator.
    memory : str or joblib.Memory, default=None
        Cache of fitted transformers.
    transform_input : list of str, default=None
        Metadata that the steps transform, see `sklearn.pipeline.make_pipeline`.
    verbose : bool, default=False
        Print the time that each step takes to fit.

    Returns
    -------
    pipeline : Pipeline
        With `explain` where the last step is an explainer.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_metaexplain.pipeline import make_pipeline
    >>> make_pipeline(StandardScaler(), Ridge())
    Pipeline(steps=[('standardscaler', StandardScaler()), ('ridge', Ridge())])
    """
    named = sklearn_pipeline.make_pipeline(*steps).steps
    return Pipeline(named, memory=memory, transform_input=transform_input, verbose=verbose)
