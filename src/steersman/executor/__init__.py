"""One attempt at a pipeline, step by step, on any containers door.

`steer build` and the runner share this; only where the events go differs. `attempt.Attempt` is
imported by whoever runs one, when it is to begin.
"""

from steersman.executor.job import Job, Settings

__all__ = ["Job", "Settings"]
