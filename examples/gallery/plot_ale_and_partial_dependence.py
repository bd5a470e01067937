"""
Correlated columns: ALE beside partial dependence
=================================================

Large flats have many rooms: two columns nearly repeat each other. Both matter, each in its own way,
and a forest predicts the price well. What is the effect of the number of rooms?

Partial dependence sets a column to a value in every row, whatever the other columns hold, and so
asks the forest about tiny flats of many rooms, of which it has seen none. Accumulated local effects
(ALE; Apley and Zhu, 2020) move a column only within a narrow interval, in rows that lie there, and
add up the differences. The example is theirs.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.inspection import (
    ALEDisplay,
    DependenceDisplay,
    accumulated_local_effects,
)

random = np.random.RandomState(0)
common = random.uniform(size=1000)
X = pd.DataFrame(
    {
        "size": common + 0.05 * random.normal(size=1000),
        "rooms": common + 0.05 * random.normal(size=1000),
    }
)
y = X["size"] + X["rooms"] ** 2 + 0.05 * random.normal(size=1000)
forest = RandomForestRegressor(n_estimators=50, min_samples_leaf=3, random_state=0)
forest.fit(X, y)
print(f"correlation of the columns: {X['size'].corr(X['rooms']):.2f}")
print(f"R2 of the forest: {forest.score(X, y):.2f}")

# %%
# Where there are data, and where partial dependence asks as well.
grid = np.linspace(*X["rooms"].quantile([0.05, 0.95]), 12)
figure, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
sizes, rooms = np.meshgrid(X["size"][::25], grid)
ax.scatter(sizes, rooms, s=5, color="#D55E00", label="asked by partial dependence")
ax.scatter(X["size"], X["rooms"], s=4, color="#0072B2", label="data")
ax.set(xlabel="size", ylabel="rooms")
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)

# %%
# The effect of the rooms is known here, their square. Effects are drawn around their means.
dependence = partial_dependence(forest, X, ["rooms"], grid_resolution=40)
ale = accumulated_local_effects(forest, X, "rooms")

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
at = np.linspace(*X["rooms"].quantile([0.05, 0.95]), 100)
curves = {
    "truth": (at, at**2),
    "partial dependence": (dependence.grid_values[0], dependence.average[0]),
    "ALE": (ale.grid_values[0], ale.effects[:, 0]),
}
for color, (name, (values, effect)) in zip(
    ["0.6", "#D55E00", "#0072B2"], curves.items(), strict=True
):
    mean = np.interp(X["rooms"], values, effect).mean()
    width = 5 if name == "truth" else 2
    ax.plot(values, effect - mean, label=name, color=color, linewidth=width)
ax.set(xlabel="rooms", ylabel="effect on the predicted price", xlim=at[[0, -1]])
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)

# %%
# ``ALEDisplay`` draws effects of several columns in one line. The ticks are where intervals end:
# about as many rows lie between each two of them.
ALEDisplay.from_estimator(forest, X, ["size", "rooms"])

# %%
# Interventional Shapley values replace a column by the background's values, and so ask about flats
# that do not exist, too: over the rows, the attributions of the rooms spread as wide as partial
# dependence does. Where columns go together, explain them as a group (``feature_groups``), or look
# at their ALE.
explainer = MetaExplainer(FrozenEstimator(forest), n_support=512, random_state=0).fit(X)
DependenceDisplay.from_explainer(explainer, X[:300], feature="rooms", color_by="size")
