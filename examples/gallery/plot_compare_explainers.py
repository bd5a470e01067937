"""
Several explainers of one model
===============================

``compare_explainers`` fits the model once, explains the same held-out rows by every explainer,
scores all of them by the same perturbations, and writes down what each of them cost. Random
attributions are always among the compared: what does not beat them says nothing.
"""

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.inspection import ComparisonDisplay
from sklearn_metaexplain.model_selection import compare_explainers

X, y = load_penguins(return_X_y=True)
encode = make_column_transformer(
    (OrdinalEncoder(), make_column_selector(dtype_exclude="number")), remainder="passthrough"
)
model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=30, random_state=0))

shared = {"background": 20, "random_state": 0}
explainers = {
    "meta": MetaExplainer(model, n_support=512, **shared),
    "meta, 100 a row": MetaExplainer(model, n_support=512, budget=100, **shared),
    "shap kernel": ShapExplainer(model, algorithm="kernel", budget=400, **shared),
    "lime": LimeExplainer(model, n_samples=500, **shared),
}
comparison = compare_explainers(
    explainers,
    X,
    y,
    metrics=["faithfulness", "insertion_auc", "comprehensiveness", "sparsity"],
    n_samples=15,
)
comparison.round(3)

# %%
# Scores, of which more is better. An explanation that is sparse or robust is not yet true: the
# random attributions' bars say how much a score is worth. Faithfulness asks whether attributions
# predict what replacing columns does; sparsity does not ask the model at all.
ComparisonDisplay.from_frame(
    comparison, metrics=["faithfulness", "insertion_auc", "comprehensiveness", "sparsity"]
)

# %%
# What it cost: rows that the model was asked about, once by ``fit`` and for each explained row.
ComparisonDisplay.from_frame(comparison, metrics=["n_evaluations_fit", "n_evaluations_row"])

# %%
# Do they say the same? Fitted explainers of one fitted model, side by side on the same rows. LIME's
# coefficients are no Shapley values: they are compared in their own units, which are not shares of
# the prediction.
fitted = FrozenEstimator(model.fit(X, y))
rows = X[::20]
explanations = {
    name: explainer.set_params(estimator=fitted).fit(X).explain(rows)
    for name, explainer in explainers.items()
}
ComparisonDisplay.from_explanations(explanations)
