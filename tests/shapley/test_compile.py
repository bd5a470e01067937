import subprocess
import sys

import numba
import numpy as np
from numba.core import caching

from sklearn_metaexplain.shapley._compile import compiled


def reciprocal(value):
    return 1.0 / value


def test_what_is_compiled_is_kept_where_it_can_be(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    made = compiled(error_model="numpy")(reciprocal)
    assert (made.targetoptions["nogil"], made.targetoptions["error_model"]) == (True, "numpy")
    assert np.isinf(made(0.0))
    assert list(tmp_path.rglob("*.nbc"))


def test_a_function_is_compiled_where_nothing_can_be_kept(monkeypatch):
    monkeypatch.setattr(caching.FunctionCache._impl_class, "_locator_classes", [])
    made = compiled(error_model="numpy")(reciprocal)
    assert made.stats.cache_path is None
    assert (made.targetoptions["nogil"], made.targetoptions["error_model"]) == (True, "numpy")
    assert np.isinf(made(0.0))


def test_the_package_is_imported_where_nothing_can_be_kept():
    # As in a container with a read-only installation and no home.
    program = """
from importlib import import_module
from pkgutil import iter_modules

from numba.core import caching

caching.FunctionCache._impl_class._locator_classes = []
import numpy as np

from sklearn_metaexplain import MetaExplainer, shapley

for module in iter_modules(shapley.__path__, "sklearn_metaexplain.shapley."):
    import_module(module.name)

from sklearn_metaexplain.shapley._growing import predict

assert predict.stats.cache_path is None
codes = np.array([[0, 2], [1, 0]], np.int16)
print(predict(codes, np.array([[[1, 0, -1, -2]]]), np.array([[3.0, 5.0]])).tolist())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # The second column is above 0 in the first row alone, which is in the right leaf.
    assert done.stdout.split("\n")[0] == "[5.0, 3.0]"
