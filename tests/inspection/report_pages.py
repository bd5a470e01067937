"""Reading a report back: its elements by Python's own parser, its data by numpy."""

import json
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_metaexplain import Explanation

DTYPES = {"f4": "<f4", "f8": "<f8", "u1": "<u1", "u2": "<u2", "u4": "<u4"}


class Page(HTMLParser):
    """Elements of a page with their attributes, and the text inside each kind of element."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.texts, self._open = [], {}, []
        self.source = Path(path).read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, text):
        if self._open:
            self.texts[self._open[-1]][-1] += text

    @property
    def data(self):
        return json.loads(self.texts["script"][0])

    @property
    def statements(self):
        return dict(zip(self.texts["dt"], self.texts["dd"], strict=True))


def decode(encoded, shape=-1):
    """What JavaScript's typed arrays will hold."""
    return np.frombuffer(b64decode(encoded["data"]), DTYPES[encoded["type"]]).reshape(shape)


def cells_of(encoded):
    """Cells as the page shows them: None where missing."""
    codes = decode(encoded)
    if "labels" in encoded:
        return [encoded["labels"][code - 1] if code else None for code in codes]
    return [None if np.isnan(number) else number for number in codes.tolist()]


def mixed_explanation(n=60, output_names=("no", "yes", "perhaps"), **changes):
    """Attributions made up for columns of numbers, text and dates with missing cells."""
    random = np.random.RandomState(0)
    data = pd.DataFrame(
        {
            "age": np.where(random.rand(n) < 0.2, np.nan, random.randint(18, 90, n)),
            "port": pd.Series(random.choice(["Cherbourg", "Queenstown", "Southampton"], n)).where(
                random.rand(n) < 0.8
            ),
            "fare": random.lognormal(3, 1, n).round(2),
            "day": pd.Timestamp("1912-04-10") + pd.to_timedelta(random.randint(0, 5, n), unit="D"),
        },
        index=[f"passenger {i}" for i in range(n)],
    )
    k = len(output_names)
    values = random.normal(size=(n, 4, k)) * np.array([1.0, 0.5, 2.0, 0.1])[:, None] * 0.05
    values -= values.mean(axis=2, keepdims=True) if k > 1 else 0.0
    base = np.full(k, 1 / k)
    parts = {
        "std": np.abs(values) / 5,
        "data": data,
        "feature_names": data.columns,
        "output_names": list(output_names),
        "output": "probability" if k > 1 else "raw",
        "n_evaluations": 0,
        "estimator_type": "classifier" if k > 1 else "regressor",
        **changes,
    }
    return Explanation(values, base, base + values.sum(axis=1), **parts)
