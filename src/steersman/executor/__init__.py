"""One attempt at a pipeline, step by step, on any containers door.

`steer build` and the runner share this; only where the events go differs.
"""

from steersman.executor.attempt import Attempt
from steersman.executor.job import Job, Settings

__all__ = ["Attempt", "Job", "Settings"]
