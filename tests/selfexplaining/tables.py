"""Labelled tables on which the self-explaining classifiers are tried."""

import numpy as np
import pandas as pd

from sklearn_metaexplain import AttentionClassifier, MatchingClassifier, PrototypeClassifier

CLASSIFIERS = [PrototypeClassifier, MatchingClassifier, AttentionClassifier]

#: Every kind of each classifier.
KINDS = [
    PrototypeClassifier(random_state=0),
    PrototypeClassifier(n_prototypes=3, random_state=0),
    MatchingClassifier(random_state=0),
    MatchingClassifier(metric="cosine", random_state=0),
    AttentionClassifier(random_state=0),
    AttentionClassifier(attention="per_class", random_state=0),
    AttentionClassifier(gate="sparsemax", random_state=0),
    AttentionClassifier(attention="per_class", gate="sparsemax", random_state=0),
    AttentionClassifier(groups_by=[[0, 1]], random_state=0),
    AttentionClassifier(groups_by=[[0, 1]], gate="sparsemax", random_state=0),
]


def clouds(n_rows=30, n_columns=3, n_classes=3, *, seed=0, separation=2.0):
    """Rows around a centre for each class, as many in each as can be."""
    random = np.random.RandomState(seed)
    labels = np.arange(n_rows) % n_classes
    centres = separation * random.normal(size=(n_classes, n_columns))
    return centres[labels] + random.normal(size=(n_rows, n_columns)), labels


def mixed_frame(n_rows=48, seed=0):
    """A DataFrame with all that columns may hold, and classes that every column tells of."""
    random = np.random.RandomState(seed)
    labels = np.arange(n_rows) % 2
    number = labels + 0.5 * random.normal(size=n_rows)
    number[::7] = np.nan
    town = np.where(random.random_sample(n_rows) < 0.8, labels, 1 - labels)
    grade = random.randint(3, size=n_rows)
    frame = pd.DataFrame(
        {
            "number": number,
            "town": np.array(["Bath", "York"])[town],
            "grade": pd.Categorical(np.array(["low", "middle", "high"])[grade]),
            "paid": labels + random.normal(size=n_rows) > 0.5,
            "since": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(30 * labels + random.randint(20, size=n_rows), unit="D"),
            "count": random.poisson(3 + 2 * labels),
            "same": "always",
        },
        index=[f"row {i}" for i in range(n_rows)],
    )
    frame.loc[frame.index[::11], "town"] = None
    return frame, np.array(["no", "yes"])[labels]
