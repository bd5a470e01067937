"""
Deletion and insertion curves
=============================

Take the columns that speak most for the prediction out of a row, one after the other, by giving
them the values of background rows: the better the explanation, the sooner the output falls. Or
start from background rows and put them in: the sooner it rises.

Seven columns are few enough to enumerate all coalitions, so the exact Shapley values are the
yardstick here. Random attributions are the floor.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.inspection import CurveDisplay
from sklearn_metaexplain.metrics import shapley_error

X, y = load_penguins(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    (
        make_pipeline(SimpleImputer(), StandardScaler()),
        make_column_selector(dtype_include="number"),
    ),
)
model = make_pipeline(columns, LogisticRegression()).fit(X_train, y_train)

shared = {"estimator": FrozenEstimator(model), "background": X_train[:20], "random_state": 0}
rows = X_test[:30]
exact = ShapExplainer(algorithm="exact", **shared).fit(X_train).explain(rows)
meta = MetaExplainer(n_support=512, **shared).fit(X_train).explain(rows)
lime = LimeExplainer(n_samples=500, **shared).fit(X_train).explain(rows)
noise = np.random.RandomState(0).normal(size=exact.values.shape)
explanations = {
    "exact": exact,
    "meta": meta,
    "lime": lime,
    "random": replace(exact, values=noise, additive=False),
}
print(f"evaluations of the model for a row: {exact.n_evaluations.max()} for the exact values")
print(f"relative error of MetaExplainer with 512 in all: {shapley_error(exact, meta):.3f}")

# %%
# Other rows than any explainer's background replace the columns, so that none is judged by what it
# used itself. The curves of the exact values are hidden beneath those of MetaExplainer: the columns
# have all but the same order.
figure, axes = plt.subplots(ncols=2, figsize=(11, 4.6), layout="constrained")
for ax, order in zip(axes, ["deletion", "insertion"], strict=True):
    CurveDisplay.from_explanation(
        explanations, model.predict_proba, background=X_train[20:40], order=order, ax=ax
    )

# %%
# The areas are the metrics ``deletion_auc`` (lower is better) and ``insertion_auc`` (higher is
# better); as scorers for searches they are called "neg_deletion_auc" and "insertion_auc". Only the
# order of the columns counts here, not the sizes of attributions: explanations that rank alike
# score alike.
