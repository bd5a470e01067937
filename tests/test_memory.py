"""What MetaExplainer needs for a table of twenty thousand rows and thirty columns."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import MetaExplainer

ROOT = Path(__file__).parents[1]
N_ROWS, N_COLUMNS = 20_000, 30
GIB = 2**30

pytestmark = pytest.mark.slow

# The working memory of explaining is that of one chunk of rows; what grows with the table are the
# arrays of its encoding and of its values. So full settings explain a part, and cheap ones all.
PEAKS = """
    import json, resource, sys
    import numpy as np
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression
    from sklearn_metaexplain import MetaExplainer

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    n_rows, n_columns, n_part = map(int, sys.argv[1:])
    MetaExplainer  # imports torch
    peaks = [peak()]
    X = np.random.default_rng(0).normal(size=(n_rows, n_columns))
    model = FrozenEstimator(LogisticRegression().fit(X, X[:, 0] * X[:, 1] > 0))
    peaks.append(peak())
    explainer = MetaExplainer(model, background=100, random_state=0).fit(X)
    peaks.append(peak())
    explainer.explain(X[:n_part])
    explainer.explain(X[:100], budget=100)
    peaks.append(peak())
    cheap = MetaExplainer(model, background=20, n_support=64, random_state=0).fit(X)
    explanation = cheap.explain(X)
    assert explanation.values.shape == (n_rows, n_columns, 2)
    peaks.append(peak())
    print(json.dumps(peaks))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
def test_peak_memory():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PEAKS), str(N_ROWS), str(N_COLUMNS), "300"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    imported, *later = json.loads(done.stdout)
    used = [round((peak - imported) / 2**20) for peak in later]
    assert later[-1] - imported < GIB, f"MiB above the imports after each step: {used}"


@pytest.mark.parametrize("budget", [0, 20])
def test_time_is_linear_in_the_rows(budget):
    n = 1000 if budget == 0 else 200
    X = np.random.default_rng(0).normal(size=(2 * n, N_COLUMNS))
    model = FrozenEstimator(LogisticRegression().fit(X, X[:, 0] * X[:, 1] > 0))
    explainer = MetaExplainer(model, background=20, n_support=128, random_state=0).fit(X)
    explainer.explain(X[:40], budget=budget)  # compiles

    def seconds(rows):
        start = process_time()  # of other processes on the machine nothing is counted
        explainer.explain(rows, budget=budget)
        return process_time() - start

    once = min(seconds(X[:n]) for _ in range(3))
    twice = min(seconds(X) for _ in range(3))
    assert twice < 2.6 * once
    assert twice > 1.4 * once  # there is something to measure
