"""Distributions over tasks on which networks are meta-trained."""

from sklearn_metaexplain.prior._labelled import LABEL_FAMILIES, LabelledTable, sample_labelled_table
from sklearn_metaexplain.prior._task import FAMILIES, Task, sample_task

__all__ = [
    "FAMILIES",
    "LABEL_FAMILIES",
    "LabelledTable",
    "Task",
    "sample_labelled_table",
    "sample_task",
]
