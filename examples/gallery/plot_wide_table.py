"""
Forty columns
=============

Nobody reads forty bars. Displays show the largest columns and sum the others up: what is left out
stays visible, in its size if not in its parts.
"""

import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.inspection import AttributionDisplay, BeeswarmDisplay, HeatmapDisplay

X, y = make_classification(400, 40, n_informative=8, n_redundant=8, random_state=0)
X = pd.DataFrame(X, columns=[f"reading of the sensor no. {j:02d}" for j in range(40)])
model = RandomForestClassifier(100, random_state=0)
explainer = MetaExplainer(model, background=20, n_support=512, random_state=0)
explanation = explainer.fit(X[:300], y[:300]).explain(X[300:340])

# %%
# One row. ``max_display`` says how many columns have a bar of their own.
AttributionDisplay.from_explanation(explanation[0], kind="waterfall", max_display=8)

# %%
# All rows: how large attributions are, and how they follow the column's value.
AttributionDisplay.from_explanation(explanation)

# %%
BeeswarmDisplay.from_explanation(explanation, max_display=10)

# %%
HeatmapDisplay.from_explanation(explanation, max_display=10)
