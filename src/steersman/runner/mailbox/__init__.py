"""What stands between a runner and the laptop that wanted it, where there is no server.

It runs beside the runner in its container. To the runner it is a server; the laptop, which a pod
could never reach, comes and asks.
"""

RUNNER_PORT, LAPTOP_PORT = 21477, 21478
"""Below those that systems give out by themselves, and nobody's otherwise."""
