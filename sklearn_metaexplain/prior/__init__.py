"""Distribution over (table, model) tasks on which the explanation networks are meta-trained."""

from sklearn_metaexplain.prior._task import FAMILIES, Task, sample_task

__all__ = ["FAMILIES", "Task", "sample_task"]
