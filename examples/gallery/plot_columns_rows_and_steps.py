"""
Two columns, like rows, and what adaptation did
===============================================

Three more pictures: where in the plane of two columns the model finds its reasons, a row beside
those that are explained like it, and how the networks of an explainer were adapted to one model.
"""

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.inspection import (
    AdaptationDisplay,
    DependenceDisplay,
    PrototypeDisplay,
    ScatterDisplay,
)

X, y = load_penguins(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    (SimpleImputer(), make_column_selector(dtype_include="number")),
)
model = make_pipeline(columns, RandomForestClassifier(random_state=0))
explainer = MetaExplainer(model, background=25, n_support=512, max_epochs=15, random_state=0)
explanation = explainer.fit(X_train, y_train).explain(X_test)

# %%
# Colours are what both columns together add to the probability of a Gentoo.
ScatterDisplay.from_explanation(
    explanation, ["flipper_length_mm", "bill_depth_mm"], output="Gentoo"
)

# %%
# A column of text, one swarm a category. Rows whose cell is missing have a place of their own.
DependenceDisplay.from_explanation(explanation, "sex", output="Adelie")

# %%
# The four penguins whose attributions are closest to those of the first. Bars say how close, one
# would be the same attributions; the darker a cell, the more it is like that of the first row.
ours = explanation.values.reshape(len(explanation), -1)
distance = np.linalg.norm(ours - ours[0], axis=1)
nearest = np.argsort(distance)[1:5]
PrototypeDisplay.from_rows(
    X_test[:1],
    X_test.iloc[nearest],
    weights=np.exp(-distance[nearest]),
    labels=y_test.iloc[nearest].tolist(),
    X=X_train,
)

# %%
# With ``max_epochs`` the kernel network is adapted to the model at hand, on evaluations that are
# paid for already. A fifth of them is held out; the epoch that predicts these best is kept, and if
# none improves on the network as it was shipped, that one is kept.
AdaptationDisplay.from_explainer(explainer)
