"""
Out-of-fold explanations
========================

Explanations of the rows that a model was trained on explain what it remembers.
``cross_val_explain`` explains every row by a model that has not seen it, as ``cross_val_predict``
predicts it.

The target here is noise: nothing can be learned. A forest remembers it all the same, and in-sample
attributions look like knowledge.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.exceptions import OffPriorWarning
from sklearn_metaexplain.inspection import DependenceDisplay
from sklearn_metaexplain.model_selection import cross_val_explain

random = np.random.RandomState(0)
X = pd.DataFrame(random.normal(size=(200, 4)), columns=["a", "b", "c", "d"])
y = random.normal(size=200)

explainer = MetaExplainer(
    RandomForestRegressor(n_estimators=50, random_state=0), n_support=512, random_state=0
)
with warnings.catch_warnings():
    # The explainer warns of a model that is unlike those that its networks were trained on.
    warnings.simplefilter("ignore", OffPriorWarning)
    in_sample = explainer.fit(X, y).explain(X)
    out_of_fold = cross_val_explain(explainer, X, y, cv=3)
out_of_fold

# %%
# The sum of a row's attributions says how the model's prediction differs from the average. In
# sample it follows the noise; out of fold it does not.
figure, axes = plt.subplots(ncols=2, figsize=(9, 4), sharex=True, sharey=True, layout="constrained")
for ax, (name, explanation) in zip(
    axes, {"in sample": in_sample, "out of fold": out_of_fold}.items(), strict=True
):
    total = explanation.values.sum(axis=(1, 2))
    ax.scatter(y, total, s=12, color="#0072B2", alpha=0.7)
    ax.axhline(0, color="0.25", linewidth=0.8)
    correlation = np.corrcoef(y, total)[0, 1]
    ax.set(title=f"{name}: correlation {correlation:+.2f}", xlabel="target (noise)")
axes[0].set_ylabel("sum of the attributions")

# %%
# As inputs of another model the in-sample attributions would leak the target. Out of fold, each row
# keeps the base value of its own fold, and attributions still add up to that fold's prediction:
print("different base values:", len(np.unique(out_of_fold.base_values)))
print(f"largest residual: {abs(out_of_fold.residual).max():.1e}")

# %%
# What a column adds, out of fold.
DependenceDisplay.from_explanation(out_of_fold, "a")
