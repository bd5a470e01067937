"""Tables to try explainers on."""

from sklearn_metaexplain.datasets._penguins import load_penguins

__all__ = ["load_penguins"]
