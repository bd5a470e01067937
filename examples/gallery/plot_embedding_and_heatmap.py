"""
Rows that are explained alike
=============================

Two wines of the same class may be of it for different reasons. A map of the attributions, rather
than of the columns, lays rows together whose predictions have the same reasons: all columns are in
the units of the output, so none needs scaling, and columns that the model ignores do not count.
"""

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.inspection import EmbeddingDisplay, HeatmapDisplay

X, y = load_wine(return_X_y=True, as_frame=True)
y = y.map({0: "barolo", 1: "grignolino", 2: "barbera"})
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
explainer = MetaExplainer(model, n_support=512, random_state=0).fit(X_train, y_train)
explanation = explainer.explain(X_test)

# %%
# Principal components of what each column adds to the probability of grignolino.
EmbeddingDisplay.from_explanation(explanation, output="grignolino", color_by=y_test)

# %%
# The attributions themselves: a column of the picture for each wine, wines with like attributions
# next to each other.
HeatmapDisplay.from_explanation(explanation, output="grignolino")
