"""
Tuning an explainer in a grid search
====================================

An explainer is an estimator, so its settings are found as a model's are. ``n_support`` evaluations
of the model are spent once, by ``fit``; ``budget`` evaluations on each row that is explained. More
of either is more exact. How much is enough?
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GridSearchCV

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.metrics import get_explanation_scorer

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=5, random_state=0)
search = GridSearchCV(
    MetaExplainer(forest, background=20, random_state=0),
    {"n_support": [64, 256, 1024], "budget": [0, 50]},
    scoring={"faithfulness": get_explanation_scorer("faithfulness"), "r2": "r2"},
    refit="faithfulness",
    cv=3,
).fit(X, y)
results = pd.DataFrame(search.cv_results_)
results[
    ["param_n_support", "param_budget", "mean_test_faithfulness", "mean_test_r2", "mean_fit_time"]
].round(3)

# %%
# Settings of the explainer leave predictions alone: "r2" is the same in all rows of the table.
# Every candidate was judged by the same perturbations of the same rows. Error bars are standard
# deviations over the folds.
figure, (left, right) = plt.subplots(ncols=2, figsize=(9, 3.6), layout="constrained")
for color, (budget, group) in zip(
    ["#0072B2", "#D55E00"], results.groupby("param_budget"), strict=True
):
    at = {"x": group["param_n_support"].astype(int), "color": color, "marker": "o", "capsize": 3}
    left.errorbar(
        y=group["mean_test_faithfulness"],
        yerr=group["std_test_faithfulness"],
        label=f"{budget} a row",
        **at,
    )
    right.errorbar(y=group["mean_fit_time"], yerr=group["std_fit_time"], **at)
left.set(ylabel="faithfulness")
right.set(ylabel="seconds to fit, the forest included")
for ax in (left, right):
    ax.set(xlabel="evaluations by fit (n_support)", xscale="log")
    ax.set_xticks([64, 256, 1024], ["64", "256", "1024"])
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
left.legend(title="budget", frameon=False)

# %%
# The best candidate was fitted again on all rows and explains.
search.best_estimator_.explain(X[:3]).to_frame("y").round(1)
